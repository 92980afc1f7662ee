package models

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"duban/models/calendar"
	"duban/models/money"
)

// Spending is what was paid of a project on one day.
type Spending struct {
	ProjectID int64
	PaidOn    calendar.Date
	Amount    money.Fen
}

// Evidence is what a check needs to know about a set of projects.
type Evidence struct {
	Projects map[int64]Project
	Units    map[int64]Unit
	Targets  map[int64][]Target   // by project, in the order of their dates
	Spending map[int64][]Spending // by project, in the order of the days
	// Recurring holds all recurring duties of each project, in the order of
	// their dates: which payment answers for which month depends on the others.
	Recurring map[int64][]Obligation
}

// EvidenceFor reads what a check of the given obligations needs, inside the
// transaction.
func (tx *Tx) EvidenceFor(due []Obligation) (Evidence, error) { return evidenceFor(tx.db, due) }

// EvidenceFor is Tx.EvidenceFor outside a transaction.
func (s *Store) EvidenceFor(ctx context.Context, due []Obligation) (Evidence, error) {
	return evidenceFor(s.Read(ctx), due)
}

func evidenceFor(db *gorm.DB, due []Obligation) (Evidence, error) {
	ev := Evidence{
		Projects: map[int64]Project{}, Units: map[int64]Unit{},
		Targets: map[int64][]Target{}, Spending: map[int64][]Spending{}, Recurring: map[int64][]Obligation{},
	}
	projects, units, recurring := map[int64]bool{}, map[int64]bool{}, map[int64]bool{}
	for _, o := range due {
		units[o.UnitID] = true
		if o.ProjectID != 0 {
			projects[o.ProjectID] = true
		}
		if o.Kind == Recurring {
			recurring[o.ProjectID] = true
		}
	}
	for ids := range slices.Chunk(keys(recurring), insertChunk) {
		if err := ev.loadRecurring(db, ids); err != nil {
			return ev, err
		}
	}
	for ids := range slices.Chunk(keys(projects), insertChunk) {
		if err := ev.loadProjects(db, ids); err != nil {
			return ev, err
		}
	}
	var us []Unit
	if err := db.Where("id IN ?", keys(units)).Find(&us).Error; err != nil {
		return ev, fmt.Errorf("read units: %w", err)
	}
	for _, u := range us {
		ev.Units[u.ID] = u
	}
	return ev, nil
}

func (ev Evidence) loadProjects(db *gorm.DB, ids []int64) error {
	var projects []Project
	if err := db.Where("id IN ?", ids).Find(&projects).Error; err != nil {
		return fmt.Errorf("read projects: %w", err)
	}
	for _, p := range projects {
		ev.Projects[p.ID] = p
	}
	var targets []Target
	if err := db.Where("project_id IN ?", ids).Order("project_id, due_on").Find(&targets).Error; err != nil {
		return fmt.Errorf("read targets: %w", err)
	}
	for _, t := range targets {
		ev.Targets[t.ProjectID] = append(ev.Targets[t.ProjectID], t)
	}
	var spending []Spending
	err := db.Model(&Payment{}).Select("project_id, paid_on, SUM(amount) AS amount").
		Where("project_id IN ?", ids).Group("project_id, paid_on").Order("project_id, paid_on").Scan(&spending).Error
	if err != nil {
		return fmt.Errorf("read payments: %w", err)
	}
	for _, s := range spending {
		ev.Spending[s.ProjectID] = append(ev.Spending[s.ProjectID], s)
	}
	return nil
}

func (ev Evidence) loadRecurring(db *gorm.DB, ids []int64) error {
	var duties []Obligation
	err := db.Where("project_id IN ? AND kind = ? AND state <> ?", ids, Recurring, StateWaived).
		Order("project_id, due_on, sequence").Find(&duties).Error
	if err != nil {
		return fmt.Errorf("read recurring obligations: %w", err)
	}
	for _, o := range duties {
		ev.Recurring[o.ProjectID] = append(ev.Recurring[o.ProjectID], o)
	}
	return nil
}

func keys(set map[int64]bool) []int64 {
	ids := make([]int64, 0, len(set))
	for id := range set {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Matter is what a workflow is about: a duty with its project and unit.
type Matter struct {
	Obligation Obligation
	Project    Project // zero for a duty of the whole unit
	Unit       Unit
}

// Matter reads a duty with its project and unit.
func (tx *Tx) Matter(obligationID int64) (m Matter, err error) {
	if m.Obligation, err = tx.obligation(obligationID); err != nil {
		return m, err
	}
	if err := notFound(tx.db.Take(&m.Unit, m.Obligation.UnitID).Error, "单位", m.Obligation.UnitID); err != nil {
		return m, err
	}
	if m.Obligation.ProjectID == 0 {
		return m, nil
	}
	return m, notFound(tx.db.Take(&m.Project, m.Obligation.ProjectID).Error, "项目", m.Obligation.ProjectID)
}

// Proof is the state of a project's records on a day, which a workflow freezes
// as its evidence.
type Proof struct {
	Paid       money.Fen
	Batch      int64 // the import of the latest payment, 0 if nothing was paid
	Targets    []Target
	Indicators []Indicator
}

// Proof reads what is on record of a project, with the payments up to and
// including day.
func (tx *Tx) Proof(projectID int64, day calendar.Date) (p Proof, err error) {
	if projectID == 0 {
		return p, nil
	}
	var sum struct {
		Paid  money.Fen
		Batch int64
	}
	err = tx.db.Model(&Payment{}).Select("COALESCE(SUM(amount), 0) AS paid, COALESCE(MAX(batch_id), 0) AS batch").
		Where("project_id = ? AND paid_on <= ?", projectID, day).Scan(&sum).Error
	if err != nil {
		return p, fmt.Errorf("read payments: %w", err)
	}
	p.Paid, p.Batch = sum.Paid, sum.Batch
	if err := tx.db.Where("project_id = ?", projectID).Order("due_on").Find(&p.Targets).Error; err != nil {
		return p, fmt.Errorf("read targets: %w", err)
	}
	if err := tx.db.Where("project_id = ?", projectID).Order("sequence").Find(&p.Indicators).Error; err != nil {
		return p, fmt.Errorf("read indicators: %w", err)
	}
	return p, nil
}
