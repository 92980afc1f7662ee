package models

import (
	"context"
	"fmt"
	"slices"
)

// UnitByCode returns the unit with the published code.
func (tx *Tx) UnitByCode(code string) (u Unit, ok bool, err error) {
	res := tx.db.Where("code = ?", code).Limit(1).Find(&u)
	return u, res.RowsAffected > 0, res.Error
}

// SaveUnit adds the unit or changes its name.
func (tx *Tx) SaveUnit(u *Unit) error {
	if u.ID == 0 {
		if err := tx.Create(u); err != nil {
			return err
		}
		return tx.Audit("unit.added", "units", u.ID, u)
	}
	if err := tx.Audit("unit.changed", "units", u.ID, u); err != nil {
		return err
	}
	return save(tx, u, u.ID, &u.Version)
}

// ProjectRecords returns what is stored of the projects with the given codes
// of a fiscal year, by code.
func (tx *Tx) ProjectRecords(year int, codes []string) (map[string]*ProjectRecord, error) {
	records := make(map[string]*ProjectRecord, len(codes))
	for chunk := range slices.Chunk(codes, insertChunk) {
		if err := tx.loadRecords(records, year, chunk); err != nil {
			return nil, err
		}
	}
	return records, nil
}

func (tx *Tx) loadRecords(records map[string]*ProjectRecord, year int, codes []string) error {
	var projects []Project
	if err := tx.db.Where("fiscal_year = ? AND code IN ?", year, codes).Find(&projects).Error; err != nil {
		return fmt.Errorf("read projects: %w", err)
	}
	byID := make(map[int64]*ProjectRecord, len(projects))
	ids := make([]int64, 0, len(projects))
	for _, p := range projects {
		r := &ProjectRecord{Project: p}
		records[p.Code], byID[p.ID] = r, r
		ids = append(ids, p.ID)
	}
	if len(ids) == 0 {
		return nil
	}
	var targets []Target
	if err := tx.db.Where("project_id IN ?", ids).Order("project_id, due_on").Find(&targets).Error; err != nil {
		return fmt.Errorf("read targets: %w", err)
	}
	for _, t := range targets {
		byID[t.ProjectID].Targets = append(byID[t.ProjectID].Targets, t)
	}
	var indicators []Indicator
	if err := tx.db.Where("project_id IN ?", ids).Order("project_id, sequence").Find(&indicators).Error; err != nil {
		return fmt.Errorf("read indicators: %w", err)
	}
	for _, in := range indicators {
		byID[in.ProjectID].Indicators = append(byID[in.ProjectID].Indicators, in)
	}
	return nil
}

// UnitProjectCodes returns the codes of a unit's active projects in a fiscal
// year, without those into which a placeholder budget was refined: no document
// lists them.
func (tx *Tx) UnitProjectCodes(unitID int64, year int) ([]string, error) {
	var codes []string
	err := tx.db.Model(&Project{}).Where("unit_id = ? AND fiscal_year = ? AND state = ?", unitID, year, ProjectActive).
		Where("id NOT IN (SELECT refined_id FROM budget_items)").Order("code").Pluck("code", &codes).Error
	return codes, err
}

// AddProjects inserts new projects of one fiscal year with what their tables
// state, and fills in the projects' ids.
func (tx *Tx) AddProjects(records []*ProjectRecord) error {
	if len(records) == 0 {
		return nil
	}
	projects := make([]*Project, len(records))
	for i, r := range records {
		projects[i] = &r.Project
	}
	if err := tx.Create(projects); err != nil {
		return err
	}
	if err := tx.readIDs(records); err != nil {
		return err
	}
	for _, r := range records {
		if err := tx.Audit("project.added", "projects", r.ID, change{nil, r.standing()}); err != nil {
			return err
		}
	}
	return tx.addDetails(records)
}

// readIDs reads the ids of projects that were just inserted. Not every engine
// says which it gave to the rows of one statement, nor in which order.
func (tx *Tx) readIDs(records []*ProjectRecord) error {
	for chunk := range slices.Chunk(records, insertChunk) {
		codes := make([]string, len(chunk))
		for i, r := range chunk {
			codes[i] = r.Code
		}
		stored, err := tx.Projects(chunk[0].FiscalYear, codes)
		if err != nil {
			return err
		}
		for _, r := range chunk {
			r.ID = stored[r.Code].ID
		}
	}
	return nil
}

// addDetails inserts the targets and indicators of projects that have ids.
func (tx *Tx) addDetails(records []*ProjectRecord) error {
	var targets []*Target
	var indicators []*Indicator
	for _, r := range records {
		for i := range r.Targets {
			r.Targets[i].ProjectID = r.ID
			targets = append(targets, &r.Targets[i])
		}
		for i := range r.Indicators {
			r.Indicators[i].ProjectID = r.ID
			indicators = append(indicators, &r.Indicators[i])
		}
	}
	if len(targets) > 0 {
		if err := tx.Create(targets); err != nil {
			return err
		}
	}
	if len(indicators) > 0 {
		return tx.Create(indicators)
	}
	return nil
}

// ReplaceProject stores what a corrected table states of a project that is
// stored already. What was stated before goes to the audit trail.
func (tx *Tx) ReplaceProject(was, is *ProjectRecord) error {
	if err := tx.Audit("project.changed", "projects", is.ID, change{was, is}); err != nil {
		return err
	}
	if err := save(tx, &is.Project, is.ID, &is.Version); err != nil {
		return err
	}
	for _, detail := range []any{&Target{}, &Indicator{}} {
		if err := tx.db.Where("project_id = ?", is.ID).Delete(detail).Error; err != nil {
			return fmt.Errorf("replace %T: %w", detail, err)
		}
	}
	for i := range is.Targets {
		is.Targets[i].ID, is.Targets[i].Stamps = 0, Stamps{}
	}
	for i := range is.Indicators {
		is.Indicators[i].ID, is.Indicators[i].Stamps = 0, Stamps{}
	}
	return tx.addDetails([]*ProjectRecord{is})
}

// SaveProject writes a project whose own fields changed, such as its people.
func (tx *Tx) SaveProject(p *Project) error {
	if err := tx.Audit("project.changed", "projects", p.ID, p); err != nil {
		return err
	}
	return save(tx, p, p.ID, &p.Version)
}

// HandProjectsOver gives the supervised projects that one person answers for
// to another, who then hears about their duties.
func (tx *Tx) HandProjectsOver(from, to int64) error {
	var projects []Project
	if err := tx.db.Where("(owner_id = ? OR manager_id = ?) AND state = ?", from, from, ProjectActive).Find(&projects).Error; err != nil {
		return fmt.Errorf("read projects: %w", err)
	}
	ids := make([]int64, len(projects))
	for i := range projects {
		p := &projects[i]
		if ids[i] = p.ID; p.OwnerID == from {
			p.OwnerID = to
		}
		if p.ManagerID == from {
			p.ManagerID = to
		}
		if err := tx.SaveProject(p); err != nil {
			return err
		}
	}
	return tx.ReassignProjects(ids)
}

// UnitGoals returns the goals of a unit in a fiscal year, in the document's order.
func (tx *Tx) UnitGoals(unitID int64, year int) ([]Goal, error) {
	var goals []Goal
	err := tx.db.Where("unit_id = ? AND fiscal_year = ?", unitID, year).Order("scope DESC, sequence").Find(&goals).Error
	return goals, err
}

// ReplaceGoals stores the goals that a document states for a unit and year.
func (tx *Tx) ReplaceGoals(unitID int64, year int, was, goals []Goal) error {
	if err := tx.Audit("goals.changed", "units", unitID, change{was, goals}); err != nil {
		return err
	}
	if err := tx.db.Where("unit_id = ? AND fiscal_year = ?", unitID, year).Delete(&Goal{}).Error; err != nil {
		return fmt.Errorf("replace goals: %w", err)
	}
	if len(goals) == 0 {
		return nil
	}
	return tx.Create(goals)
}

// Projects returns the projects of a fiscal year by code.
func (tx *Tx) Projects(year int, codes []string) (map[string]Project, error) {
	found := make(map[string]Project, len(codes))
	for chunk := range slices.Chunk(codes, insertChunk) {
		var batch []Project
		if err := tx.db.Where("fiscal_year = ? AND code IN ?", year, chunk).Find(&batch).Error; err != nil {
			return nil, fmt.Errorf("read projects: %w", err)
		}
		for _, p := range batch {
			found[p.Code] = p
		}
	}
	return found, nil
}

// ProjectsByName returns the projects of a fiscal year by name, which several
// may share.
func (tx *Tx) ProjectsByName(year int) (map[string][]Project, error) {
	var all []Project
	if err := tx.db.Where("fiscal_year = ?", year).Order("id").Find(&all).Error; err != nil {
		return nil, fmt.Errorf("read projects: %w", err)
	}
	byName := map[string][]Project{}
	for _, p := range all {
		byName[p.Name] = append(byName[p.Name], p)
	}
	return byName, nil
}

// FiscalYears returns the years of which projects are stored, in order.
func (s *Store) FiscalYears(ctx context.Context) ([]int, error) {
	var years []int
	err := s.Read(ctx).Model(&Project{}).Distinct("fiscal_year").Order("fiscal_year").Pluck("fiscal_year", &years).Error
	return years, err
}
