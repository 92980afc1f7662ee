package jobs

import (
	"maps"
	"slices"

	"duban/models"
	"duban/notifier"
)

// telling is what one transaction knows of reminders that are held.
type telling struct {
	*round
	tx       *models.Tx
	held     map[int64][]models.Notification // by recipient
	gate     notifier.Gate
	evidence models.Evidence
	stats    Stats
}

// telling reads what has to be known about reminders that are held, which the
// transaction has locked.
func (r *round) telling(tx *models.Tx, held []models.Notification) (*telling, error) {
	t := &telling{round: r, tx: tx, held: map[int64][]models.Notification{}}
	for _, n := range held {
		t.held[n.RecipientID] = append(t.held[n.RecipientID], n)
	}
	standing, err := tx.Standing(held)
	if err != nil {
		return nil, err
	}
	t.gate = notifier.Gate{Standing: standing, Now: r.clock.Now()}
	t.evidence, err = tx.EvidenceFor(slices.Collect(maps.Values(standing.Duties)))
	return t, err
}

// worthTelling returns those of a person's reminders that are to be said now,
// the most urgent first, with the facts of today: they may have been held for
// days. What became of the others is recorded.
func (t *telling) worthTelling(to models.User, rows []models.Notification) ([]models.Notification, error) {
	var worth []models.Notification
	for _, was := range rows {
		n := t.judge(was, to)
		switch {
		case n.State == models.NotificationHeld && n.Reason == "":
			worth = append(worth, n)
		case n.State != was.State || n.Reason != was.Reason || !n.NextAttemptAt.Equal(was.NextAttemptAt):
			if err := t.tx.SaveHeld(n); err != nil {
				return nil, err
			}
		}
	}
	mostUrgentFirst(worth)
	return worth, nil
}

// judge brings a reminder's facts up to the day. If it is not to be said, or
// not yet, it says why, by the same rules as when a message's turn comes: a
// digest itself is about no duty.
func (t *telling) judge(n models.Notification, to models.User) models.Notification {
	n.Reason = ""
	o, ok := t.gate.Standing.Duties[n.ObligationID]
	rule := t.rules.For(o)
	f := Evaluate(o, recordsOf(o, t.evidence), t.day, rule)
	switch {
	case !ok || f.Fulfilled:
		n.State, n.Reason = models.NotificationSuppressed, models.SuppressedSettled
		return n
	case to.ID == 0: // the person has left
		n.State, n.Reason = models.NotificationSuppressed, models.SuppressedNoRecipient
		return n
	}
	audience := n.Payload.Audience
	n.Payload = t.facts(o, f, rule, t.day, t.evidence)
	n.Payload.Audience = audience
	n.Template, n.Urgency = templateFor(n.Payload.DaysLeft), urgencyOf(n.Payload)
	// In quiet hours the digest waits, and not what it tells.
	if fate, ok := t.gate.Judge(n); !ok && fate.Reason != models.WaitsQuiet {
		n.Reason, n.SilenceID = fate.Reason, fate.SilenceID
		if fate.State == models.NotificationSuppressed {
			n.State = fate.State
		} else {
			n.NextAttemptAt = fate.NextAttemptAt.UTC()
		}
		return n
	}
	if len(t.routing.Route(to, n.Urgency, false)) == 0 {
		n.Reason = models.SuppressedNoAddress
	}
	return n
}
