package models

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"duban/models/calendar"
	"duban/models/money"
)

// derivedKinds are the kinds whose duties follow from the published table, so
// that they go when the table no longer states them.
var derivedKinds = []Kind{SpendingTarget, Completion, Recurring, Refinement, Monitoring, SelfEvaluation}

// byImport marks a duty that was waived because a corrected document no longer
// states it; it comes back if the document does.
const byImport = "import"

// dutyGroup names the duties that only their sequence numbers tell apart.
type dutyGroup struct {
	subject string
	kind    Kind
	dueOn   calendar.Date
}

func (o Obligation) group() dutyGroup { return dutyGroup{o.Subject, o.Kind, o.DueOn} }

// ReconcileDuties makes the stored obligations of the given subjects equal to
// duties: it adds what is new, restates what changed, waives what is gone, and
// has everything that it touched checked on the given day. It returns how many
// it touched. Duties of kinds that an administrator adds by hand are left alone.
func (tx *Tx) ReconcileDuties(subjects []string, duties []Obligation, day calendar.Date) (int, error) {
	stored, err := tx.derivedDuties(subjects)
	if err != nil {
		return 0, err
	}
	wanted := map[dutyGroup][]Obligation{}
	for _, want := range duties {
		wanted[want.group()] = append(wanted[want.group()], want)
		if _, ok := stored[want.group()]; !ok {
			stored[want.group()] = nil
		}
	}
	touched := 0
	created := make([]Obligation, 0, len(duties))
	for group, have := range stored {
		fresh, n, err := tx.reconcileGroup(have, wanted[group], day)
		if err != nil {
			return 0, err
		}
		created = append(created, fresh...)
		touched += n
	}
	if len(created) == 0 {
		return touched, nil
	}
	slices.SortFunc(created, func(a, b Obligation) int {
		return cmp.Or(cmp.Compare(a.UnitID, b.UnitID), cmp.Compare(a.ProjectID, b.ProjectID), a.DueOn.Compare(b.DueOn),
			cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Sequence, b.Sequence))
	})
	return touched + len(created), tx.Create(created)
}

// derivedDuties reads, and locks, the stored duties that follow from published
// tables.
func (tx *Tx) derivedDuties(subjects []string) (map[dutyGroup][]Obligation, error) {
	stored := map[dutyGroup][]Obligation{}
	for chunk := range slices.Chunk(subjects, insertChunk) {
		var batch []Obligation
		err := tx.db.Clauses(clause.Locking{Strength: "UPDATE"}).
			Where("subject IN ? AND kind IN ?", chunk, derivedKinds).Order("id").Find(&batch).Error
		if err != nil {
			return nil, fmt.Errorf("read obligations: %w", err)
		}
		for _, o := range batch {
			stored[o.group()] = append(stored[o.group()], o)
		}
	}
	return stored, nil
}

// reconcileGroup does the work for duties of one subject, kind and day. A duty
// is recognised by the published words that it comes from, so that a row
// inserted above it does not take over what was reported about it; where the
// words changed, by its place among those left. It returns the duties to add.
func (tx *Tx) reconcileGroup(have, want []Obligation, day calendar.Date) (fresh []Obligation, touched int, err error) {
	match := func(same func(h, w Obligation) bool) error {
		for i := 0; i < len(want); i++ {
			at := slices.IndexFunc(have, func(h Obligation) bool { return same(h, want[i]) })
			if at < 0 {
				continue
			}
			changed, err := tx.restate(have[at], want[i], day)
			if err != nil {
				return err
			}
			if changed {
				touched++
			}
			have, want = slices.Delete(have, at, at+1), slices.Delete(want, i, i+1)
			i--
		}
		return nil
	}
	taken := map[int]bool{}
	for _, h := range have {
		taken[h.Sequence] = true
	}
	if err := match(func(h, w Obligation) bool { return h.Source == w.Source }); err != nil {
		return nil, 0, err
	}
	if err := match(func(h, w Obligation) bool { return h.Sequence == w.Sequence }); err != nil {
		return nil, 0, err
	}
	for _, w := range want {
		for w.Sequence = 0; taken[w.Sequence]; w.Sequence++ {
		}
		taken[w.Sequence] = true
		w.NextCheckOn = day
		fresh = append(fresh, w)
	}
	for _, gone := range have {
		if gone.State == StateWaived {
			continue
		}
		if err := tx.waive(gone, byImport, "更正后的绩效目标表不再列出"); err != nil {
			return nil, 0, err
		}
		touched++
	}
	return fresh, touched, nil
}

// restate gives a stored duty the words and amounts that the document states
// now, and reports whether any differ.
func (tx *Tx) restate(have, want Obligation, day calendar.Date) (bool, error) {
	now := have
	now.UnitID, now.Title, now.Source, now.PeriodFrom = want.UnitID, want.Title, want.Source, want.PeriodFrom
	now.Percent, now.Amount = want.Percent, want.Amount
	if have.State == StateWaived && have.DoneBy == byImport {
		now.State, now.DoneBy, now.DoneNote = StateOpen, "", ""
	}
	if now == have {
		return false, nil
	}
	now.NextCheckOn = day
	if err := tx.Audit("obligation.restated", "obligations", have.ID, change{have, now}); err != nil {
		return false, err
	}
	return true, save(tx, &now, now.ID, &now.Version)
}

// change is the audit detail of a record that was edited.
type change struct {
	Was any `json:"was"`
	Is  any `json:"is"`
}

func (tx *Tx) waive(o Obligation, by, note string) error {
	was := o
	o.State, o.Light, o.DoneBy, o.DoneNote, o.NextCheckOn = StateWaived, Green, by, note, calendar.Date{}
	if err := tx.Audit("obligation.waived", "obligations", o.ID, change{was, o}); err != nil {
		return err
	}
	return save(tx, &o, o.ID, &o.Version)
}

// WaiveObligation records that a duty is no longer required, and why.
func (tx *Tx) WaiveObligation(id int64, note string) error {
	o, err := tx.obligation(id)
	if err != nil {
		return err
	}
	if o.State == StateWaived {
		return fmt.Errorf("督办事项 %d（%s）已不再要求：%s", id, o.Title, o.DoneNote)
	}
	return tx.waive(o, tx.actor, note)
}

// ReportDone records that a duty was fulfilled on the given day, as a person
// says; the next sweep decides whether that was in time. It refuses spending
// targets, which payments alone decide.
func (tx *Tx) ReportDone(id int64, on calendar.Date, note string) error {
	o, err := tx.obligation(id)
	if err != nil {
		return err
	}
	if o.Kind == SpendingTarget {
		return fmt.Errorf("督办事项 %d（%s）以支出记录为准，请导入支付明细", id, o.Title)
	}
	if o.State == StateWaived {
		return fmt.Errorf("督办事项 %d（%s）已不再要求", id, o.Title)
	}
	if today := tx.store.Today(); on.IsZero() || on.After(today) {
		return fmt.Errorf("完成日期 %s 应不晚于今天 %s", on, today)
	}
	was := o
	o.DoneOn, o.DoneBy, o.DoneNote, o.NextCheckOn = on, tx.actor, note, tx.store.Today()
	if err := tx.Audit("obligation.reported", "obligations", o.ID, change{was, o}); err != nil {
		return err
	}
	if err := save(tx, &o, o.ID, &o.Version); err != nil {
		return err
	}
	if o.Kind != Recurring {
		return nil
	}
	// Which payment answers for the other occurrences may differ now.
	return tx.CheckProjects([]int64{o.ProjectID}, tx.store.Today())
}

// AddObligation adds a duty by hand, for procurement milestones, audit
// rectification and anything else, and has it checked from today. The unit and
// the project, if it has one, must be set; the sequence is the next free one.
func (tx *Tx) AddObligation(o *Obligation) error {
	o.ID, o.State, o.Light, o.NextCheckOn = 0, StateOpen, Green, tx.store.Today()
	o.Subject, o.Title = UnitSubject(o.UnitID), clip(o.Title, maxDutyTitle)
	if o.ProjectID != 0 {
		o.Subject = ProjectSubject(o.ProjectID)
	}
	err := tx.db.Model(&Obligation{}).Select("COALESCE(MAX(sequence) + 1, 0)").
		Where("subject = ? AND kind = ? AND due_on = ?", o.Subject, o.Kind, o.DueOn).Scan(&o.Sequence).Error
	if err != nil {
		return fmt.Errorf("number the obligation: %w", err)
	}
	if err := tx.Create(o); err != nil {
		return err
	}
	return tx.Audit("obligation.added", "obligations", o.ID, o)
}

func (tx *Tx) obligation(id int64) (Obligation, error) {
	var o Obligation
	err := tx.db.Take(&o, id).Error
	return o, notFound(err, "督办事项", id)
}

// notFound words gorm's "no such row" for users.
func notFound(err error, what string, id any) error {
	if err == gorm.ErrRecordNotFound { //nolint:errorlint // gorm returns it unwrapped
		return fmt.Errorf("%s %v：%w", what, id, ErrNotFound)
	}
	return err
}

// DueForCheck returns, and locks until the transaction ends, up to limit
// obligations that must be checked on or before day.
func (tx *Tx) DueForCheck(day calendar.Date, limit int) ([]Obligation, error) {
	var due []Obligation
	err := tx.db.Clauses(clause.Locking{Strength: "UPDATE"}).
		Where("next_check_on <= ?", day).Order("next_check_on, id").Limit(limit).Find(&due).Error
	if err != nil {
		return nil, fmt.Errorf("read obligations due for a check: %w", err)
	}
	return due, nil
}

// SaveChecked writes what a check found about obligations that the
// transaction has locked.
func (tx *Tx) SaveChecked(checked []Obligation) error {
	for i := range checked {
		checked[i].Version++
	}
	err := tx.db.Clauses(clause.OnConflict{
		Columns: []clause.Column{{Name: "id"}},
		DoUpdates: clause.AssignmentColumns([]string{
			"updated_at", "state", "light", "settled_on", "checked_on", "next_check_on", "version",
		}),
	}).CreateInBatches(checked, insertChunk).Error
	if err != nil {
		return fmt.Errorf("save checked obligations: %w", err)
	}
	return nil
}

// CheckProjects has the unwaived obligations of the given projects checked on
// day, because their payments or people changed.
func (tx *Tx) CheckProjects(ids []int64, day calendar.Date) error {
	for chunk := range slices.Chunk(ids, insertChunk) {
		err := tx.db.Model(&Obligation{}).Where("project_id IN ? AND state <> ?", chunk, StateWaived).
			UpdateColumn("next_check_on", day).Error
		if err != nil {
			return fmt.Errorf("mark obligations for a check: %w", err)
		}
	}
	return nil
}

// hearAgain has the unsettled duties of a query checked today as if nobody had
// been told of them yet, because other people must hear of them, or on other
// days. Each person still hears the same thing once, by its dedup key.
func (tx *Tx) hearAgain(of *gorm.DB) error {
	err := of.Session(&gorm.Session{}).Model(&Obligation{}).Where("settled_on IS NULL AND state <> ?", StateWaived).
		UpdateColumns(map[string]any{"next_check_on": tx.store.Today(), "checked_on": nil}).Error
	if err != nil {
		return fmt.Errorf("mark obligations to be heard again: %w", err)
	}
	return nil
}

// ReassignProjects has the duties of projects whose people changed said to
// those who answer for them now.
func (tx *Tx) ReassignProjects(ids []int64) error {
	for chunk := range slices.Chunk(ids, insertChunk) {
		if err := tx.hearAgain(tx.db.Where("project_id IN ?", chunk)); err != nil {
			return err
		}
	}
	return nil
}

// ExpectFrom has the duties that no sweep has seen yet checked from day on,
// though the day of their import, for which they wait, may be later.
func (tx *Tx) ExpectFrom(day calendar.Date) error {
	return tx.db.Model(&Obligation{}).Where("checked_on IS NULL AND next_check_on > ?", day).UpdateColumn("next_check_on", day).Error
}

// EachObligation calls fn with batches of the obligations that are not waived,
// in the order of their ids.
func (s *Store) EachObligation(ctx context.Context, fn func([]Obligation) error) error {
	for after := int64(0); ; {
		var batch []Obligation
		err := s.Read(ctx).Where("id > ? AND state <> ?", after, StateWaived).Order("id").Limit(insertChunk).Find(&batch).Error
		if err != nil {
			return fmt.Errorf("read obligations: %w", err)
		}
		if len(batch) == 0 {
			return nil
		}
		if err := fn(batch); err != nil {
			return err
		}
		after = batch[len(batch)-1].ID
	}
}

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
