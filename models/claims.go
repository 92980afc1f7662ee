package models

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
)

// due is the condition under which a message may be claimed: its time has
// come, or the worker that was sending it vanished and its lease ran out. Its
// parameters are the program's time and the time by which leases are judged.
const due = "((state IN ('pending', 'failed', 'unknown') AND next_attempt_at <= ?) OR (state = 'sending' AND lease_until < ?))"

// blockingAttempts is how often a message may fail by itself before those that
// come after it to the same person no longer wait for it: about half an hour.
const blockingAttempts = 5

// candidate is a message that may be claimed.
type candidate struct {
	ID            int64
	RecipientID   int64
	Channel       Channel
	Urgency       Urgency
	State         NotificationState
	NextAttemptAt time.Time
}

// ClaimNotifications takes up to limit due messages for the holder of token,
// which must be new for each call. Workers take turns, so that of several that
// see the same message one gets it, and so that nobody is told the later of
// two things first: a message waits while an earlier one to the same person by
// the same channel is being sent, or will be tried again. The messages come
// back in the order in which they were created, but those first that somebody
// waits for in front of a screen, in state sending, with this attempt counted;
// those that another worker left behind have Uncertain raised by one.
func (s *Store) ClaimNotifications(ctx context.Context, token string, limit int, lease time.Duration) ([]Notification, error) {
	var claimed []Notification
	err := s.Tx(ctx, "system", func(tx *Tx) error {
		claimed = nil // an attempt that was rolled back has claimed nothing
		if err := tx.lock("outbox"); err != nil {
			return err
		}
		leaseNow, err := s.leaseNow(ctx, tx.db)
		if err != nil {
			return err
		}
		now := s.now()
		ids, err := tx.claimable(now, leaseNow, limit)
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
		return tx.db.Where("lease_token = ? AND state = ?", token, NotificationSending).Order("id").Find(&claimed).Error
	})
	if err != nil {
		return nil, fmt.Errorf("claim messages: %w", err)
	}
	slices.SortStableFunc(claimed, func(a, b Notification) int { return a.Urgency.turn() - b.Urgency.turn() })
	return claimed, nil
}

// turn orders messages by whether somebody waits in front of a screen.
func (u Urgency) turn() int {
	if u == Instant {
		return 0
	}
	return 1
}

// claimable returns the messages that are due and whose turn it is, but for
// those that are under way.
func (tx *Tx) claimable(now, leaseNow time.Time, limit int) ([]int64, error) {
	var found []candidate
	err := tx.db.Model(&Notification{}).Select("id, recipient_id, channel, urgency, next_attempt_at").Where(due, now, leaseNow).
		Order("next_attempt_at, id").Limit(limit).Find(&found).Error
	if err != nil || len(found) == 0 {
		return nil, err
	}
	found, err = tx.inTurn(found, now, leaseNow)
	ids := make([]int64, len(found))
	for i, c := range found {
		ids[i] = c.ID
	}
	return ids, err
}

// inTurn drops the candidates that have to wait for an earlier message to the
// same person. Those of which it is known how long are put off until then.
func (tx *Tx) inTurn(all []candidate, now, leaseNow time.Time) ([]candidate, error) {
	people := make([]int64, 0, len(all))
	for _, c := range all {
		people = append(people, c.RecipientID)
	}
	slices.Sort(people)
	var ahead []candidate
	err := tx.db.Model(&Notification{}).Select("id, recipient_id, channel, state, next_attempt_at").
		Where("recipient_id IN ? AND urgency <> ?", slices.Compact(people), Instant).
		Where("((state = 'sending' AND lease_until >= ?) OR (state = 'failed' AND next_attempt_at > ? AND attempts < ?))", leaseNow, now, blockingAttempts).
		Order("id").Find(&ahead).Error
	if err != nil || len(ahead) == 0 {
		return all, err
	}
	type line struct {
		recipient int64
		channel   Channel
	}
	first := map[line]candidate{}
	for _, c := range ahead {
		if _, ok := first[line{c.RecipientID, c.Channel}]; !ok {
			first[line{c.RecipientID, c.Channel}] = c
		}
	}
	kept := all[:0:0]
	for _, c := range all {
		before, waits := first[line{c.RecipientID, c.Channel}]
		if !waits || before.ID > c.ID || c.Urgency == Instant {
			kept = append(kept, c)
			continue
		}
		if before.State == NotificationSending { // its worker is done in a moment
			continue
		}
		err := tx.db.Model(&Notification{}).Where("id = ?", c.ID).UpdateColumns(map[string]any{
			"next_attempt_at": before.NextAttemptAt, "failing_since": gorm.Expr("COALESCE(failing_since, ?)", now),
		}).Error
		if err != nil {
			return nil, err
		}
	}
	return kept, nil
}
