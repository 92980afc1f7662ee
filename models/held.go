package models

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"duban/models/calendar"
)

// HeldRecipients returns up to limit people, with ids above after, for whom
// reminders are held until a digest tells them, in the order of their ids.
func (tx *Tx) HeldRecipients(after int64, limit int) ([]int64, error) {
	var ids []int64
	err := tx.db.Model(&Notification{}).Distinct("recipient_id").Where("state = ? AND recipient_id > ?", NotificationHeld, after).
		Order("recipient_id").Limit(limit).Pluck("recipient_id", &ids).Error
	if err != nil {
		return nil, fmt.Errorf("read for whom reminders are held: %w", err)
	}
	return ids, nil
}

// Held returns the reminders that are held for people, in the order of their
// ids, and locks them until the transaction ends.
func (tx *Tx) Held(recipients []int64) ([]Notification, error) {
	var held []Notification
	err := tx.db.Clauses(clause.Locking{Strength: "UPDATE"}).Where("state = ? AND recipient_id IN ?", NotificationHeld, recipients).
		Order("id").Find(&held).Error
	if err != nil {
		return nil, fmt.Errorf("read the reminders that are held: %w", err)
	}
	return held, nil
}

// SaveHeld stores what became of a reminder that was held: its state, why, and
// what it says if that is said by itself.
func (tx *Tx) SaveHeld(n Notification) error {
	n.UpdatedAt = tx.store.now()
	res := tx.stillHeld([]int64{n.ID}).Select("updated_at", "state", "reason", "silence_id", "template", "urgency", "payload", "next_attempt_at").UpdateColumns(&n)
	return heldOnce(res, 1)
}

// TellIn puts a digest into the outbox and records that it tells the reminders
// with the given ids, all of which must still be held: it returns ErrConflict
// if somebody else has told one of them meanwhile.
func (tx *Tx) TellIn(digest *Notification, reminders []int64) error {
	if err := tx.Create(digest); err != nil {
		if duplicate(err) {
			return fmt.Errorf("digest %s: %w", digest.DedupKey, ErrConflict)
		}
		return err
	}
	if len(reminders) == 0 {
		return nil
	}
	res := tx.stillHeld(reminders).UpdateColumns(map[string]any{
		"state": NotificationSuppressed, "reason": SuppressedDigest, "digest_id": digest.ID, "updated_at": tx.store.now(),
	})
	return heldOnce(res, len(reminders))
}

// stillHeld selects those of the messages that are held.
func (tx *Tx) stillHeld(ids []int64) *gorm.DB {
	return tx.db.Model(&Notification{}).Where("id IN ? AND state = ?", ids, NotificationHeld)
}

// heldOnce makes a conflict of an update that did not find all its rows held.
func heldOnce(res *gorm.DB, want int) error {
	if res.Error != nil {
		return fmt.Errorf("record what became of reminders that were held: %w", res.Error)
	}
	if int(res.RowsAffected) != want {
		return fmt.Errorf("%d of %d reminders are not held any more: %w", want-int(res.RowsAffected), want, ErrConflict)
	}
	return nil
}

// SaidSince reports whether a person has been sent a message of a template on
// or after a day, or is to be.
func (tx *Tx) SaidSince(recipient int64, template string, day calendar.Date) (bool, error) {
	var n int64
	err := tx.db.Model(&Notification{}).Where("day >= ? AND recipient_id = ? AND template = ?", day, recipient, template).Count(&n).Error
	return n > 0, err
}

// MessagesIn returns the messages in a state, in the order of their ids.
func (s *Store) MessagesIn(ctx context.Context, state NotificationState) ([]Notification, error) {
	var list []Notification
	if err := s.Read(ctx).Where("state = ?", state).Order("id").Find(&list).Error; err != nil {
		return nil, fmt.Errorf("read the messages that are %s: %w", state, err)
	}
	return list, nil
}

// NotificationsByID returns the messages with the given ids, in their order.
func (s *Store) NotificationsByID(ctx context.Context, ids []int64) ([]Notification, error) {
	var list []Notification
	for chunk := range slices.Chunk(ids, insertChunk) {
		var batch []Notification
		if err := s.Read(ctx).Where("id IN ?", chunk).Order("id").Find(&batch).Error; err != nil {
			return nil, fmt.Errorf("read messages: %w", err)
		}
		list = append(list, batch...)
	}
	return list, nil
}
