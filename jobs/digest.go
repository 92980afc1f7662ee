package jobs

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"duban/models"
	"duban/models/calendar"
)

const templateDigest = "digest"

const (
	// bundlePeople bounds for how many people one transaction makes digests.
	bundlePeople = 20
	// digestSize bounds how many duties one digest tells; more make another one.
	digestSize = 100
	// weeklyPatience is for how many days a reminder waits for a weekly report,
	// which may be switched off, or have failed.
	weeklyPatience = 8
)

// bundle tells the reminders that are held (汇总): those for one person become
// one message. It goes over people in bounded transactions; in each of them
// the digest is created and what it tells stops being held, so that a sweep
// that is killed, or another replica's, neither loses nor repeats anything.
func (sw *Sweeper) bundle(ctx context.Context, day calendar.Date) (Stats, error) {
	var total Stats
	for after := int64(0); ; {
		var batch Stats
		var people []int64
		err := sw.Store.Tx(ctx, "system", func(tx *models.Tx) (err error) {
			if people, err = tx.HeldRecipients(after, bundlePeople); err != nil || len(people) == 0 {
				return err
			}
			batch, err = sw.bundleFor(tx, day, people)
			return err
		})
		if err != nil {
			return total, fmt.Errorf("digests of %s: %w", day, err)
		}
		if len(people) == 0 {
			return total, nil
		}
		total.add(batch)
		after = people[len(people)-1]
	}
}

func (sw *Sweeper) bundleFor(tx *models.Tx, day calendar.Date, people []int64) (Stats, error) {
	held, err := tx.Held(people)
	if err != nil {
		return Stats{}, err
	}
	r, err := readRound(tx, day, sw.Routing, sw.Clock)
	if err != nil {
		return Stats{}, err
	}
	t, err := r.telling(tx, held)
	if err != nil {
		return Stats{}, err
	}
	for _, id := range people {
		if err := t.today(t.directory.users[id], t.held[id]); err != nil {
			return t.stats, err
		}
	}
	return t.stats, nil
}

// today tells one person's reminders, unless they wait for the weekly report.
// A user who is not active any more is the zero user.
func (t *telling) today(user models.User, rows []models.Notification) error {
	late := func(n models.Notification) bool { return n.Day.DaysUntil(t.day) >= weeklyPatience }
	if user.Reach.Digest == models.DigestWeekly && !slices.ContainsFunc(rows, late) {
		return nil
	}
	worth, err := t.worthTelling(user, rows)
	if err != nil {
		return err
	}
	size := digestSize
	if user.Reach.Digest == models.DigestOff {
		size = 1
	}
	for chunk := range slices.Chunk(worth, size) {
		if err := t.tell(user, chunk); err != nil {
			return err
		}
	}
	return nil
}

// tell sends one reminder as it is, and several as a digest.
func (t *telling) tell(to models.User, worth []models.Notification) error {
	if len(worth) == 1 {
		n := worth[0]
		n.State, n.Reason, n.NextAttemptAt = models.NotificationPending, "", t.clock.Now().UTC()
		return t.tx.SaveHeld(n)
	}
	n := t.message(templateDigest, fmt.Sprintf("digest|%s|%d|%d", t.day, to.ID, lowest(worth)), worth)
	n.Payload.Digest.Trend = t.trend(worth)
	return t.tellIn(n, to, worth)
}

// message returns a message that tells the reminders, complete but for its
// recipient.
func (t *telling) message(template, key string, worth []models.Notification) models.Notification {
	n := models.Notification{
		DedupKey: key, Day: t.day, Template: template, Urgency: models.Normal, State: models.NotificationPending, NextAttemptAt: t.clock.Now().UTC(),
		Payload: models.Reminder{AsOf: t.day, Light: models.Green, Digest: &models.Digest{Lights: map[models.Light]int{}}},
	}
	d := n.Payload.Digest
	for _, w := range worth {
		d.Items = append(d.Items, w.Payload.Item(w.ObligationID))
		d.Lights[w.Payload.Light]++
		if w.Urgency == models.Urgent {
			n.Urgency = models.Urgent
		}
		if severity(w.Payload.Light) > severity(n.Payload.Light) {
			n.Payload.Light = w.Payload.Light
		}
		if on := w.Payload.RecordsAsOf; n.Payload.RecordsAsOf.IsZero() || !on.IsZero() && on.Before(n.Payload.RecordsAsOf) {
			n.Payload.RecordsAsOf = on
		}
	}
	return n
}

// tellIn addresses a message to a person and puts it into the outbox with the
// record that it tells their reminders.
func (t *telling) tellIn(n models.Notification, to models.User, worth []models.Notification) error {
	t.routing.Address(&n, to, false)
	ids := make([]int64, len(worth))
	for i, w := range worth {
		ids[i] = w.ID
	}
	if err := t.tx.TellIn(&n, ids); err != nil {
		return err
	}
	t.stats.Digests++
	t.stats.Digested += len(worth)
	return nil
}

func lowest(rows []models.Notification) int64 {
	return slices.MinFunc(rows, func(a, b models.Notification) int { return cmp.Compare(a.ID, b.ID) }).ID
}

// severity orders the lights from good to bad.
func severity(l models.Light) int {
	return slices.Index(models.Lights, l)
}

// mostUrgentFirst sorts reminders as a person works through them: what is
// overdue longest, then by due date and light.
func mostUrgentFirst(rows []models.Notification) {
	slices.SortFunc(rows, func(a, b models.Notification) int {
		return cmp.Or(a.Payload.DueOn.Compare(b.Payload.DueOn), cmp.Compare(severity(b.Payload.Light), severity(a.Payload.Light)), cmp.Compare(a.ID, b.ID))
	})
}
