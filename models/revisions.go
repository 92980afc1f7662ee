package models

import (
	"cmp"
	"fmt"
	"slices"

	"gorm.io/gorm/clause"

	"duban/models/calendar"
	"duban/models/money"
)

// MoveDueDate gives a duty another due date, as an approved extension (延期)
// says, and keeps the old one. A duty that is no longer required, or has that
// date, stays as it is.
func (tx *Tx) MoveDueDate(obligationID, instanceID int64, to calendar.Date, reason string) error {
	o, err := tx.obligation(obligationID)
	if err != nil || o.State == StateWaived || o.DueOn == to {
		return err
	}
	was := o
	if o.FirstDueOn.IsZero() {
		o.FirstDueOn = o.DueOn
	}
	o.DueOn, o.NextCheckOn = to, tx.store.Today()
	// Another duty of that day may have the number.
	err = tx.db.Model(&Obligation{}).Select("COALESCE(MAX(sequence) + 1, 0)").
		Where("subject = ? AND kind = ? AND due_on = ?", o.Subject, o.Kind, o.DueOn).Scan(&o.Sequence).Error
	if err != nil {
		return fmt.Errorf("number the obligation: %w", err)
	}
	if err := tx.Create(&DueDateChange{ObligationID: o.ID, InstanceID: instanceID, Was: was.DueOn, DueOn: to, Reason: reason}); err != nil {
		return err
	}
	if err := tx.Audit("obligation.extended", "obligations", o.ID, change{was, o}); err != nil {
		return err
	}
	return numberTaken(save(tx, &o, o.ID, &o.Version))
}

// numberTaken has the transaction run again if somebody else took the sequence
// number of a duty meanwhile.
func numberTaken(err error) error {
	if duplicate(err) {
		return fmt.Errorf("%w: %w", ErrConflict, err)
	}
	return err
}

// statement returns what is in force of a project's money.
func (r ProjectRecord) statement() Statement {
	s := Statement{Budget: r.Budget, Fiscal: r.Fiscal, Other: r.Other, Placeholder: r.Placeholder}
	for _, t := range r.Targets {
		s.Plan = append(s.Plan, Planned{DueOn: t.DueOn, Label: t.Label, Percent: t.Percent})
	}
	return s
}

// equal reports whether two statements say the same.
func (s Statement) equal(t Statement) bool {
	return s.Budget == t.Budget && s.Fiscal == t.Fiscal && s.Other == t.Other && s.Placeholder == t.Placeholder &&
		slices.Equal(s.Plan, t.Plan)
}

// record reads one project with what its table states, and locks it.
func (tx *Tx) record(projectID int64) (*ProjectRecord, error) {
	var p Project
	if err := notFound(tx.db.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&p, projectID).Error, "项目", projectID); err != nil {
		return nil, err
	}
	records, err := tx.ProjectRecords(p.FiscalYear, []string{p.Code})
	if err != nil {
		return nil, err
	}
	return records[p.Code], nil
}

// Replan is the part of a spending plan that an adjustment states anew: the
// checkpoints that were up for revision, and those of them that remain.
type Replan struct {
	Shown []calendar.Date
	Plan  []Planned
}

// ReviseBudget gives a project another budget, and what replan states of its
// spending plan, as an approved adjustment (调剂) says. The targets are
// recomputed from the new amount; what was stated before stays on record. A
// checkpoint that has passed keeps its share, as does one that was not shown.
func (tx *Tx) ReviseBudget(projectID, instanceID int64, amount money.Fen, replan Replan, reason string) error {
	was, err := tx.record(projectID)
	if err != nil {
		return err
	}
	is := *was
	is.Targets = slices.Clone(was.Targets)
	is.setBudget(amount)
	today := tx.store.Today()
	up := func(day calendar.Date) bool { return !day.Before(today) && slices.Contains(replan.Shown, day) }
	is.Targets = slices.DeleteFunc(is.Targets, func(t Target) bool { return up(t.DueOn) })
	for _, p := range replan.Plan {
		if up(p.DueOn) {
			is.Targets = append(is.Targets, Target{ProjectID: is.ID, DueOn: p.DueOn, Label: p.Label, Percent: p.Percent})
		}
	}
	slices.SortFunc(is.Targets, func(a, b Target) int { return a.DueOn.Compare(b.DueOn) })
	return tx.revise(was, &is, instanceID, reason)
}

// setBudget changes the amount. The difference is the fiscal funds' as long as
// they suffice, then the other funds'. Where the table's parts did not add up
// before, they do not afterwards.
func (p *Project) setBudget(amount money.Fen) {
	p.Fiscal += amount - p.Budget
	p.Budget = amount
	if p.Fiscal < 0 {
		p.Other, p.Fiscal = max(0, p.Other+p.Fiscal), 0
	}
}

// revise stores a revision with the duties that follow from it.
func (tx *Tx) revise(was, is *ProjectRecord, instanceID int64, reason string) error {
	if was.statement().equal(is.statement()) {
		return nil
	}
	revision := BudgetRevision{
		ProjectID: is.ID, InstanceID: instanceID, RevisedOn: tx.store.Today(),
		Was: was.statement(), Revised: is.statement(), Reason: reason,
	}
	if err := tx.Create(&revision); err != nil {
		return err
	}
	if err := tx.ReplaceProject(was, is); err != nil {
		return err
	}
	if _, err := tx.ReconcileDuties([]string{is.Subject()}, is.Duties(), "调剂后的支出计划不再列出", tx.store.Today()); err != nil {
		return err
	}
	return tx.CheckProjects([]int64{is.ID}, tx.store.Today())
}

// Subject names the project as obligations do.
func (p Project) Subject() string { return ProjectSubject(p.ID) }

// KeepRevision lets an approved revision stand when a document is imported
// again that still states what the revision replaced: is then takes over the
// money and the plan that are in force, and the revision is returned. A document
// that states something new prevails.
func (tx *Tx) KeepRevision(was, is *ProjectRecord) (kept BudgetRevision, ok bool, err error) {
	var revisions []BudgetRevision
	if err := tx.db.Where("project_id = ?", was.ID).Order("id").Find(&revisions).Error; err != nil {
		return kept, false, fmt.Errorf("read budget revisions: %w", err)
	}
	stated := is.statement()
	at := slices.IndexFunc(revisions, func(r BudgetRevision) bool { return r.Was.equal(stated) })
	if at < 0 || stated.equal(was.statement()) {
		return kept, false, nil
	}
	is.Budget, is.Fiscal, is.Other, is.Targets = was.Budget, was.Fiscal, was.Other, slices.Clone(was.Targets)
	return revisions[at], true, nil
}

// Refine turns a placeholder budget into the given items (细化). An item with a
// code becomes a project of its own, whose amount leaves the placeholder; the
// others stay inside it. A total that differs from the placeholder's budget
// revises it. The duty itself is closed separately.
func (tx *Tx) Refine(o Obligation, instanceID int64, items []BudgetItem, goals []string) error {
	projects, err := tx.refined(o, items, goals)
	if err != nil {
		return err
	}
	var total, moved money.Fen
	for i := range items {
		it := &items[i]
		it.UnitID, it.ProjectID, it.ObligationID, it.InstanceID, it.Sequence = o.UnitID, o.ProjectID, o.ID, instanceID, i+1
		total += it.Amount
		if it.Code != "" {
			moved += it.Amount
			it.RefinedID = projects[it.Code].ID
		}
	}
	if err := tx.Create(items); err != nil {
		return err
	}
	if o.ProjectID == 0 {
		return nil
	}
	return tx.ReviseBudget(o.ProjectID, instanceID, total-moved, Replan{}, "代编预算细化")
}

// refined adds the projects that items with a code become, with their duties,
// and returns them by code. No project may have one of the codes yet.
func (tx *Tx) refined(o Obligation, items []BudgetItem, goals []string) (map[string]Project, error) {
	var parent Project
	if o.ProjectID != 0 {
		if err := notFound(tx.db.Take(&parent, o.ProjectID).Error, "项目", o.ProjectID); err != nil {
			return nil, err
		}
	}
	var fresh []*ProjectRecord
	for i, it := range items {
		if it.Code == "" {
			continue
		}
		fresh = append(fresh, &ProjectRecord{Project: Project{
			FiscalYear: o.FiscalYear, Code: it.Code, Name: it.Name, UnitID: o.UnitID, Budget: it.Amount, Fiscal: it.Amount,
			Purpose: cmp.Or(parent.Purpose, "代编预算细化："+o.Title), Goal: goals[i], OwnerID: parent.OwnerID, ManagerID: parent.ManagerID, State: ProjectActive,
		}})
	}
	if err := tx.AddProjects(fresh); err != nil {
		return nil, err
	}
	var subjects []string
	var duties []Obligation
	stored := make(map[string]Project, len(fresh))
	for _, r := range fresh {
		stored[r.Code] = r.Project
		subjects, duties = append(subjects, r.Subject()), append(duties, r.Duties()...)
	}
	_, err := tx.ReconcileDuties(subjects, duties, "", tx.store.Today())
	return stored, err
}

// AddReport puts on record what an approved workflow reports, with the results
// of the single indicators.
func (tx *Tx) AddReport(r *Report, results []IndicatorResult) error {
	r.RecordedOn = tx.store.Today()
	if err := tx.Create(r); err != nil {
		return err
	}
	for i := range results {
		results[i].InstanceID, results[i].ProjectID = r.InstanceID, r.ProjectID
		results[i].Workflow, results[i].RecordedOn = r.Workflow, r.RecordedOn
	}
	if len(results) > 0 {
		if err := tx.Create(results); err != nil {
			return err
		}
	}
	return tx.Audit("report.recorded", "obligations", r.ObligationID, map[string]any{"instance": r.InstanceID, "workflow": r.Workflow})
}
