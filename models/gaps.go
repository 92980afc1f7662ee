package models

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"duban/models/calendar"
)

// Verdict is what an audit found about one thing that a person was to be told.
type Verdict string

// The verdicts. The first five are well, or may still become so; of what has
// changed since nobody can tell any more; the others are gaps.
const (
	SaidSent       Verdict = "sent"
	SaidDelivered  Verdict = "delivered"
	SaidSuppressed Verdict = "suppressed" // with a reason that holds
	SaidPending    Verdict = "pending"    // on its way, or waiting for a reason
	ChangedSince   Verdict = "changed_since"

	GapMissing     Verdict = "missing"     // there is no message
	GapUnrecorded  Verdict = "unrecorded"  // a more urgent one exists, but no record of this one
	GapDead        Verdict = "dead"        // given up, and nothing stands in
	GapUnknown     Verdict = "unknown"     // may have been sent; nobody knows
	GapLate        Verdict = "late"        // waits for longer than a day without a reason
	GapUnexplained Verdict = "unexplained" // not sent, with no reason or one that does not hold
)

// Verdicts lists every verdict.
var Verdicts = []Verdict{
	SaidSent, SaidDelivered, SaidSuppressed, SaidPending, ChangedSince,
	GapMissing, GapUnrecorded, GapDead, GapUnknown, GapLate, GapUnexplained,
}

// Gap reports whether the verdict is that somebody was not told.
func (v Verdict) Gap() bool {
	switch v {
	case SaidSent, SaidDelivered, SaidSuppressed, SaidPending, ChangedSince:
		return false
	case GapMissing, GapUnrecorded, GapDead, GapUnknown, GapLate, GapUnexplained:
	}
	return true
}

// Gap is something that should have been said and was not (提醒缺口). What it
// is about and Problem are unique together.
type Gap struct {
	ID int64
	Stamps
	ObligationID   int64
	InstanceID     int64 // of the workflow whose task it is about, 0 for a reminder
	Task           int
	RecipientID    int64         // 0 if nobody was named
	Day            calendar.Date // on which it was due to be said
	Problem        Verdict
	NotificationID int64 // the message that failed, 0 if there is none
	ClosedAt       *time.Time
	ClosedWhy      GapClosing
}

// GapClosing says why a gap was closed.
type GapClosing string

// The reasons for which a gap is closed.
const (
	ClosedProven  GapClosing = "proven"  // a later audit found that it was said, or why not
	ClosedSettled GapClosing = "settled" // nothing is left to be done about the duty
	ClosedLater   GapClosing = "later"   // the person has been told of a later occasion
	ClosedOther   GapClosing = "other"   // another problem has taken its place
)

// about names what a gap is about.
type about struct {
	obligation, instance int64
	task                 int
	recipient            int64
	day                  calendar.Date
	problem              Verdict
}

func (g Gap) about() about {
	return about{g.ObligationID, g.InstanceID, g.Task, g.RecipientID, g.Day, g.Problem}
}

// RecordGaps records gaps that an audit found, and returns how many were not
// open before. One that was proven to be none is opened again; one that there
// is nothing left to make good about is not.
func (tx *Tx) RecordGaps(found []Gap) (int, error) {
	if len(found) == 0 {
		return 0, nil
	}
	duties := make([]int64, len(found))
	for i, g := range found {
		duties[i] = g.ObligationID
	}
	stored := map[about]Gap{}
	for chunk := range slices.Chunk(duties, insertChunk) {
		var batch []Gap
		if err := tx.db.Where("obligation_id IN ?", chunk).Find(&batch).Error; err != nil {
			return 0, fmt.Errorf("read gaps: %w", err)
		}
		for _, g := range batch {
			stored[g.about()] = g
		}
	}
	opened := 0
	for _, g := range found {
		have, ok := stored[g.about()]
		if ok && (have.ClosedAt == nil || have.ClosedWhy == ClosedSettled || have.ClosedWhy == ClosedLater) {
			continue
		}
		if err := tx.openGap(g, have.ID); err != nil {
			return 0, err
		}
		stored[g.about()] = g
		opened++
	}
	return opened, nil
}

// openGap adds a gap, or opens the one with the given id again.
func (tx *Tx) openGap(g Gap, id int64) error {
	if id == 0 {
		if err := tx.Create(&g); err != nil {
			if duplicate(err) { // another audit was quicker: look again
				return fmt.Errorf("gap: %w", errors.Join(ErrConflict, err))
			}
			return err
		}
		return tx.Audit("gap.opened", "gaps", g.ID, g)
	}
	g.ID = id
	err := tx.db.Model(&Gap{}).Where("id = ?", id).UpdateColumns(map[string]any{
		"closed_at": nil, "closed_why": "", "notification_id": g.NotificationID, "updated_at": tx.store.now(),
	}).Error
	if err != nil {
		return fmt.Errorf("open gap %d: %w", id, err)
	}
	return tx.Audit("gap.opened", "gaps", id, g)
}

// CloseGap closes a gap, and reports whether it was open.
func (tx *Tx) CloseGap(id int64, why GapClosing) (bool, error) {
	now := tx.store.now()
	res := tx.db.Model(&Gap{}).Where("id = ? AND closed_at IS NULL", id).
		UpdateColumns(map[string]any{"closed_at": now, "closed_why": why, "updated_at": now})
	if res.Error != nil {
		return false, fmt.Errorf("close gap %d: %w", id, res.Error)
	}
	if res.RowsAffected == 0 {
		return false, nil
	}
	return true, tx.Audit("gap.closed", "gaps", id, map[string]any{"why": why})
}

// OpenGap is a gap that is open, with the names of what it is about.
type OpenGap struct {
	Gap
	Title       string // of the duty
	ProjectName string
	UnitName    string
	Recipient   string // name, "" for nobody
}

// OpenGaps returns up to limit gaps that are open, those of the latest days
// first.
func (s *Store) OpenGaps(ctx context.Context, limit int) ([]OpenGap, error) {
	var gaps []OpenGap
	err := s.openGaps(ctx).Order("g.day DESC, g.id").Limit(limit).Scan(&gaps).Error
	if err != nil {
		return nil, fmt.Errorf("read gaps: %w", err)
	}
	return gaps, nil
}

// EachOpenGap calls fn with batches of the gaps that are open, in the order in
// which they were first found.
func (s *Store) EachOpenGap(ctx context.Context, fn func([]OpenGap) error) error {
	for after := int64(0); ; {
		var batch []OpenGap
		if err := s.openGaps(ctx).Where("g.id > ?", after).Order("g.id").Limit(insertChunk).Scan(&batch).Error; err != nil {
			return fmt.Errorf("read gaps: %w", err)
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

func (s *Store) openGaps(ctx context.Context) *gorm.DB {
	return s.Read(ctx).Table("gaps g").Where("g.closed_at IS NULL").
		Joins("LEFT JOIN obligations o ON o.id = g.obligation_id LEFT JOIN projects p ON p.id = o.project_id").
		Joins("LEFT JOIN units u ON u.id = o.unit_id LEFT JOIN users r ON r.id = g.recipient_id").
		Select("g.*, COALESCE(o.title, '') AS title, COALESCE(p.name, '') AS project_name, COALESCE(u.name, '') AS unit_name, COALESCE(r.name, '') AS recipient")
}

// CountOpenGaps counts the gaps that are open.
func (s *Store) CountOpenGaps(ctx context.Context) (int, error) {
	var n int64
	if err := s.Read(ctx).Model(&Gap{}).Where("closed_at IS NULL").Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count gaps: %w", err)
	}
	return int(n), nil
}
