package models

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

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
	NextAttemptAt time.Time // of a message that is to be claimed again
	// Untried gives the attempt back: the channel was down, or it was not the
	// message's time, so the message itself was never tried.
	Untried bool
	// FallBack lets the next channel of the message's route take over.
	FallBack bool

	FailingSince *time.Time // nil if it does not fail
	SilenceID    int64      // because of which it is suppressed
	Wording      int        // with which it was sent
	Parts        int        // of a text message
	Cost         int64      // in thousandths of a 分
	// ReceiptDueAt is when to ask for the receipt of a sent message; nil if
	// none will come.
	ReceiptDueAt *time.Time
	// Handed keeps HandedAt: the provider may have the message.
	Handed bool
	// Receipts are what the provider has said already, or the ids by which it
	// will.
	Receipts []Receipt
}

// plain reports whether the outcome is that of most messages, which differ in
// nothing but their ids.
func (o Outcome) plain() bool {
	return o.State == NotificationSent && o.ReceiptDueAt == nil && len(o.Receipts) == 0 && o.Parts == 0 && o.Cost == 0
}

// Finished is a message with what became of it.
type Finished struct {
	Notification
	Outcome Outcome
}

// FinishNotifications records the outcomes of attempts by the holder of token,
// all in one transaction. It returns the ids of the messages that another
// worker holds by now, whose outcomes will count.
func (s *Store) FinishNotifications(ctx context.Context, token string, all []Finished) (lost []int64, err error) {
	err = s.Tx(ctx, "system", func(tx *Tx) error {
		lost = nil
		held, err := tx.held(token, all)
		if err != nil {
			return err
		}
		var plain []Finished
		for _, f := range all {
			switch {
			case !held[f.ID]:
				lost = append(lost, f.ID)
			case f.Outcome.plain():
				plain = append(plain, f)
			default:
				if err := tx.finish(f); err != nil {
					return fmt.Errorf("message %d: %w", f.ID, err)
				}
			}
		}
		return tx.finishPlain(plain)
	})
	if err != nil {
		return nil, fmt.Errorf("record the outcomes of %d messages: %w", len(all), err)
	}
	return lost, nil
}

// held locks and returns those of the messages that the holder of token still
// holds.
func (tx *Tx) held(token string, all []Finished) (map[int64]bool, error) {
	ids := make([]int64, len(all))
	for i, f := range all {
		ids[i] = f.ID
	}
	var still []int64
	err := tx.db.Model(&Notification{}).Clauses(clause.Locking{Strength: "UPDATE"}).
		Where("id IN ? AND lease_token = ? AND state = ?", ids, token, NotificationSending).Pluck("id", &still).Error
	held := make(map[int64]bool, len(still))
	for _, id := range still {
		held[id] = true
	}
	return held, err
}

// finishPlain records in one statement that messages were sent.
func (tx *Tx) finishPlain(all []Finished) error {
	if len(all) == 0 {
		return nil
	}
	now := tx.store.now()
	var when strings.Builder
	var ids, numbers []any
	in := make([]int64, len(all))
	for i, f := range all {
		when.WriteString(" WHEN ? THEN ?")
		ids = append(ids, f.ID, f.Outcome.ProviderID)
		numbers = append(numbers, f.ID, f.Outcome.Wording)
		in[i] = f.ID
	}
	args := slices.Concat([]any{NotificationSent, now, now}, ids, numbers, []any{in})
	return tx.db.Exec("UPDATE notifications SET state = ?, sent_at = ?, updated_at = ?, reason = '', last_error = '', lease_token = '', lease_until = NULL, "+
		"failing_since = NULL, handed_at = NULL, provider_id = CASE id"+when.String()+" ELSE provider_id END, "+
		"wording = CASE id"+when.String()+" ELSE wording END WHERE id IN ?", args...).Error
}

// finish records any outcome.
func (tx *Tx) finish(f Finished) error {
	o, now := f.Outcome, tx.store.now()
	set := map[string]any{
		"state": o.State, "reason": o.Reason, "last_error": clipText(o.LastError), "lease_token": "", "lease_until": nil, "updated_at": now,
		"failing_since": o.FailingSince, "silence_id": o.SilenceID, "receipt_due_at": o.ReceiptDueAt,
	}
	if !o.Handed {
		set["handed_at"] = nil
	}
	if o.ProviderID != "" {
		set["provider_id"] = o.ProviderID
	}
	if o.State == NotificationSent || o.ProviderID != "" { // what was refused may have been taken in part
		set["parts"], set["cost"] = o.Parts, o.Cost
	}
	switch o.State {
	case NotificationSent:
		set["sent_at"], set["wording"] = now, o.Wording
	case NotificationFailed, NotificationPending, NotificationUnknown:
		set["next_attempt_at"] = stored(o.NextAttemptAt)
	case NotificationHeld, NotificationSending, NotificationDelivered, NotificationDead, NotificationSuppressed:
	}
	if o.Untried {
		set["attempts"] = gorm.Expr("attempts - 1")
	}
	if o.FallBack {
		if err := tx.giveUp(f.Notification, set, o.LastError); err != nil {
			return err
		}
	}
	if err := tx.db.Model(&Notification{}).Where("id = ?", f.ID).UpdateColumns(set).Error; err != nil || len(o.Receipts) == 0 {
		return err
	}
	have, err := receiptsOf(tx.db, f.ID)
	if err != nil {
		return err
	}
	for _, r := range o.Receipts {
		if r.ProviderID == f.Key() && len(o.Receipts) == 1 && len(have) > 0 {
			continue // it came first, under the provider's own name
		}
		r.Channel, r.NotificationID = f.Channel, f.ID
		if _, err := tx.keepReceipt(r); err != nil {
			return err
		}
	}
	return tx.settleReceipts(f.ID)
}

// HandOver records that a message is about to be handed to a provider that
// cannot recognise a repeat. It returns ErrLeaseLost if another worker holds
// the message by now.
func (s *Store) HandOver(ctx context.Context, id int64, token string) error {
	return s.Tx(ctx, "system", func(tx *Tx) error {
		res := tx.db.Model(&Notification{}).Where("id = ? AND lease_token = ? AND state = ?", id, token, NotificationSending).
			UpdateColumn("handed_at", tx.store.now())
		if res.Error != nil {
			return fmt.Errorf("record that message %d is handed over: %w", id, res.Error)
		}
		if res.RowsAffected == 0 {
			return fmt.Errorf("message %d: %w", id, ErrLeaseLost)
		}
		return nil
	})
}

// ResendDead puts messages that were given up back into the queue, all of them
// if no ids are named, and returns how many. A message that its provider may
// have had is sent again, since somebody decided so.
func (s *Store) ResendDead(ctx context.Context, actor string, ids ...int64) (int, error) {
	var n int64
	err := s.Tx(ctx, actor, func(tx *Tx) error {
		q := tx.db.Model(&Notification{}).Where("state = ?", NotificationDead)
		if len(ids) > 0 {
			q = q.Where("id IN ?", ids)
		}
		// What was said about the first attempt says nothing about the next.
		err := tx.db.Where("notification_id IN (?)", q.Session(&gorm.Session{}).Select("id")).Delete(&Receipt{}).Error
		if err != nil {
			return fmt.Errorf("forget the receipts of messages that are sent again: %w", err)
		}
		now := s.now()
		// created_at starts the time for which a message is tried, so it moves.
		res := q.UpdateColumns(map[string]any{
			"state": NotificationPending, "attempts": 0, "next_attempt_at": now, "created_at": now, "updated_at": now,
			"handed_at": nil, "sent_at": nil, "failing_since": nil, "reason": "", "provider_id": "", "receipt_code": "", "receipt_due_at": nil,
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
		Where("state IN ?", []NotificationState{NotificationPending, NotificationFailed, NotificationUnknown}).
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
