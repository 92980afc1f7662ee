package jobs

import (
	"slices"
	"time"

	"duban/models"
	"duban/models/calendar"
)

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
		switch {
		case n.State == models.NotificationHeld && n.Reason == models.SuppressedNoAddress && !ev.reachable(n):
			v.verdict = models.SaidSuppressed // until there is an address
		case ev.late(n):
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

// reportPatience is how long a message may be held for the weekly report: a day
// more than the sweep waits for it.
const reportPatience = 9 * 24 * time.Hour

// late reports whether a message has been waiting for too long without a
// reason.
func (ev *proofs) late(n models.Notification) bool {
	limit, began := patience, n.CreatedAt
	switch {
	case n.State == models.NotificationHeld && ev.users[n.RecipientID].Reach.Digest == models.DigestWeekly:
		limit = reportPatience
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
		holds = n.RecipientID == 0 || ev.left(n.RecipientID, n.UpdatedAt)
	case models.SuppressedNoAddress:
		holds = !ev.reachable(n)
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

// left reports whether a person had left when something was said about a
// message of theirs.
func (ev *proofs) left(person int64, at time.Time) bool {
	if at.Before(ev.since) { // of which the trail was not read
		at = ev.since
	}
	_, active := ev.rulingAt(at).directory.users[person]
	return !active
}

// reachable reports whether there was a way to reach the recipient of a message
// of which it is said that there was none. Neither the trail nor anything else
// tells the addresses of the past, or the channels that were configured: those
// of today count, unless the person has changed since.
func (ev *proofs) reachable(n models.Notification) bool {
	u, ok := ev.users[n.RecipientID]
	return ok && !u.UpdatedAt.After(n.UpdatedAt) && len(ev.routing.Route(u, n.Urgency, n.InstanceID != 0)) > 0
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
