package jobs_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/jobs"
	"duban/models"
	"duban/models/calendar"
	"duban/models/modelstest"
)

// desk is a unit with a project, its people, and one duty.
type desk struct {
	*models.Store
	clock  *clockwork.FakeClock
	people map[string]models.User
	duty   models.Obligation
}

// newDesk opens on a day with a duty due on another.
func newDesk(t *testing.T, s *models.Store, clock *clockwork.FakeClock, due calendar.Date) *desk {
	t.Helper()
	o := &desk{Store: s, clock: clock, people: map[string]models.User{}}
	o.write(t, func(tx *models.Tx) error {
		unit := models.Unit{Code: "603001", Name: "中心"}
		if err := tx.SaveUnit(&unit); err != nil {
			return err
		}
		for account, role := range map[string]models.Role{
			"owner": models.RoleOwner, "manager": models.RoleManager, "leader": models.RoleLeader, "finance": models.RoleFinance, "nobody": models.RoleOwner,
		} {
			u := models.User{Account: account, Name: account, Email: account + "@example.cn", UnitID: unit.ID, Roles: []models.Role{role}, Language: models.Chinese, Active: true}
			if _, _, err := tx.SaveUser(&u); err != nil {
				return err
			}
			o.people[account] = u
		}
		r := &models.ProjectRecord{Project: models.Project{
			FiscalYear: 2025, Code: "P1", Name: "项目", UnitID: unit.ID, OwnerID: o.people["owner"].ID, ManagerID: o.people["manager"].ID, State: models.ProjectActive,
		}}
		if err := tx.AddProjects([]*models.ProjectRecord{r}); err != nil {
			return err
		}
		o.duty = models.Obligation{UnitID: unit.ID, ProjectID: r.ID, FiscalYear: 2025, Kind: models.Completion, Title: "验收", DueOn: due}
		return tx.AddObligation(&o.duty)
	})
	return o
}

func (o *desk) write(t *testing.T, fn func(tx *models.Tx) error) {
	t.Helper()
	if err := o.Tx(t.Context(), "tester", fn); err != nil {
		t.Fatal(err)
	}
}

// ack lets a person acknowledge the duty today.
func (o *desk) ack(t *testing.T, account string, days int) (models.Acknowledgement, error) {
	t.Helper()
	return jobs.Acknowledge(t.Context(), o.Store, o.people[account], o.duty.ID, days, " 知道了 ", o.Today())
}

// until lets the clock run to the morning of a day.
func (o *desk) until(d calendar.Date) { o.clock.Advance(d.At(9, 0).Sub(o.clock.Now())) }

// tell sends a reminder now.
func (o *desk) tell(t *testing.T, account string, as models.Audience, change func(*models.Notification)) models.Notification {
	t.Helper()
	now := o.clock.Now().UTC()
	n := models.Notification{
		DedupKey: rand.Text(), ObligationID: o.duty.ID, RecipientID: o.people[account].ID, Channel: models.ChannelFile,
		Day: o.Today(), Template: "reminder_overdue", Payload: models.Reminder{Audience: as}, State: models.NotificationSent, SentAt: &now, NextAttemptAt: now,
	}
	if change != nil {
		change(&n)
	}
	o.write(t, func(tx *models.Tx) error { n.ID = 0; return tx.Create(&n) })
	return n
}

func refused(t *testing.T, err error, want models.AckCode) {
	t.Helper()
	refusal, ok := errors.AsType[*models.AckError](err)
	if !ok || refusal.Code != want || refusal.Message == "" {
		t.Errorf("%v; want %s", err, want)
	}
}

// eachDesk runs fn on every database, on the morning of a day.
func eachDesk(t *testing.T, today, due calendar.Date, fn func(t *testing.T, o *desk)) {
	t.Helper()
	for _, driver := range []models.Driver{models.SQLite, models.MySQL} {
		t.Run(string(driver), func(t *testing.T) {
			clock := clockwork.NewFakeClockAt(today.At(9, 0))
			fn(t, newDesk(t, modelstest.Open(t, driver, clock), clock, due))
		})
	}
}

func TestAnAcknowledgementPausesTheLadderFromItsRungUp(t *testing.T) {
	overdue := day(6, 10)
	eachDesk(t, day(6, 17), overdue, func(t *testing.T, o *desk) { // a Tuesday
		a, err := o.ack(t, "manager", 3)
		if err != nil || a.Audience != models.ToManager || a.AckedOn != day(6, 17) || a.UntilOn != day(6, 20) || a.Note != "知道了" || a.ID == 0 {
			t.Fatalf("%+v, %v", a, err)
		}
		message := func(account string, as models.Audience) models.Notification {
			return models.Notification{ObligationID: o.duty.ID, RecipientID: o.people[account].ID, Payload: models.Reminder{Audience: as}}
		}
		for _, c := range []struct {
			n    models.Notification
			on   calendar.Date
			want bool
		}{
			{message("manager", models.ToManager), day(6, 20), true},
			{message("manager", models.ToManager), day(6, 21), false},
			{message("leader", models.ToLeader), day(6, 18), true},
			{message("owner", models.ToOwner), day(6, 18), false},
			{models.Notification{ObligationID: o.duty.ID + 1, RecipientID: a.UserID}, day(6, 18), false},
			{models.Notification{ObligationID: o.duty.ID, InstanceID: 1, RecipientID: a.UserID}, day(6, 18), false},
		} {
			if got := a.Pauses(c.n, c.on); got != c.want {
				t.Errorf("to %d as %s on %s: %v", c.n.RecipientID, c.n.Payload.Audience, c.on, got)
			}
		}
		stored, err := o.AcknowledgementsOf(t.Context(), o.duty.ID)
		if err != nil || len(stored) != 1 || stored[0].UntilOn != a.UntilOn {
			t.Errorf("%+v, %v", stored, err)
		}
		var audited models.AuditEntry
		if err := o.Read(t.Context()).Where("action = ?", "obligation.acknowledged").Take(&audited).Error; err != nil || audited.Actor != "manager" || audited.EntityID != o.duty.ID {
			t.Errorf("%+v, %v", audited, err)
		}
	})
}

func TestThePauseIsOverWhenTheDueDaysReminderComes(t *testing.T) {
	for name, c := range map[string]struct {
		today, due calendar.Date
		want       []calendar.Date // nil: refused
	}{
		"long before":                    {day(6, 9), day(6, 30), []calendar.Date{day(6, 10), day(6, 11), day(6, 12), day(6, 13), day(6, 16)}},
		"a week before":                  {day(6, 23), day(6, 27), []calendar.Date{day(6, 24), day(6, 25), day(6, 26)}},
		"on the last workday before":     {day(6, 26), day(6, 27), nil}, // a pause would be over before it began
		"on the day":                     {day(6, 27), day(6, 27), nil},
		"two workdays before":            {day(6, 25), day(6, 27), []calendar.Date{day(6, 26)}},
		"due on a Sunday, on a Thursday": {day(6, 26), day(6, 29), nil},
		"due on a Sunday, on the Friday": {day(6, 27), day(6, 29), nil}, // the reminder comes on the Friday
		"due on a Sunday, on Saturday":   {day(6, 28), day(6, 29), nil},
		"overdue, over a weekend":        {day(6, 27), day(6, 20), []calendar.Date{day(6, 30), day(7, 1), day(7, 2), day(7, 3), day(7, 4)}},
		"overdue, before a long holiday": {day(9, 30), day(9, 20), []calendar.Date{day(10, 9), day(10, 10), day(10, 11), day(10, 13), day(10, 14)}},
	} {
		t.Run(name, func(t *testing.T) {
			clock := clockwork.NewFakeClockAt(c.today.At(9, 0))
			o := newDesk(t, modelstest.Open(t, models.SQLite, clock), clock, c.due)
			p, err := jobs.MayAcknowledge(t.Context(), o.Store, o.people["owner"].ID, o.duty.ID, o.Today())
			if c.want == nil {
				refused(t, err, models.AckDue)
				return
			}
			if err != nil || fmt.Sprint(p.Until) != fmt.Sprint(c.want) {
				t.Errorf("%v, %v; want %v", p.Until, err, c.want)
			}
			_, err = o.ack(t, "owner", len(c.want)+1)
			refused(t, err, models.AckDays)
			if a, err := o.ack(t, "owner", len(c.want)); err != nil || a.UntilOn != c.want[len(c.want)-1] {
				t.Errorf("%+v, %v", a, err)
			}
		})
	}
}

func TestOnlyWhoWasToldAcknowledges(t *testing.T) {
	eachDesk(t, day(6, 17), day(6, 10), func(t *testing.T, o *desk) {
		_, err := o.ack(t, "nobody", 1)
		refused(t, err, models.AckNotTold)
		_, err = o.ack(t, "leader", 1) // of the unit, but nobody has told them yet
		refused(t, err, models.AckNotTold)
		_, err = jobs.Acknowledge(t.Context(), o.Store, models.User{}, o.duty.ID, 1, "", o.Today())
		refused(t, err, models.AckNotTold)
		o.tell(t, "leader", models.ToLeader, func(n *models.Notification) {
			n.State, n.Reason, n.SentAt = models.NotificationSuppressed, models.SuppressedStale, nil
		})
		_, err = o.ack(t, "leader", 1)
		refused(t, err, models.AckNotTold)
		o.tell(t, "leader", models.ToLeader, func(n *models.Notification) { n.InstanceID = 1 }) // of a workflow
		_, err = o.ack(t, "leader", 1)
		refused(t, err, models.AckNotTold)
		o.tell(t, "leader", models.ToLeader, nil)
		if a, err := o.ack(t, "leader", 1); err != nil || a.Audience != models.ToLeader {
			t.Errorf("%+v, %v", a, err)
		}
		o.tell(t, "finance", models.ToManager, func(n *models.Notification) { // in for a missing manager, in a digest
			n.State, n.Reason, n.SentAt = models.NotificationSuppressed, models.SuppressedDigest, nil
		})
		if a, err := o.ack(t, "finance", 1); err != nil || a.Audience != models.ToManager {
			t.Errorf("%+v, %v", a, err)
		}
		_, err = jobs.Acknowledge(t.Context(), o.Store, o.people["owner"], 99, 1, "", o.Today())
		if !errors.Is(err, models.ErrNotFound) {
			t.Errorf("a duty that is none: %v", err)
		}
	})
}

func TestNobodyDodgesTheLadderForEver(t *testing.T) {
	eachDesk(t, day(6, 17), day(6, 10), func(t *testing.T, o *desk) {
		if _, err := o.ack(t, "owner", 1); err != nil {
			t.Fatal(err)
		}
		_, err := o.ack(t, "owner", 2)
		refused(t, err, models.AckInForce)
		o.until(day(6, 18))
		_, err = o.ack(t, "owner", 1)
		refused(t, err, models.AckInForce)
		o.until(day(6, 19))
		_, err = o.ack(t, "owner", 1)
		refused(t, err, models.AckUnsaid)
		o.tell(t, "finance", models.ToFinance, nil) // not theirs, and nobody above
		_, err = o.ack(t, "owner", 1)
		refused(t, err, models.AckUnsaid)
		o.tell(t, "owner", models.ToOwner, func(n *models.Notification) { n.State, n.SentAt = models.NotificationPending, nil })
		_, err = o.ack(t, "owner", 1)
		refused(t, err, models.AckUnsaid)
		o.tell(t, "manager", models.ToManager, nil)
		if a, err := o.ack(t, "owner", 1); err != nil || a.UntilOn != day(6, 20) {
			t.Errorf("after the manager was told: %+v, %v", a, err)
		}
		o.until(day(6, 23))
		digest := o.tell(t, "owner", "", func(n *models.Notification) { n.ObligationID = 0 })
		o.tell(t, "owner", models.ToOwner, func(n *models.Notification) {
			n.State, n.Reason, n.SentAt, n.DigestID = models.NotificationSuppressed, models.SuppressedDigest, nil, digest.ID
		})
		if _, err := o.ack(t, "owner", 1); err != nil {
			t.Errorf("after a digest told it: %v", err)
		}
	})
}

func TestWhatCannotBeAcknowledged(t *testing.T) {
	eachDesk(t, day(6, 17), day(6, 10), func(t *testing.T, o *desk) {
		for _, days := range []int{0, -1, 6, 1 << 40} {
			_, err := o.ack(t, "owner", days)
			refused(t, err, models.AckDays)
		}
		for _, note := range []string{strings.Repeat("长", 201), "\xff"} {
			_, err := jobs.Acknowledge(t.Context(), o.Store, o.people["owner"], o.duty.ID, 1, note, o.Today())
			refused(t, err, models.AckNote)
		}
		rules, err := o.Rules(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		set := func(days int) error {
			for _, r := range rules {
				if r.Kind == o.duty.Kind {
					r.PauseDays = days
					if err := o.Tx(t.Context(), "tester", func(tx *models.Tx) error { return tx.SaveRule(&r) }); err != nil {
						return err
					}
					rules, err = o.Rules(t.Context())
				}
			}
			return err
		}
		if set(-1) == nil || set(31) == nil {
			t.Error("the rule accepts a pause that is none")
		}
		if err := set(0); err != nil {
			t.Fatal(err)
		}
		_, err = o.ack(t, "owner", 1)
		refused(t, err, models.AckBarred)
		if err := set(2); err != nil {
			t.Fatal(err)
		}
		o.write(t, func(tx *models.Tx) error { return tx.WaiveObligation(o.duty.ID, "不再需要") })
		_, err = o.ack(t, "owner", 1)
		refused(t, err, models.AckSettled)
		if acks, err := o.AcknowledgementsOf(t.Context(), o.duty.ID); err != nil || len(acks) != 0 {
			t.Errorf("%+v, %v", acks, err)
		}
	})
}

func TestOfSimultaneousAcknowledgementsOneCounts(t *testing.T) {
	eachDesk(t, day(6, 17), day(6, 10), func(t *testing.T, o *desk) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		counted := 0
		for range 6 {
			wg.Go(func() {
				_, err := jobs.Acknowledge(t.Context(), o.Store, o.people["owner"], o.duty.ID, 2, "", o.Today())
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					counted++
					return
				}
				refused(t, err, models.AckInForce)
			})
		}
		wg.Wait()
		if counted != 1 {
			t.Errorf("%d counted", counted)
		}
	})
}

func TestWhatASilenceHoldsBackIsCounted(t *testing.T) {
	eachDesk(t, day(6, 17), day(6, 30), func(t *testing.T, o *desk) {
		now := o.clock.Now().UTC()
		end := func(d calendar.Date) *time.Time { at := d.AddDays(1).At(0, 0).UTC(); return &at }
		for name, c := range map[string]struct {
			silence models.Silence
			want    int
		}{
			// On 23, 27, 29 (a Sunday: with the 27th) and 30 June.
			"the duty":              {models.Silence{ObligationID: o.duty.ID, EndsAt: end(day(7, 31))}, 3},
			"until before the last": {models.Silence{ObligationID: o.duty.ID, EndsAt: end(day(6, 29))}, 2},
			"not yet":               {models.Silence{ObligationID: o.duty.ID, StartsAt: day(6, 30).At(0, 0), EndsAt: end(day(7, 31))}, 1},
			"the unit":              {models.Silence{UnitID: o.duty.UnitID, EndsAt: end(day(7, 31))}, 3},
			"another unit":          {models.Silence{UnitID: 99, EndsAt: end(day(7, 31))}, 0},
			"the owner":             {models.Silence{RecipientID: o.people["owner"].ID, EndsAt: end(day(7, 31))}, 3},
			"the manager":           {models.Silence{RecipientID: o.people["manager"].ID, EndsAt: end(day(7, 31))}, 0},
			"another kind":          {models.Silence{DutyKind: models.Recurring, EndsAt: end(day(7, 31))}, 0},
			"a mute":                {models.Silence{Kind: models.Mute, ProjectID: o.duty.ProjectID}, 3},
		} {
			if c.silence.StartsAt.IsZero() {
				c.silence.StartsAt = now
			}
			got, err := jobs.HeldBack(t.Context(), o.Store, c.silence, day(6, 17), day(7, 1))
			if err != nil || got != c.want {
				t.Errorf("%s: %d, %v; want %d", name, got, err, c.want)
			}
		}
		// And so many are said without it.
		if _, err := (&jobs.Sweeper{Store: o.Store, Clock: o.clock, Routing: models.Only(models.ChannelFile)}).Sweep(t.Context(), o.Today()); err != nil {
			t.Fatal(err)
		}
		before, err := o.LastNotificationID(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for d := day(6, 18); !d.After(day(7, 1)); d = d.AddDays(1) {
			o.until(d)
			if _, err := (&jobs.Sweeper{Store: o.Store, Clock: o.clock, Routing: models.Only(models.ChannelFile)}).Sweep(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
		said, err := o.NotificationsAfter(t.Context(), before)
		if err != nil || len(said) != 3 {
			t.Errorf("%d messages, %v", len(said), err)
		}
		for _, n := range said {
			if n.Payload.PauseDays != 5 {
				t.Errorf("the message does not know of the pause: %+v", n.Payload)
			}
		}
	})
}
