package models

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"duban/models/calendar"
)

// SilenceKind says what a silence does.
type SilenceKind string

// The kinds of silences.
const (
	Silencing SilenceKind = "silence" // 静默: reminders that it covers are not sent, until a stated end
	Mute      SilenceKind = "mute"    // 项目免打扰: like a silence of one project, without an end, but with somebody who answers for it
	Window    SilenceKind = "window"  // 维护窗口: messages wait until it is over; none is lost
)

// Silence keeps messages from being sent for a while. A field that is zero
// covers everything. What a workflow asks somebody to decide is held back by a
// window only.
type Silence struct {
	ID int64
	Stamps
	Kind         SilenceKind
	UnitID       int64
	ProjectID    int64
	ObligationID int64
	RecipientID  int64
	DutyKind     Kind
	Channel      Channel // of a window
	Reason       string
	AuthorID     int64
	OwnerID      int64 // who answers for a mute
	StartsAt     time.Time
	EndsAt       *time.Time // nil for a mute that nobody has ended
	EndedBy      int64      // who ended it before its time
	Version      int64
}

// maxSilence bounds a silence: nobody remembers one for longer.
const maxSilence = 366 * 24 * time.Hour

// ErrSilence means that a silence is not one that may be.
var ErrSilence = errors.New("静默设置有误")

// Validate returns what is wrong with a silence as an ErrSilence.
func (s Silence) Validate() error {
	problem := ""
	switch {
	case strings.TrimSpace(s.Reason) == "":
		problem = "没有写明原因"
	case s.AuthorID == 0:
		problem = "没有设置人"
	case s.Kind == Mute && (s.ProjectID == 0 || s.OwnerID == 0):
		problem = "项目免打扰须选定项目和负责人"
	case s.Kind != Mute && s.EndsAt == nil:
		problem = "没有结束时间"
	case s.EndsAt != nil && !s.EndsAt.After(s.StartsAt):
		problem = "结束时间不晚于开始时间"
	case s.EndsAt != nil && s.EndsAt.Sub(s.StartsAt) > maxSilence:
		problem = "最长一年"
	case s.Kind == Silencing && s.UnitID == 0 && s.ProjectID == 0 && s.ObligationID == 0 && s.RecipientID == 0 && s.DutyKind == "":
		problem = "静默须限定单位、项目、事项、人员或类型；全部暂停请设维护窗口"
	case s.Kind != Silencing && s.Kind != Mute && s.Kind != Window:
		problem = fmt.Sprintf("类型 %q 应为 silence、mute 或 window", s.Kind)
	}
	if problem != "" {
		return fmt.Errorf("%w：%s", ErrSilence, problem)
	}
	return nil
}

// At reports whether the silence is in force at a moment.
func (s Silence) At(now time.Time) bool {
	return !now.Before(s.StartsAt) && (s.EndsAt == nil || now.Before(*s.EndsAt))
}

// Covers reports whether the silence is about a message about the duty, which
// is zero for a message without one.
func (s Silence) Covers(n Notification, o Obligation) bool {
	is := func(wanted, have int64) bool { return wanted == 0 || wanted == have }
	return is(s.UnitID, o.UnitID) && is(s.ProjectID, o.ProjectID) && is(s.ObligationID, o.ID) && is(s.RecipientID, n.RecipientID) &&
		(s.DutyKind == "" || s.DutyKind == o.Kind) && (s.Channel == "" || s.Channel == n.Channel)
}

// SaveSilence begins a silence. It returns an ErrSilence if it may not be.
func (tx *Tx) SaveSilence(s *Silence) error {
	if err := s.Validate(); err != nil {
		return err
	}
	if err := tx.Create(s); err != nil {
		return err
	}
	return tx.Audit("silence.begun", "silences", s.ID, s)
}

// EndSilence ends a silence before its time, or returns ErrNotFound if it is
// over or never was. What it suppressed stays unsaid; the duty's next occasion
// is said again.
func (tx *Tx) EndSilence(id, by int64) error {
	now := tx.store.now()
	res := tx.db.Model(&Silence{}).Where("id = ? AND (ends_at IS NULL OR ends_at > ?)", id, now).
		UpdateColumns(map[string]any{"ends_at": now, "ended_by": by, "updated_at": now, "version": gorm.Expr("version + 1")})
	if res.Error != nil {
		return fmt.Errorf("end silence %d: %w", id, res.Error)
	}
	if res.RowsAffected == 0 {
		return fmt.Errorf("silence %d: %w", id, ErrNotFound)
	}
	return tx.Audit("silence.ended", "silences", id, map[string]any{"by": by})
}

// Silences returns the silences that are not over yet, the latest first; with
// past, also up to limit that are.
func (s *Store) Silences(ctx context.Context, past bool, limit int) ([]Silence, error) {
	q := s.Read(ctx).Order("id DESC").Limit(limit)
	if !past {
		q = q.Where("ends_at IS NULL OR ends_at > ?", s.now())
	}
	var silences []Silence
	if err := q.Find(&silences).Error; err != nil {
		return nil, fmt.Errorf("read silences: %w", err)
	}
	return silences, nil
}

// Acknowledgement (已阅) says that a person knows of a duty. It pauses the
// reminders to them about it, and those to whoever would be told next, until
// the end of a day.
type Acknowledgement struct {
	ID int64
	Stamps
	ObligationID int64
	UserID       int64
	Audience     Audience // in which capacity: it does not pause those who come before
	AckedOn      calendar.Date
	UntilOn      calendar.Date
	Note         string
}

// rank orders audiences by when a ladder reaches them.
func (a Audience) rank() int {
	switch a {
	case ToOwner, ToFinance, ToOffice:
		return 0
	case ToManager:
		return 1
	case ToLeader:
		return 2
	}
	return 0
}

// Pauses reports whether the acknowledgement holds back a reminder on the given
// day: its own person's, and those of the rungs above.
func (a Acknowledgement) Pauses(n Notification, day calendar.Date) bool {
	return a.ObligationID == n.ObligationID && n.InstanceID == 0 && !day.After(a.UntilOn) &&
		(n.RecipientID == a.UserID || n.Payload.Audience.rank() > a.Audience.rank())
}

// AcknowledgementsOf returns what has been acknowledged about a duty, the
// latest first.
func (s *Store) AcknowledgementsOf(ctx context.Context, obligation int64) ([]Acknowledgement, error) {
	var acks []Acknowledgement
	err := s.Read(ctx).Where("obligation_id = ?", obligation).Order("id DESC").Limit(100).Find(&acks).Error
	if err != nil {
		return nil, fmt.Errorf("read acknowledgements: %w", err)
	}
	return acks, nil
}
