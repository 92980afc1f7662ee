package models

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// due is the condition under which a message may be claimed: its time has
// come, or the worker that was sending it vanished and its lease ran out. Its
// parameters are the program's time and the time by which leases are judged.
const due = "((state IN ('pending', 'failed', 'unknown') AND next_attempt_at <= ?) OR (state = 'sending' AND lease_until < ?))"

// BlockingAttempts is how often a message may fail by itself before those that
// come after it to the same person no longer wait for it: with the pauses
// between the attempts, that takes half an hour at most.
const BlockingAttempts = 5

// candidate is a message that may be claimed, or one that others wait for.
type candidate struct {
	ID            int64
	RecipientID   int64
	Channel       Channel
	Urgency       Urgency
	State         NotificationState
	Reason        string
	LastError     string
	NextAttemptAt time.Time
	Due           bool
}

// line is where messages queue.
type line struct {
	recipient int64
	channel   Channel
}

func (c candidate) line() line { return line{c.RecipientID, c.Channel} }

// ClaimNotifications takes up to limit due messages for the holder of token,
// which must be new for each call. Workers take turns, so that of several that
// see the same message one gets it, and so that nobody is told the later of
// two things first: a message waits while an earlier one to the same person by
// the same channel is being sent, and one that has to wait until an earlier one
// is tried again says so in Behind. The messages come
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
		ids, behind, err := tx.claimable(now, leaseNow, limit)
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
		err = tx.db.Where("lease_token = ? AND state = ?", token, NotificationSending).Order("id").Find(&claimed).Error
		for i, n := range claimed {
			claimed[i].Behind = behind[n.ID]
		}
		return err
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

// lookahead is how many times as many messages as may be claimed are looked at,
// so that the queue of somebody whose turn is not over keeps nobody else
// waiting. It is bounded, since others wait for the claim.
const lookahead = 10

// claimable returns the messages that are due and whose turn it is, but for
// those that are under way, and what became of the earlier ones for which some
// of them have to wait.
func (tx *Tx) claimable(now, leaseNow time.Time, limit int) (ids []int64, behind map[int64]*Outcome, err error) {
	var found []candidate
	err = tx.db.Model(&Notification{}).Select("id, recipient_id, channel, urgency").Where(due, now, leaseNow).
		Order("next_attempt_at, id").Limit(limit * lookahead).Find(&found).Error
	if err != nil || len(found) == 0 {
		return nil, nil, err
	}
	held, err := tx.heldLines(leaseNow)
	if err != nil {
		return nil, nil, err
	}
	places, last := map[line]int{}, int64(0) // how many of a line were found
	for _, c := range found {
		first, busy := held[c.line()]
		switch {
		case limit == 0:
		case c.Urgency == Instant:
			ids = append(ids, c.ID)
			limit--
		case !busy || c.ID < first:
			places[c.line()]++
			last = max(last, c.ID)
			limit--
		}
	}
	if len(places) == 0 {
		return ids, nil, nil
	}
	others, behind, err := tx.inTurn(places, last, now, leaseNow)
	return append(ids, others...), behind, err
}

// heldLines returns the first message of each line that is being sent.
func (tx *Tx) heldLines(leaseNow time.Time) (map[line]int64, error) {
	var rows []candidate
	err := tx.db.Model(&Notification{}).Select("MIN(id) AS id, recipient_id, channel").
		Where("state = 'sending' AND lease_until >= ? AND urgency <> ?", leaseNow, Instant).Group("recipient_id, channel").Find(&rows).Error
	held := make(map[line]int64, len(rows))
	for _, c := range rows {
		held[c.line()] = c.ID
	}
	return held, err
}

// inTurn returns the messages that come first in the given lines, as many as
// were found in each: a message that was tried before, or put off, is due since
// later than those that came after it. The last is the highest id that was
// found.
func (tx *Tx) inTurn(places map[line]int, last int64, now, leaseNow time.Time) (ids []int64, behind map[int64]*Outcome, err error) {
	people := make([]int64, 0, len(places))
	for l := range places {
		people = append(people, l.recipient)
	}
	slices.Sort(people)
	var queue []candidate
	err = tx.db.Model(&Notification{}).
		Select("id, recipient_id, channel, state, reason, last_error, next_attempt_at, CASE WHEN "+due+" THEN 1 ELSE 0 END AS due", now, leaseNow).
		Where("recipient_id IN ? AND id <= ? AND urgency <> ?", slices.Compact(people), last, Instant).
		Where("("+due+" OR (state = 'failed' AND attempts < ?) OR (state = 'pending' AND reason = ?))", now, leaseNow, BlockingAttempts, WaitsLimit).
		Order("id").Find(&queue).Error
	if err != nil {
		return nil, nil, err
	}
	first := map[line]*Outcome{} // what became of the first message of a line that is not due
	behind = map[int64]*Outcome{}
	for _, c := range queue {
		before := first[c.line()]
		switch {
		case !c.Due && before == nil:
			first[c.line()] = &Outcome{State: c.State, Reason: c.Reason, LastError: c.LastError, NextAttemptAt: c.NextAttemptAt}
		case c.Due && places[c.line()] > 0:
			places[c.line()]--
			ids = append(ids, c.ID)
			if before != nil {
				behind[c.ID] = before
			}
		}
	}
	return ids, behind, nil
}
