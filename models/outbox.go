package models

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// Enqueue adds messages to the outbox and returns how many are new: one whose
// dedup key is there already is not created again.
func (tx *Tx) Enqueue(messages []Notification) (int, error) {
	if len(messages) == 0 {
		return 0, nil
	}
	n, err := tx.createMissing(messages)
	return int(n), err
}

// due is the condition under which a message may be claimed: its time has
// come, or the worker that was sending it vanished and its lease ran out. Its
// parameters are the program's time and the time by which leases are judged.
const due = "((state IN ('pending', 'failed') AND next_attempt_at <= ?) OR (state = 'sending' AND lease_until < ?))"

// ClaimNotifications takes up to limit due messages for the holder of token,
// which must be new for each call. It claims by compare-and-set: of several
// workers that saw the same message one gets it. The messages come back in the
// order in which they were due, in state sending, with this attempt counted;
// those that another worker left behind have Uncertain raised by one.
func (s *Store) ClaimNotifications(ctx context.Context, token string, limit int, lease time.Duration) ([]Notification, error) {
	var claimed []Notification
	err := s.Tx(ctx, "system", func(tx *Tx) error {
		claimed = nil // an attempt that was rolled back has claimed nothing
		leaseNow, err := s.leaseNow(ctx, tx.db)
		if err != nil {
			return err
		}
		now := s.now()
		var ids []int64
		err = tx.db.Model(&Notification{}).Where(due, now, leaseNow).
			Order("next_attempt_at, id").Limit(limit).Pluck("id", &ids).Error
		if err != nil || len(ids) == 0 {
			return err
		}
		// uncertain comes first: MySQL lets an assignment see the ones before it.
		err = tx.db.Exec("UPDATE notifications SET uncertain = uncertain + CASE WHEN state = 'sending' THEN 1 ELSE 0 END, "+
			"attempts = attempts + 1, state = 'sending', lease_token = ?, lease_until = ?, updated_at = ? WHERE id IN ? AND "+due,
			token, stored(leaseNow.Add(lease)), now, ids, now, leaseNow).Error
		if err != nil {
			return err
		}
		return tx.db.Where("lease_token = ?", token).Order("next_attempt_at, id").Find(&claimed).Error
	})
	if err != nil {
		return nil, fmt.Errorf("claim messages: %w", err)
	}
	return claimed, nil
}

// ExtendLease keeps the messages that token still holds for another while.
func (s *Store) ExtendLease(ctx context.Context, token string, lease time.Duration) error {
	return s.Tx(ctx, "system", func(tx *Tx) error {
		now, err := s.leaseNow(ctx, tx.db)
		if err != nil {
			return err
		}
		return tx.db.Model(&Notification{}).Where("lease_token = ? AND state = ?", token, NotificationSending).
			UpdateColumn("lease_until", stored(now.Add(lease))).Error
	})
}

// Outcome is what became of one attempt to send a message.
type Outcome struct {
	State         NotificationState
	Reason        string
	ProviderID    string
	LastError     string
	NextAttemptAt time.Time // for NotificationFailed
	// Untried gives the attempt back: the channel was down, so the message
	// itself was never tried.
	Untried bool
}

// FinishNotification records the outcome of an attempt by the holder of token.
// It returns ErrLeaseLost if another worker holds the message by now, whose
// outcome will count.
func (s *Store) FinishNotification(ctx context.Context, id int64, token string, o Outcome) error {
	return s.Tx(ctx, "system", func(tx *Tx) error {
		now := s.now()
		set := map[string]any{
			"state": o.State, "reason": o.Reason, "last_error": clipText(o.LastError),
			"lease_token": "", "lease_until": nil, "updated_at": now,
		}
		if o.ProviderID != "" {
			set["provider_id"] = o.ProviderID
		}
		switch o.State {
		case NotificationSent:
			set["sent_at"] = now
		case NotificationFailed, NotificationPending:
			set["next_attempt_at"] = stored(o.NextAttemptAt)
		}
		if o.Untried {
			set["attempts"] = gorm.Expr("attempts - 1")
		}
		res := tx.db.Model(&Notification{}).Where("id = ? AND lease_token = ? AND state = ?", id, token, NotificationSending).UpdateColumns(set)
		if res.Error != nil {
			return fmt.Errorf("record the outcome of message %d: %w", id, res.Error)
		}
		if res.RowsAffected == 0 {
			return fmt.Errorf("message %d: %w", id, ErrLeaseLost)
		}
		return nil
	})
}

// ResendDead puts messages that were given up back into the queue, all of them
// if no ids are named, and returns how many.
func (s *Store) ResendDead(ctx context.Context, actor string, ids ...int64) (int, error) {
	var n int64
	err := s.Tx(ctx, actor, func(tx *Tx) error {
		q := tx.db.Model(&Notification{}).Where("state = ?", NotificationDead)
		if len(ids) > 0 {
			q = q.Where("id IN ?", ids)
		}
		now := s.now()
		// created_at starts the time for which a message is tried, so it moves.
		res := q.UpdateColumns(map[string]any{
			"state": NotificationPending, "attempts": 0, "next_attempt_at": now, "created_at": now, "updated_at": now,
		})
		n = res.RowsAffected
		if res.Error != nil || n == 0 {
			return res.Error
		}
		return tx.Audit("notification.resent", "notifications", 0, map[string]any{"ids": ids, "count": n})
	})
	return int(n), err
}

// NextNotificationAt returns when the next message is due, if one is waiting.
func (s *Store) NextNotificationAt(ctx context.Context) (at time.Time, ok bool, err error) {
	var n Notification
	res := s.Read(ctx).Select("next_attempt_at").
		Where("state IN ?", []NotificationState{NotificationPending, NotificationFailed}).
		Order("next_attempt_at").Limit(1).Find(&n)
	return n.NextAttemptAt, res.RowsAffected > 0, res.Error
}

// LastNotificationID returns the highest id in the outbox, 0 if it is empty.
func (s *Store) LastNotificationID(ctx context.Context) (int64, error) {
	var id int64
	err := s.Read(ctx).Model(&Notification{}).Select("COALESCE(MAX(id), 0)").Scan(&id).Error
	return id, err
}

// NotificationsAfter returns the messages with higher ids, in their order.
func (s *Store) NotificationsAfter(ctx context.Context, id int64) ([]Notification, error) {
	var messages []Notification
	err := s.Read(ctx).Where("id > ?", id).Order("id").Find(&messages).Error
	return messages, err
}
