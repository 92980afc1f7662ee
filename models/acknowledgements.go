package models

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"duban/models/calendar"
)

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
// day: its own person's, and those of the rungs above. The due day's reminder
// always comes, also if the due date has moved into the pause since.
func (a Acknowledgement) Pauses(n Notification, day calendar.Date) bool {
	return !n.Payload.DueDay && a.ObligationID == n.ObligationID && n.InstanceID == 0 && !day.After(a.UntilOn) && a.concerns(n)
}

// concerns reports whether a reminder goes to the person who acknowledged, or
// to a rung above.
func (a Acknowledgement) concerns(n Notification) bool {
	return n.RecipientID == a.UserID || n.Payload.Audience.rank() > a.Audience.rank()
}

// AckCode identifies a refusal of an acknowledgement for programs. Codes never
// change.
type AckCode string

// The reasons for which an acknowledgement is refused.
const (
	AckNotTold AckCode = "not_told"             // nobody has reminded the person, and they do not answer for the duty
	AckSettled AckCode = "duty_settled"         // there is nothing left to be reminded of
	AckBarred  AckCode = "pause_not_allowed"    // the rule lets nobody pause the reminders
	AckDays    AckCode = "pause_days"           // not a number of workdays that is allowed
	AckDue     AckCode = "due_too_soon"         // it would have to end before it began: the due day's reminder comes always
	AckInForce AckCode = "acknowledged_already" // one of the same person is in force
	AckUnsaid  AckCode = "nothing_said_since"   // the last one is over, and nothing was said since
	AckNote    AckCode = "note_invalid"
)

// AckError is a refusal of an acknowledgement. Nothing was changed.
type AckError struct {
	Code    AckCode
	Message string // in Chinese, for the person who acknowledged
}

// Error returns the message with the code.
func (e *AckError) Error() string { return fmt.Sprintf("%s [%s]", e.Message, e.Code) }

// AckRefused returns an [AckError].
func AckRefused(code AckCode, format string, args ...any) error {
	return &AckError{Code: code, Message: fmt.Sprintf(format, args...)}
}

// AckAudience returns in which capacity a person may acknowledge a duty on the
// given day: the one in which they answer for it, else the one in which they
// were reminded of it last. Otherwise it returns an AckError.
func (tx *Tx) AckAudience(m Matter, userID int64, day calendar.Date) (Audience, error) {
	audience, err := tx.toldAs(m, userID)
	if err != nil {
		return "", err
	}
	if m.Obligation.Settled() {
		return "", AckRefused(AckSettled, "督办事项 %d 已办结，不再提醒", m.Obligation.ID)
	}
	var last []Acknowledgement
	err = tx.db.Where("obligation_id = ? AND user_id = ?", m.Obligation.ID, userID).Order("id DESC").Limit(1).Find(&last).Error
	if err != nil {
		return "", fmt.Errorf("read acknowledgements: %w", err)
	}
	if len(last) == 0 {
		return audience, nil
	}
	if !day.After(last[0].UntilOn) {
		return "", inForce(last[0].UntilOn)
	}
	said, err := tx.saidSince(last[0])
	if err == nil && !said {
		err = AckRefused(AckUnsaid, "上次已阅暂停到 %s，此后还没有新的提醒，不能接着暂停", last[0].UntilOn)
	}
	return audience, err
}

func inForce(until calendar.Date) error {
	return AckRefused(AckInForce, "您已阅，催办暂停到 %s", until)
}

// maxTold bounds how many messages are looked at to find out who was told.
const maxTold = 100

// toldAs returns the capacity in which a duty concerns a person, or an AckError.
func (tx *Tx) toldAs(m Matter, userID int64) (Audience, error) {
	if userID != 0 && userID == m.Project.OwnerID {
		return ToOwner, nil
	}
	if userID != 0 && userID == m.Project.ManagerID {
		return ToManager, nil
	}
	var told []Notification
	err := tx.db.Where("obligation_id = ? AND recipient_id = ? AND instance_id = 0", m.Obligation.ID, userID).
		Where("state <> ? OR reason = ?", NotificationSuppressed, SuppressedDigest).
		Order("id DESC").Limit(maxTold).Find(&told).Error
	if err != nil {
		return "", fmt.Errorf("read who was told: %w", err)
	}
	for _, n := range told {
		if n.Payload.Audience != "" {
			return n.Payload.Audience, nil
		}
	}
	return "", AckRefused(AckNotTold, "督办事项 %d 没有提醒过您，您也不是项目的经办人或科室负责人", m.Obligation.ID)
}

// saidSince reports whether anything that the acknowledgement had paused was
// said after it was over, by itself or in a digest.
func (tx *Tx) saidSince(a Acknowledgement) (bool, error) {
	over := a.UntilOn.AddDays(1).At(0, 0).UTC()
	var said []Notification
	err := tx.db.Table("notifications n").Select("n.recipient_id, n.payload").
		Joins("LEFT JOIN notifications d ON d.id = n.digest_id").
		Where("n.obligation_id = ? AND n.instance_id = 0 AND (n.sent_at >= ? OR d.sent_at >= ?)", a.ObligationID, over, over).
		Order("n.id DESC").Limit(maxTold).Scan(&said).Error
	if err != nil {
		return false, fmt.Errorf("read what was said: %w", err)
	}
	for _, n := range said {
		if a.concerns(n) {
			return true, nil
		}
	}
	return false, nil
}

// maxAckNote is the longest note, in characters.
const maxAckNote = 200

// Acknowledge stores an acknowledgement that [Tx.AckAudience] allows. It
// returns an AckError for a note that cannot be stored, and if the person has
// acknowledged the duty on the same day already.
func (tx *Tx) Acknowledge(a *Acknowledgement) error {
	a.Note = strings.TrimSpace(a.Note)
	if !utf8.ValidString(a.Note) || utf8.RuneCountInString(a.Note) > maxAckNote {
		return AckRefused(AckNote, "说明含有无法识别的字符或超过 %d 个字", maxAckNote)
	}
	added, err := tx.createMissing(a)
	if err != nil {
		return err
	}
	if added == 0 {
		return inForce(a.UntilOn)
	}
	return tx.Audit("obligation.acknowledged", "obligations", a.ObligationID, a)
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
