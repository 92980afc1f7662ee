package models

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

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

// maxSilenceReason is the longest reason, in characters.
const maxSilenceReason = 200

// ErrSilence means that a silence is not one that may be.
var ErrSilence = errors.New("静默设置有误")

// Validate returns what is wrong with a silence as an ErrSilence.
func (s Silence) Validate() error {
	problem := ""
	switch {
	case strings.TrimSpace(s.Reason) == "":
		problem = "没有写明原因"
	case !utf8.ValidString(s.Reason) || utf8.RuneCountInString(s.Reason) > maxSilenceReason:
		problem = fmt.Sprintf("原因含有无法识别的字符或超过 %d 个字", maxSilenceReason)
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

// Touches reports whether the silence is in force at a moment and holds back
// something about the duty, be it to one person or by one channel only.
func (s Silence) Touches(o Obligation, now time.Time) bool {
	return s.At(now) && s.Covers(Notification{RecipientID: s.RecipientID, Channel: s.Channel}, o)
}

// SaveSilence begins a silence. It returns an ErrSilence if it may not be.
func (tx *Tx) SaveSilence(s *Silence) error {
	if err := s.Validate(); err != nil {
		return err
	}
	if s.EndsAt != nil && !s.EndsAt.After(tx.store.now()) {
		return fmt.Errorf("%w：结束时间 %s 已过", ErrSilence, s.EndsAt.In(calendar.Shanghai).Format("2006-01-02 15:04"))
	}
	s.StartsAt = stored(s.StartsAt) // SQLite compares what is written
	if s.EndsAt != nil {
		ends := stored(*s.EndsAt)
		s.EndsAt = &ends
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
// past, those that are over instead. There are at most limit of them.
func (s *Store) Silences(ctx context.Context, past bool, limit int) ([]Silence, error) {
	var silences []Silence
	if err := overOrNot(s.Read(ctx), past, s.now()).Order("id DESC").Limit(limit).Find(&silences).Error; err != nil {
		return nil, fmt.Errorf("read silences: %w", err)
	}
	return silences, nil
}

func overOrNot(q *gorm.DB, past bool, now time.Time) *gorm.DB {
	if past {
		return q.Where("ends_at <= ?", now)
	}
	return q.Where("(ends_at IS NULL OR ends_at > ?)", now)
}

// SilenceRow is a silence with the names of what it is about.
type SilenceRow struct {
	Silence
	UnitName      string
	ProjectName   string
	DutyTitle     string
	RecipientName string
	AuthorName    string
	OwnerName     string
	EnderName     string
	// Concerns is the unit in which it holds something back, 0 for all of them.
	Concerns int64
	// ManagerID is the manager of the project in which it does, if it is one.
	ManagerID int64
}

// SilenceRows is Silences with names.
func (s *Store) SilenceRows(ctx context.Context, past bool, limit int) ([]SilenceRow, error) {
	return silenceRows(overOrNot(s.Read(ctx), past, s.now()).Order("s.id DESC").Limit(limit))
}

// SilenceRow returns one silence, or ErrNotFound.
func (s *Store) SilenceRow(ctx context.Context, id int64) (SilenceRow, error) {
	rows, err := silenceRows(s.Read(ctx).Where("s.id = ?", id))
	return single(rows, err, "静默", id)
}

func silenceRows(q *gorm.DB) ([]SilenceRow, error) {
	var rows []SilenceRow
	err := q.Table("silences s").
		Joins("LEFT JOIN units u ON u.id = s.unit_id").
		Joins("LEFT JOIN obligations o ON o.id = s.obligation_id").
		Joins("LEFT JOIN projects p ON p.id = s.project_id").
		Joins("LEFT JOIN projects op ON op.id = o.project_id").
		Joins("LEFT JOIN users r ON r.id = s.recipient_id").
		Joins("LEFT JOIN users a ON a.id = s.author_id").
		Joins("LEFT JOIN users w ON w.id = s.owner_id").
		Joins("LEFT JOIN users e ON e.id = s.ended_by").
		Select("s.*, COALESCE(u.name, '') AS unit_name, COALESCE(p.name, '') AS project_name, COALESCE(o.title, '') AS duty_title, " +
			"COALESCE(r.name, '') AS recipient_name, COALESCE(a.name, '') AS author_name, COALESCE(w.name, '') AS owner_name, " +
			"COALESCE(e.name, '') AS ender_name, COALESCE(u.id, p.unit_id, o.unit_id, 0) AS concerns, " +
			"COALESCE(p.manager_id, op.manager_id, 0) AS manager_id").
		Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read silences: %w", err)
	}
	return rows, nil
}

// EachCovered calls fn with batches of the unsettled duties that a silence
// covers, whoever hears of them.
func (s *Store) EachCovered(ctx context.Context, by Silence, fn func([]Obligation) error) error {
	q := s.Read(ctx).Where("settled_on IS NULL AND state <> ?", StateWaived)
	where := on(&q)
	where(by.UnitID != 0, "unit_id = ?", by.UnitID)
	where(by.ProjectID != 0, "project_id = ?", by.ProjectID)
	where(by.ObligationID != 0, "id = ?", by.ObligationID)
	where(by.DutyKind != "", "kind = ?", by.DutyKind)
	return eachObligation(q, fn)
}
