package models

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"gorm.io/gorm/clause"
)

// ApplyReceipt records what a provider says about a message, which it names by
// the id that it gave, by our key, or by both. What it says about a message
// that nobody knows is kept: the provider's id may be on record a moment later.
// Nothing that is certain is taken back.
func (s *Store) ApplyReceipt(ctx context.Context, r Receipt, key string) error {
	err := s.Tx(ctx, "system", func(tx *Tx) error {
		n, known, err := tx.messageWithKey(r.Channel, key)
		if err != nil {
			return err
		}
		receipt := r
		if receipt.ProviderID == "" {
			receipt.ProviderID = key
		}
		if receipt.ProviderID == "" || len(receipt.ProviderID) > maxReceiptID || !utf8.ValidString(receipt.ProviderID) {
			return nil // it is about nothing that we know
		}
		if known {
			receipt.NotificationID = n.ID
			if err := tx.awaitedByKey(&receipt, key); err != nil {
				return err
			}
		}
		id, err := tx.keepParts(receipt)
		if err != nil || id == 0 {
			return err
		}
		return tx.settleReceipts(id)
	})
	if err != nil {
		return fmt.Errorf("record a receipt by %s: %w", r.Channel, err)
	}
	return nil
}

// messageWithKey returns the message that a key names.
func (tx *Tx) messageWithKey(c Channel, key string) (n Notification, ok bool, err error) {
	id := keyID(key)
	if id == 0 {
		return n, false, nil
	}
	res := tx.db.Where("id = ? AND channel = ?", id, c).Limit(1).Find(&n)
	return n, res.RowsAffected > 0 && n.Key() == key, res.Error
}

// awaitedByKey gives a receipt our key for its name if that is the name under
// which it is awaited: its provider told us no id when it took the message.
func (tx *Tx) awaitedByKey(r *Receipt, key string) error {
	var n int64
	err := tx.db.Model(&Receipt{}).Where("channel = ? AND provider_id = ?", r.Channel, key).Count(&n).Error
	if n > 0 {
		r.ProviderID = key
	}
	return err
}

// settleReceipts brings a message up to what its receipts say: delivered once
// every part is, and failed, so that another channel takes over, once one is.
// A message that is being sent is settled when its outcome is recorded.
func (tx *Tx) settleReceipts(id int64) error {
	var n Notification
	err := tx.db.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&n, id).Error
	if err != nil {
		return notFound(err, "message", id)
	}
	if n.State != NotificationSent && n.State != NotificationUnknown {
		return nil
	}
	receipts, err := receiptsOf(tx.db, id)
	if err != nil {
		return err
	}
	now := tx.store.now()
	set := map[string]any{"updated_at": now, "state": NotificationSent, "handed_at": nil}
	if n.SentAt == nil {
		set["sent_at"] = now // a message whose outcome was unknown was taken after all
	}
	state, last := verdict(receipts)
	set["receipt_code"] = last.Code
	switch state {
	case ReceiptDelivered:
		set["state"], set["delivered_at"], set["receipt_due_at"], set["reason"] = NotificationDelivered, or(last.At, now), nil, ""
	case ReceiptFailed:
		set["receipt_due_at"] = nil
		if err := tx.giveUp(n, set, "receipt: "+last.Code); err != nil {
			return err
		}
	case ReceiptPending:
		if n.State == NotificationUnknown { // what is awaited now has never been asked for
			set["receipt_due_at"] = now
		}
	}
	return tx.db.Model(&Notification{}).Where("id = ?", id).UpdateColumns(set).Error
}

// giveUp completes the columns of a message that cannot arrive: the next
// channel takes over, or it is dead.
func (tx *Tx) giveUp(n Notification, set map[string]any, cause string) error {
	set["last_error"] = clipText(cause)
	if len(n.Route) == 0 {
		set["state"] = NotificationDead
		return nil
	}
	set["state"], set["reason"] = NotificationSuppressed, SuppressedFellBack
	return tx.fallBack(n)
}

func or(at *time.Time, otherwise time.Time) time.Time {
	if at == nil {
		return otherwise
	}
	return stored(*at)
}

// verdict sums up the receipts of the parts of a message: the worst counts,
// unless one is still awaited.
func verdict(receipts []Receipt) (ReceiptState, Receipt) {
	state, last := ReceiptPending, Receipt{}
	delivered := 0
	for _, r := range receipts {
		switch r.State {
		case ReceiptFailed:
			return ReceiptFailed, r
		case ReceiptDelivered:
			delivered++
			last = r
		case ReceiptPending:
			if last.State != ReceiptDelivered {
				last = r
			}
		}
	}
	if delivered == len(receipts) && delivered > 0 {
		state = ReceiptDelivered
	}
	return state, last
}

// fallBack lets the next channel of a message's route take over: another
// message with the same facts.
func (tx *Tx) fallBack(n Notification) error {
	now := tx.store.now()
	next := Notification{
		DedupKey: fmt.Sprintf("%s>%s", n.DedupKey, n.Route[0]), ObligationID: n.ObligationID, InstanceID: n.InstanceID, RecipientID: n.RecipientID,
		Channel: n.Route[0], Urgency: n.Urgency, Route: n.Route[1:], FallbackOf: n.ID, Day: n.Day, Template: n.Template,
		Language: n.Language, Payload: n.Payload, State: NotificationPending, NextAttemptAt: now,
	}
	_, err := tx.Enqueue([]Notification{next})
	return err
}

// FellBackTo returns the message that took over from another, if one did.
func (s *Store) FellBackTo(ctx context.Context, id int64) (n Notification, ok bool, err error) {
	res := s.Read(ctx).Where("fallback_of = ?", id).Limit(1).Find(&n)
	return n, res.RowsAffected > 0, res.Error
}

// AwaitReceipts takes up to limit sent messages whose receipt is to be asked
// for by now, and has them asked for again after a while unless something is
// recorded before.
func (s *Store) AwaitReceipts(ctx context.Context, limit int, again time.Duration) ([]Notification, error) {
	var due []Notification
	err := s.Tx(ctx, "system", func(tx *Tx) error {
		due = nil
		if err := tx.lock("receipts"); err != nil {
			return err
		}
		now := tx.store.now()
		err := tx.db.Where("receipt_due_at <= ? AND state = ?", now, NotificationSent).Order("receipt_due_at, id").Limit(limit).Find(&due).Error
		if err != nil || len(due) == 0 {
			return err
		}
		ids := make([]int64, len(due))
		for i, n := range due {
			ids[i] = n.ID
		}
		return tx.db.Model(&Notification{}).Where("id IN ?", ids).UpdateColumn("receipt_due_at", stored(now.Add(again))).Error
	})
	if err != nil {
		return nil, fmt.Errorf("read messages that await receipts: %w", err)
	}
	return due, nil
}

// NoReceiptCame ends the wait for a receipt: the message was sent, nobody
// knows whether it arrived, and the next channel of its route takes over.
func (s *Store) NoReceiptCame(ctx context.Context, id int64) error {
	return s.Tx(ctx, "system", func(tx *Tx) error {
		var n Notification
		if err := tx.db.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&n, id).Error; err != nil {
			return notFound(err, "message", id)
		}
		if n.State != NotificationSent || n.ReceiptDueAt == nil {
			return nil // one came after all
		}
		err := tx.db.Model(&Notification{}).Where("id = ?", id).
			UpdateColumns(map[string]any{"receipt_due_at": nil, "reason": NoReceipt, "updated_at": tx.store.now()}).Error
		if err != nil || len(n.Route) == 0 {
			return err
		}
		return tx.fallBack(n)
	})
}
