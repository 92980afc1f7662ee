package models

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"duban/models/calendar"
)

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
	if o.Kind == Recurring && o.State == StateMet && o.DoneOn.IsZero() {
		return fmt.Errorf("督办事项 %d（%s）已按支出记录于 %s 完成", id, o.Title, o.SettledOn)
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
	if err := numberTaken(tx.Create(o)); err != nil {
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
// days. Each person still hears the same thing once, by whichever channel they
// heard it, see Enqueue.
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
	return eachObligation(s.Read(ctx).Where("state <> ?", StateWaived), fn)
}

func eachObligation(of *gorm.DB, fn func([]Obligation) error) error {
	for after := int64(0); ; {
		var batch []Obligation
		err := of.Session(&gorm.Session{}).Where("id > ?", after).Order("id").Limit(insertChunk).Find(&batch).Error
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
