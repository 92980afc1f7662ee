package jobs_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/jobs"
	"duban/models"
	"duban/models/modelstest"
)

func auditedFrom(t *testing.T, m time.Month, d int) *audited {
	t.Helper()
	clock := clockwork.NewFakeClockAt(day(m, d).At(7, 0))
	return newAudited(t, modelstest.Open(t, models.SQLite, clock), clock)
}

// Whoever leaves while reminders are held for them explains why they were not
// sent.
func TestNobodyMissesWhatWasHeldForSomebodyWhoLeft(t *testing.T) {
	o := auditedFrom(t, 6, 2)
	o.tx(func(tx *models.Tx) error {
		return tx.SaveReach(o.people["owner"].ID, models.Reach{Digest: models.DigestWeekly})
	})
	o.duty(models.Refinement, day(6, 30))
	o.live(day(6, 3), day(6, 16))
	o.at(day(6, 16), 12, 0)
	left := o.people["owner"]
	left.Active = false
	o.tx(func(tx *models.Tx) error { _, _, err := tx.SaveUser(&left); return err })
	o.live(day(6, 17), day(6, 18))
	if counts, found := o.audit(day(6, 10), day(6, 18)); counts.Counts[models.GapUnexplained] != 0 {
		t.Errorf("%v: %s", counts.Counts, listed(found))
	}
}

// A leader hears of a duty once it is late; until then others do.
func TestWhyNamesADayHoweverFarOff(t *testing.T) {
	o := auditedFrom(t, 6, 2)
	d := o.duty(models.SpendingTarget, day(7, 31), target(90))
	o.live(day(6, 3), day(6, 9))
	explainer := &jobs.Explainer{Store: o.Store, Clock: o.clock, Routing: models.Only(models.ChannelFile)}
	x, err := explainer.Why(t.Context(), o.people["leader"], d.ID, day(6, 9))
	o.must(err)
	if x.NextOn.IsZero() || len(x.Never) > 0 {
		t.Fatalf("next on %s, never %v", x.NextOn, x.Never)
	}
	for on := day(6, 10); on.Before(x.NextOn.AddDays(1)); on = on.AddDays(1) {
		o.sweep(on)
		for _, n := range o.rowsOf("leader") {
			if n.Day.Before(x.NextOn) {
				t.Fatalf("told on %s, not on %s", n.Day, x.NextOn)
			}
		}
	}
	if len(o.rowsOf("leader")) == 0 {
		t.Errorf("not told on %s", x.NextOn)
	}
}

// rowsOf returns the messages to a person.
func (o *audited) rowsOf(account string) []models.Notification {
	o.t.Helper()
	var rows []models.Notification
	o.must(o.Read(o.t.Context()).Where("recipient_id = ?", o.people[account].ID).Order("id").Find(&rows).Error)
	return rows
}

// Nobody can mend a channel that is not used any more.
func TestAChannelThatIsNotConfiguredRaisesNoAlarm(t *testing.T) {
	o := newCorner(t, models.SQLite)
	if err := o.ChannelFails(t.Context(), models.ChannelSMS, "down"); err != nil {
		t.Fatal(err)
	}
	w := &jobs.Watchman{Store: o.Store, Clock: o.clock, Routing: o.routing, Log: slog.New(slog.DiscardHandler), QueueAge: time.Hour}
	o.clock.Advance(24 * time.Hour)
	if wrong, err := w.Check(t.Context()); wrong || err != nil {
		t.Errorf("wrong %v, %v", wrong, err)
	}
	w.Routing.Configured = append(w.Routing.Configured, models.ChannelSMS)
	if wrong, err := w.Check(t.Context()); !wrong || err != nil {
		t.Errorf("once it is: wrong %v, %v", wrong, err)
	}
}
