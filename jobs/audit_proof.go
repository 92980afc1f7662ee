package jobs

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

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
	keys := slices.SortedFunc(maps.Keys(q.promises), func(a, b promise) int {
		return cmp.Or(a.day.Compare(b.day), cmp.Compare(a.person, b.person))
	})
	for _, key := range keys {
		c := q.promises[key]
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
