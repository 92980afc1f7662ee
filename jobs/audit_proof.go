package jobs

import (
	"context"
	"slices"
	"strings"
	"time"

	"duban/models"
	"duban/models/calendar"
)

// proofs are the messages that prove what was said, with those that stand in
// for them or tell them in a digest.
type proofs struct {
	*period
	said     map[pair][]models.Notification // reminders, by duty and person
	standIns map[int64][]models.Notification
	byID     map[int64]models.Notification // digests
	silences map[int64]models.Silence
}

// pair is a duty, or a task's instance, and a person.
type pair struct{ about, person int64 }

// proof is what a message proves.
type proof struct {
	verdict models.Verdict
	reason  string // of a message that was not sent, or for which it waits
	message int64
}

// shiftedBy is by how many days a message may bear another day than its
// occasion has, after the calendar has changed.
const shiftedBy = longBreak

// proofsOf reads the messages that can prove what a batch of duties was
// promised.
func (p *period) proofsOf(ctx context.Context, cases []*inquiry) (*proofs, error) {
	ids := make([]int64, len(cases))
	var first calendar.Date
	for i, q := range cases {
		ids[i] = q.duty.ID
		for key := range q.promises {
			if first.IsZero() || key.day.Before(first) {
				first = key.day
			}
		}
	}
	rows, err := p.store.RemindersSaid(ctx, ids, first.AddDays(-shiftedBy))
	if err != nil {
		return nil, err
	}
	ev := p.proofs()
	for _, n := range rows {
		key := pair{n.ObligationID, n.RecipientID}
		ev.said[key] = append(ev.said[key], n)
	}
	return ev, ev.follow(ctx, rows)
}

func (p *period) proofs() *proofs {
	return &proofs{
		period: p, said: map[pair][]models.Notification{}, standIns: map[int64][]models.Notification{},
		byID: map[int64]models.Notification{}, silences: map[int64]models.Silence{},
	}
}

// follow reads what the messages refer to, and what that refers to.
func (ev *proofs) follow(ctx context.Context, rows []models.Notification) error {
	var silences []int64
	for range len(models.Channels) + 1 { // no chain is longer
		var failed, digests []int64
		for _, n := range rows {
			if n.SilenceID != 0 {
				silences = append(silences, n.SilenceID)
			}
			if _, known := ev.byID[n.DigestID]; n.DigestID != 0 && !known {
				digests = append(digests, n.DigestID)
			}
			if n.Reason == models.SuppressedFellBack || n.Reason == models.NoReceipt || n.State == models.NotificationDead || n.State == models.NotificationUnknown {
				failed = append(failed, n.ID)
			}
		}
		slices.Sort(digests)
		standIns, err := ev.store.StandIns(ctx, failed)
		if err != nil {
			return err
		}
		found, err := ev.store.MessagesByID(ctx, slices.Compact(digests))
		if err != nil {
			return err
		}
		for _, n := range standIns {
			ev.standIns[n.FallbackOf] = append(ev.standIns[n.FallbackOf], n)
		}
		for _, n := range found {
			ev.byID[n.ID] = n
		}
		if rows = slices.Concat(standIns, found); len(rows) == 0 {
			break
		}
	}
	var err error
	ev.silences, err = ev.store.SilencesByID(ctx, silences)
	return err
}

// prove gives a verdict on each promise about the duty.
func (q *inquiry) prove(ev *proofs) error {
	for key, c := range q.promises {
		found := ev.best(q, ev.messages(q, key, c))
		if found.verdict == models.GapMissing {
			switch {
			case !c.certain:
				found.verdict = models.ChangedSince
			case c.stale:
				found.verdict = models.GapUnrecorded
			}
		}
		d := Difference{Gap: models.Gap{ObligationID: q.duty.ID, RecipientID: key.person, Day: key.day}, Title: q.duty.Title}
		if err := q.count(found, d); err != nil {
			return err
		}
	}
	return nil
}

// messages returns those that keep a promise: about its day, or, if the
// calendar has moved the day, about its occasion.
func (ev *proofs) messages(q *inquiry, key promise, c *claim) []models.Notification {
	all := ev.said[pair{q.duty.ID, key.person}]
	var found, moved []models.Notification
	for _, n := range all {
		part := strings.Split(n.DedupKey, "|")
		switch {
		case n.Day == key.day:
			found = append(found, n)
		case len(part) > 4 && part[2] == c.due.String() && slices.Contains(c.names, part[3]):
			moved = append(moved, n)
		}
	}
	if len(found) == 0 {
		return moved
	}
	return found
}

// rank orders verdicts: of several messages to one person about one thing, the
// lowest counts. A message that failed says more than one that was not to be
// sent.
var rank = map[models.Verdict]int{
	models.SaidDelivered: 0, models.SaidSent: 1, models.SaidPending: 2, models.GapLate: 3, models.GapUnknown: 4, models.GapDead: 5,
	models.SaidSuppressed: 6, models.GapUnexplained: 7, models.GapMissing: 8,
}

// best returns what the best of several messages proves; q is nil if they are
// not about a duty.
func (ev *proofs) best(q *inquiry, rows []models.Notification) proof {
	best := proof{verdict: models.GapMissing}
	for _, n := range rows {
		if v := ev.judge(q, n, 0); rank[v.verdict] < rank[best.verdict] {
			best = v
		}
	}
	return best
}

// judge follows a message to what became of it in the end.
func (ev *proofs) judge(q *inquiry, n models.Notification, depth int) proof {
	v := proof{verdict: models.SaidPending, reason: n.Reason, message: n.ID}
	switch n.State {
	case models.NotificationDelivered:
		v.verdict = models.SaidDelivered
	case models.NotificationSent:
		v.verdict = models.SaidSent
		return ev.orElse(q, v, ev.standIns[n.ID], depth)
	case models.NotificationDead:
		v.verdict = models.GapDead
		return ev.orElse(q, v, ev.standIns[n.ID], depth)
	case models.NotificationUnknown:
		if v.reason == models.NoReceipt || ev.now.Sub(n.CreatedAt) > patience {
			v.verdict = models.GapUnknown
		}
		return ev.orElse(q, v, ev.standIns[n.ID], depth)
	case models.NotificationHeld, models.NotificationPending, models.NotificationSending, models.NotificationFailed:
		if ev.late(n) {
			v.verdict = models.GapLate
		}
	case models.NotificationSuppressed:
		return ev.suppressed(q, n, depth)
	}
	return v
}

// orElse returns what a message proves, or what those prove that stand in for
// it, if that is better.
func (ev *proofs) orElse(q *inquiry, v proof, others []models.Notification, depth int) proof {
	if depth > len(models.Channels)+1 {
		return v
	}
	for _, n := range others {
		if w := ev.judge(q, n, depth+1); rank[w.verdict] < rank[v.verdict] {
			v = w
		}
	}
	return v
}

// patience is how long a message may wait without a reason.
const patience = 24 * time.Hour

// weeklyPatience is how long a message may be held for the weekly report.
const weeklyPatience = 8 * 24 * time.Hour

// late reports whether a message has been waiting for too long without a
// reason.
func (ev *proofs) late(n models.Notification) bool {
	limit, began := patience, n.CreatedAt
	switch {
	case n.State == models.NotificationHeld && ev.weekly[n.RecipientID]:
		limit = weeklyPatience
	case slices.Contains([]string{models.WaitsQuiet, models.WaitsMaintenance, models.WaitsAcknowledged, models.WaitsLimit}, n.Reason):
		began = n.NextAttemptAt
	}
	return ev.now.Sub(began) > limit
}

// suppressed checks the reason for which a message was not sent.
func (ev *proofs) suppressed(q *inquiry, n models.Notification, depth int) proof {
	v := proof{verdict: models.SaidSuppressed, reason: n.Reason, message: n.ID}
	holds := false
	switch n.Reason {
	case models.SuppressedFellBack:
		return ev.orElse(q, proof{models.GapDead, n.Reason, n.ID}, ev.standIns[n.ID], depth)
	case models.SuppressedDigest:
		digest, ok := ev.byID[n.DigestID]
		if !ok {
			break
		}
		return ev.orElse(q, proof{models.GapMissing, n.Reason, n.ID}, []models.Notification{digest}, depth)
	case models.SuppressedNoRecipient:
		holds = n.RecipientID == 0
	case models.SuppressedNoAddress:
		holds = true
	case models.SuppressedSilenced, models.SuppressedMuted:
		s, ok := ev.silences[n.SilenceID]
		holds = ok && q != nil && s.StartsAt.Before(n.UpdatedAt.Add(time.Second)) && (s.EndsAt == nil || s.EndsAt.After(n.CreatedAt)) &&
			s.Covers(n, q.duty)
	case models.SuppressedStale:
		holds = ev.superseded(n)
	case models.SuppressedSettled:
		holds = q == nil || q.settledBy(n.UpdatedAt)
	}
	if !holds {
		v.verdict = models.GapUnexplained
	}
	return v
}

// superseded reports whether the same person has a later message about the
// same duty.
func (ev *proofs) superseded(n models.Notification) bool {
	return slices.ContainsFunc(ev.said[pair{n.ObligationID, n.RecipientID}], func(m models.Notification) bool {
		return m.ID != n.ID && !m.Day.Before(n.Day) && m.Reason != models.SuppressedStale
	})
}

// settledBy reports whether the duty had been fulfilled, or was no longer
// required, at a moment or since: a message is not sent then. Of moments before
// the audited ones that cannot be told.
func (q *inquiry) settledBy(at time.Time) bool {
	if at.Before(q.since) {
		return true
	}
	for _, moment := range []time.Time{at, q.now} {
		if v := q.look(moment, calendar.DateOf(moment)); v.exists && v.finding.Fulfilled {
			return true
		}
	}
	return false
}

// taskOf returns the number of the task that a message of a workflow is about.
func taskOf(n models.Notification) string {
	part := strings.Split(n.DedupKey, "|")
	if len(part) < 6 || part[0] != "workflow" {
		return ""
	}
	return part[4]
}
