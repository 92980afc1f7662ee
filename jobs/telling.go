package jobs

import (
	"slices"

	"duban/models"
)

// telling is what one transaction knows of reminders that are held.
type telling struct {
	*round
	tx       *models.Tx
	held     map[int64][]models.Notification // by recipient
	duties   map[int64]models.Obligation
	evidence models.Evidence
	silences []models.Silence
	acks     map[int64][]models.Acknowledgement // by duty
	stats    Stats
}

// telling reads what has to be known about reminders that are held, which the
// transaction has locked.
func (r *round) telling(tx *models.Tx, held []models.Notification) (*telling, error) {
	t := &telling{
		round: r, tx: tx, held: map[int64][]models.Notification{}, duties: map[int64]models.Obligation{}, acks: map[int64][]models.Acknowledgement{},
	}
	ids := make([]int64, 0, len(held))
	for _, n := range held {
		t.held[n.RecipientID] = append(t.held[n.RecipientID], n)
		ids = append(ids, n.ObligationID)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	duties, err := tx.Obligations(ids)
	if err != nil {
		return nil, err
	}
	for _, o := range duties {
		t.duties[o.ID] = o
	}
	if t.evidence, err = tx.EvidenceFor(duties); err != nil {
		return nil, err
	}
	if t.silences, err = tx.SilencesInForce(); err != nil {
		return nil, err
	}
	acks, err := tx.AcknowledgementsUntil(ids, r.day)
	for _, a := range acks {
		t.acks[a.ObligationID] = append(t.acks[a.ObligationID], a)
	}
	return t, err
}

// of returns the reminders that are held for a person.
func (t *telling) of(recipient int64) []models.Notification { return t.held[recipient] }

// worthTelling returns those of a person's reminders that are to be said now,
// the most urgent first, with the facts of today: they may have been held for
// days. What became of the others is recorded.
func (t *telling) worthTelling(to models.User, rows []models.Notification) ([]models.Notification, error) {
	latest := map[int64]int64{}
	for _, n := range rows {
		latest[n.ObligationID] = max(latest[n.ObligationID], n.ID)
	}
	var worth []models.Notification
	for _, was := range rows {
		n := was
		t.judge(&n, to, latest[n.ObligationID] != n.ID)
		switch {
		case n.State == models.NotificationHeld && n.Reason == "":
			worth = append(worth, n)
		case n.State != was.State || n.Reason != was.Reason:
			if err := t.tx.SaveHeld(n); err != nil {
				return nil, err
			}
		}
	}
	mostUrgentFirst(worth)
	return worth, nil
}

// judge brings a reminder's facts up to the day. If it is not to be said, or
// not yet, it sets why.
func (t *telling) judge(n *models.Notification, to models.User, stale bool) {
	n.Reason = ""
	suppress := func(reason string) { n.State, n.Reason = models.NotificationSuppressed, reason }
	o, ok := t.duties[n.ObligationID]
	rule := t.rules.For(o)
	f := Evaluate(o, recordsOf(o, t.evidence), t.day, rule)
	switch {
	case !ok || f.Fulfilled:
		suppress(models.SuppressedSettled)
		return
	case stale:
		suppress(models.SuppressedStale)
		return
	case to.ID == 0: // the person has left
		suppress(models.SuppressedNoRecipient)
		return
	}
	audience := n.Payload.Audience
	n.Payload = t.facts(o, f, rule, t.day, t.evidence)
	n.Payload.Audience = audience
	n.Template, n.Urgency = templateFor(n.Payload.DaysLeft), urgencyOf(n.Payload)
	t.hush(n, to, o)
}

// hush sets why a reminder that is true must not be said, or must wait.
func (t *telling) hush(n *models.Notification, to models.User, o models.Obligation) {
	for _, s := range t.silences {
		if !s.Covers(*n, o) {
			continue
		}
		switch s.Kind {
		case models.Window:
			n.Reason, n.SilenceID = models.WaitsMaintenance, s.ID
		case models.Mute:
			n.State, n.Reason, n.SilenceID = models.NotificationSuppressed, models.SuppressedMuted, s.ID
			return
		case models.Silencing:
			n.State, n.Reason, n.SilenceID = models.NotificationSuppressed, models.SuppressedSilenced, s.ID
			return
		}
	}
	for _, a := range t.acks[o.ID] {
		if a.Pauses(*n, t.day) {
			n.Reason = models.WaitsAcknowledged
		}
	}
	if len(t.routing.Route(to, n.Urgency, false)) == 0 {
		n.Reason = models.SuppressedNoAddress
	}
}
