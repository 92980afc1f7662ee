package jobs_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"duban/jobs"
	"duban/models"
	"duban/models/calendar"
)

func TestTenProjectsOfOneOwnerAreOneMessage(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		o := newCorner(t, driver)
		var duties []int64
		for i := range 10 {
			due := day(6, 23) // in three days, but for one that is due today
			if i == 7 {
				due = day(6, 20)
			}
			duties = append(duties, o.duty(i, due, models.Custom))
		}
		stats := o.sweep(day(6, 20))
		going := o.going("owner")
		if len(going) != 1 || stats.Digests != 1 || stats.Digested != 10 {
			t.Fatalf("%d messages, %+v", len(going), stats)
		}
		n := going[0]
		d := n.Payload.Digest
		if n.Template != "digest" || n.Urgency != models.Urgent || n.Day != day(6, 20) || len(d.Items) != 10 || d.Lights[models.Green] != 10 {
			t.Errorf("%s, %s, %+v", n.Template, n.Urgency, d)
		}
		if first := d.Items[0]; first.ObligationID != duties[7] || first.DaysLeft != 0 || first.ProjectName != "项目7" || first.Audience != models.ToOwner {
			t.Errorf("the most urgent is %+v", first)
		}
		o.toldOnce(duties)
		// Again on the same day, when nothing is new and when something is.
		if again := o.sweep(day(6, 20)); again.Digests != 0 {
			t.Errorf("again: %+v", again)
		}
		late := o.duty(11, day(6, 23), models.Custom)
		o.sweep(day(6, 20))
		o.toldOnce(append(duties, late))
		if going := o.going("owner"); len(going) != 2 || going[1].ObligationID != late || going[1].Template != "reminder_before" || going[1].Reason != "" {
			t.Errorf("what came later: %+v", going)
		}
	})
}

func TestOneReminderComesAsItIsAndWhoWantsEachGetsEach(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		o := newCorner(t, driver)
		o.duty(0, day(6, 23), models.Custom)
		o.sweep(day(6, 20))
		if going := o.going("owner"); len(going) != 1 || going[0].Template != "reminder_before" || going[0].Payload.Digest != nil || going[0].Urgency != models.Normal {
			t.Errorf("one reminder: %+v", going)
		}
		o.reads("owner", models.Reach{Digest: models.DigestOff})
		for i := 1; i < 5; i++ {
			o.duty(i, day(6, 23), models.Custom)
		}
		if stats := o.sweep(day(6, 20)); stats.Digests != 0 || len(o.going("owner")) != 5 {
			t.Errorf("%+v, %d messages", stats, len(o.going("owner")))
		}
	})
}

// killed sweeps and dies before the reminders are told.
func (o *corner) killed(d calendar.Date) {
	o.t.Helper()
	o.clock.Advance(d.At(8, 30).Sub(o.clock.Now()))
	ctx, kill := context.WithCancel(o.t.Context())
	sw := o.sweeper()
	sw.Progress = func(jobs.Stats) { kill() }
	if _, err := sw.Sweep(ctx, d); !errors.Is(err, context.Canceled) {
		o.t.Fatalf("a sweep that is killed: %v", err)
	}
	for _, n := range o.of("owner") {
		if n.Day == d && n.State == models.NotificationHeld {
			return
		}
	}
	o.t.Fatal("it was killed too late")
}

func TestWhatAKilledSweepHeldIsToldOnce(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		o := newCorner(t, driver)
		var duties []int64
		for i := range 8 {
			duties = append(duties, o.duty(i, day(6, 23), models.Custom))
		}
		o.killed(day(6, 20))
		// Several replicas take over at once.
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				if _, err := o.sweeper().Sweep(t.Context(), day(6, 20)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		o.toldOnce(duties)
		if going := o.going("owner"); len(going) != 1 {
			t.Errorf("%d messages", len(going))
		}
	})
}

func TestWhatWasHeldForDaysIsToldAsItIsNow(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		o := newCorner(t, driver)
		near, done, far := o.duty(0, day(6, 23), models.Custom), o.duty(1, day(6, 23), models.Custom), o.duty(2, day(6, 27), models.Custom)
		o.killed(day(6, 20))
		o.tx(func(tx *models.Tx) error { return tx.ReportDone(done, day(6, 20), "") })
		o.sweep(day(6, 23))
		o.toldOnce([]int64{near, far})
		going := o.going("owner")
		if len(going) != 1 || len(going[0].Payload.Digest.Items) != 2 || going[0].Payload.Digest.Items[0].DaysLeft != 0 || going[0].Payload.Digest.Items[1].DaysLeft != 4 {
			t.Fatalf("%+v", going)
		}
		reasons := map[string]int{}
		for _, n := range o.of("owner") {
			if n.ObligationID == done || n.State == models.NotificationSuppressed && n.DigestID == 0 {
				reasons[n.Reason]++
			}
		}
		// The reminder of Friday about what is due today is stale.
		if reasons[models.SuppressedSettled] != 1 || reasons[models.SuppressedStale] != 1 {
			t.Errorf("not said: %v", reasons)
		}
	})
}

func TestSilencesAndAcknowledgementsKeepADutyOutOfTheDigest(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		o := newCorner(t, driver)
		var duties []int64
		for i := range 5 {
			duties = append(duties, o.duty(i, day(6, 27), models.Custom))
		}
		ends := day(7, 1).At(0, 0)
		o.tx(func(tx *models.Tx) error {
			mute := models.Silence{Kind: models.Mute, ProjectID: o.project[1].ID, Reason: "停工", AuthorID: 1, OwnerID: 1, StartsAt: o.clock.Now()}
			if err := tx.SaveSilence(&mute); err != nil {
				return err
			}
			silence := models.Silence{Kind: models.Silencing, ObligationID: duties[2], Reason: "协调中", AuthorID: 1, StartsAt: o.clock.Now(), EndsAt: &ends}
			if err := tx.SaveSilence(&silence); err != nil {
				return err
			}
			return tx.Create(&models.Acknowledgement{
				ObligationID: duties[3], UserID: o.people["owner"].ID, Audience: models.ToOwner, AckedOn: day(6, 20), UntilOn: day(6, 22),
			})
		})
		o.sweep(day(6, 20))
		o.toldOnce([]int64{duties[0], duties[4]})
		for _, n := range o.of("owner") {
			want := map[int64][2]string{
				duties[1]: {"suppressed", models.SuppressedMuted}, duties[2]: {"suppressed", models.SuppressedSilenced}, duties[3]: {"held", models.WaitsAcknowledged},
			}[n.ObligationID]
			if got := [2]string{string(n.State), n.Reason}; want != [2]string{} && got != want {
				t.Errorf("duty %d is %v, want %v", n.ObligationID, got, want)
			}
		}
		// The pause is over: what it held back is said, as it is by now.
		o.sweep(day(6, 23))
		going := o.going("owner")
		if last := going[len(going)-1]; len(going) != 2 || going[0].ObligationID != duties[3] || last.Payload.Digest == nil || going[0].Payload.DaysLeft != 4 || going[0].Reason != "" {
			t.Errorf("when the pause is over: %d messages, %+v", len(going), going[0])
		}
	})
}

func TestQuietHoursAndWindowsDoNotTearADigest(t *testing.T) {
	o := newCorner(t, models.SQLite)
	o.reads("owner", models.Reach{QuietFrom: "20:00", QuietUntil: "09:00"})
	o.duty(0, day(6, 23), models.Custom)
	o.duty(1, day(6, 23), models.Custom)
	o.sweep(day(6, 20))
	if going := o.going("owner"); len(going) != 1 || going[0].Payload.Digest == nil {
		t.Errorf("in quiet hours: %+v", going)
	}
	ends := o.clock.Now().Add(time.Hour)
	o.tx(func(tx *models.Tx) error {
		return tx.SaveSilence(&models.Silence{Kind: models.Window, ProjectID: o.project[1].ID, Reason: "维护", AuthorID: 1, StartsAt: o.clock.Now(), EndsAt: &ends})
	})
	o.duty(1, day(6, 21), models.Custom)
	o.sweep(day(6, 20))
	if held := o.of("owner"); !slices.ContainsFunc(held, func(n models.Notification) bool {
		return n.State == models.NotificationHeld && n.Reason == models.WaitsMaintenance
	}) {
		t.Errorf("in a window: %+v", held)
	}
}

func TestPeopleWhoCannotBeReachedOrHaveLeft(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		o := newCorner(t, driver)
		o.routing = models.Only(models.ChannelEmail)
		o.duty(0, day(6, 23), models.Custom)
		o.duty(1, day(6, 23), models.Custom)
		o.killed(day(6, 20))
		owner := o.people["owner"]
		owner.Email = ""
		o.tx(func(tx *models.Tx) error { _, _, err := tx.SaveUser(&owner); return err })
		o.sweep(day(6, 20))
		for _, n := range o.of("owner") {
			if n.State != models.NotificationHeld && !strings.HasSuffix(n.DedupKey, "|no_address") || n.Reason != models.SuppressedNoAddress {
				t.Errorf("without an address: %s %s %s", n.DedupKey, n.State, n.Reason)
			}
		}
		owner.Email = "owner@example.cn"
		o.tx(func(tx *models.Tx) error { _, _, err := tx.SaveUser(&owner); return err })
		o.sweep(day(6, 20))
		if going := o.going("owner"); len(going) != 1 || len(going[0].Payload.Digest.Items) != 2 {
			t.Errorf("with one again: %+v", going)
		}

		o.duty(2, day(6, 24), models.Custom)
		o.killed(day(6, 23))
		owner.Active = false
		o.tx(func(tx *models.Tx) error { _, _, err := tx.SaveUser(&owner); return err })
		o.sweep(day(6, 23))
		for _, n := range o.of("owner") {
			if n.State == models.NotificationHeld {
				t.Errorf("%s is held for somebody who has left", n.DedupKey)
			}
		}
	})
}

func TestMoreThanOneDigestHoldsGoesIntoSeveral(t *testing.T) {
	o := newCorner(t, models.SQLite)
	var duties []int64
	for i := range 101 + 100 {
		duties = append(duties, o.duty(i%3, day(6, 23), models.Custom))
	}
	o.sweep(day(6, 20))
	o.toldOnce(duties)
	if going := o.going("owner"); len(going) != 3 || going[0].ObligationID == 0 || len(going[1].Payload.Digest.Items) != 100 || len(going[2].Payload.Digest.Items) != 100 {
		t.Errorf("%d messages", len(going))
	}
}
