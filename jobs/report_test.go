package jobs_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"duban/jobs"
	"duban/models"
	"duban/models/money"
)

// about returns the duties that messages are about.
func about(messages []models.Notification) []int64 {
	var duties []int64
	for _, n := range messages {
		duties = append(duties, n.ObligationID)
	}
	return duties
}

func TestRemindersOfAWeekWaitForTheReport(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		o := newCorner(t, driver)
		for _, account := range []string{"owner", "manager"} {
			o.reads(account, models.Reach{Digest: models.DigestWeekly})
		}
		duties := []int64{o.duty(1, day(6, 27), models.Custom), o.duty(4, day(6, 27), models.Custom)}
		soon := o.duty(0, day(6, 23), models.Custom)
		sunday := o.duty(5, day(6, 22), models.Custom) // of which Friday hears last
		done := o.duty(2, day(6, 27), models.Custom)
		overdue := o.duty(3, day(6, 13), models.Rectification) // whose manager hears on the third workday
		for d := day(6, 16); !d.After(day(6, 22)); d = d.AddDays(1) {
			if d.Before(day(6, 20)) {
				continue
			}
			o.sweep(d)
		}
		// What is urgent does not wait.
		if going := about(o.going("owner")); !slices.Equal(going, []int64{sunday, overdue}) {
			t.Errorf("before the report: %v", going)
		}
		if going := o.going("manager"); len(going) != 1 || going[0].ObligationID != overdue || going[0].Urgency != models.Urgent {
			t.Errorf("the manager of an overdue duty: %+v", going)
		}
		o.tx(func(tx *models.Tx) error { return tx.ReportDone(done, day(6, 20), "") })
		o.sweep(day(6, 23))
		stats := o.report()
		going := o.going("owner")
		if !slices.Equal(about(going), []int64{sunday, overdue, soon, 0}) {
			t.Fatalf("%+v: %v", stats, about(going))
		}
		n := going[3]
		if n.Template != "report" || n.Payload.Weekly.Situation != nil {
			t.Fatalf("%+v: %+v", stats, n)
		}
		if n.Payload.Weekly.From != day(6, 16) || n.Payload.Weekly.To != day(6, 22) {
			t.Errorf("of %+v", n.Payload.Weekly)
		}
		var told []int64
		for _, i := range n.Payload.Digest.Items {
			told = append(told, i.ObligationID)
		}
		if !slices.Equal(told, duties) {
			t.Errorf("it tells %v", told)
		}
		o.toldOnce([]int64{overdue, soon, duties[0], duties[1]})
		// The manager had nothing else, which is said, too; the leader gets the unit's.
		if going := o.going("manager"); len(going) != 2 || len(going[1].Payload.Digest.Items) != 0 {
			t.Errorf("the manager: %+v", going)
		}
		if again := o.report(); again != (jobs.ReportStats{}) {
			t.Errorf("again: %+v", again)
		}
	})
}

func TestNothingWaitsForAReportThatNeverComes(t *testing.T) {
	o := newCorner(t, models.SQLite)
	o.reads("owner", models.Reach{Digest: models.DigestWeekly})
	duties := []int64{o.duty(0, day(7, 4), models.Completion), o.duty(1, day(7, 5), models.Completion)} // 14 and 7 days before
	for d := day(6, 20); d.Before(day(6, 28)); d = d.AddDays(1) {
		o.sweep(d)
		if going := o.going("owner"); len(going) > 0 {
			t.Fatalf("told on %s", d)
		}
	}
	o.sweep(day(6, 28))
	o.toldOnce(duties)
}

// situation returns what the leader is told of the unit.
func (o *corner) situation() models.Situation {
	o.t.Helper()
	going := o.going("leader")
	if len(going) == 0 || going[len(going)-1].Template != "report" {
		o.t.Fatalf("no report: %+v", going)
	}
	n := going[len(going)-1]
	if n.Payload.Digest != nil || n.Payload.Weekly.Situation == nil {
		o.t.Fatalf("%+v", n.Payload)
	}
	return *n.Payload.Weekly.Situation
}

func TestALeaderHearsHowTheUnitStands(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		o := newCorner(t, driver)
		leader := o.people["leader"]
		leader.UnitID = o.unit.ID
		o.tx(func(tx *models.Tx) error { _, _, err := tx.SaveUser(&leader); return err })
		other := models.Unit{Code: "603002", Name: "别的单位"}
		o.tx(func(tx *models.Tx) error { return tx.Create(&other) })
		o.tx(func(tx *models.Tx) error {
			return tx.AddObligation(&models.Obligation{UnitID: other.ID, FiscalYear: 2025, Kind: models.Custom, Title: "别人的", DueOn: day(6, 1)})
		})

		red := o.target(0, day(6, 10), money.PercentOf(80)) // 20 % paid
		reached := o.target(1, day(6, 25), money.PercentOf(50))
		short := o.target(2, day(6, 26), money.PercentOf(50))
		o.pay(0, day(5, 1), day(6, 18), 200_000)
		o.pay(1, day(6, 2), day(6, 18), 600_000)
		o.pay(2, day(6, 2), day(6, 18), 100_000)
		var late []int64
		for i := range 20 {
			late = append(late, o.duty(3+i%5, day(6, 1).AddDays(i%10), models.Custom))
		}
		done := o.duty(8, day(6, 19), models.Custom)
		o.duty(8, day(7, 30), models.Custom)
		o.tx(func(tx *models.Tx) error {
			if err := tx.ReportDone(done, day(6, 19), ""); err != nil {
				return err
			}
			return tx.SaveSilence(&models.Silence{
				Kind: models.Mute, ProjectID: o.project[4].ID, Reason: "停工待料", AuthorID: 1, OwnerID: o.people["manager"].ID, StartsAt: o.clock.Now(),
			})
		})
		o.sweep(day(6, 20))
		o.sweep(day(6, 23))
		if stats := o.report(); stats.Reports != 1 || stats.Digested != 0 {
			t.Errorf("%+v", stats)
		}
		s := o.situation()
		if s.UnitName != "某中心" || s.Lights[models.Red] != 21 || s.Lights[models.Yellow]+s.Lights[models.Blue] != 0 || s.Lights[models.Green] != 3 {
			t.Errorf("%s: %v", s.UnitName, s.Lights)
		}
		if s.Worst.Total != 21 || len(s.Worst.Items) != 15 || s.Worst.More() != 6 || s.Worst.Items[0].DaysLeft != -22 || s.Worst.Items[0].ObligationID != late[0] {
			t.Errorf("worst: %+v", s.Worst)
		}
		if i := slices.IndexFunc(s.Worst.Items, func(i models.DigestItem) bool { return i.ObligationID == red }); i >= 0 {
			if it := s.Worst.Items[i]; it.Actual != money.PercentOf(20) || it.Missing != 600_000 || it.Plan != money.PercentOf(80) {
				t.Errorf("%+v", it)
			}
		}
		if s.Due.Total != 1 || s.Due.Items[0].ObligationID != short || s.Due.Items[0].Missing != 400_000 {
			t.Errorf("due: %+v; %d is reached", s.Due, reached)
		}
		if s.Settled.Total != 1 || s.Settled.Items[0].ObligationID != done || s.Settled.Items[0].SettledOn != day(6, 19) {
			t.Errorf("settled: %+v", s.Settled)
		}
		if s.Mutes.Total != 1 || s.Mutes.Items[0] != (models.MutedProject{ProjectName: "项目4", Owner: "manager", Reason: "停工待料", Since: day(6, 20)}) {
			t.Errorf("mutes: %+v", s.Mutes)
		}
	})
}

func TestTrendsFollowThePaymentsByTheDaysOnWhichTheyWereMade(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		o := newCorner(t, driver)
		// Two projects of 10,000 yuan each: a plan of 25 % and 50 % in all.
		o.target(0, day(5, 14), money.PercentOf(20))
		o.target(0, day(6, 10), money.PercentOf(60))
		o.target(1, day(5, 14), money.PercentOf(30))
		o.target(1, day(6, 23), money.PercentOf(40))
		o.pay(0, day(4, 30), day(6, 18), 100_000) // 5 % of both
		o.pay(0, day(5, 21), day(6, 18), 300_000)
		o.pay(1, day(6, 18), day(6, 18), -50_000) // a refund of the last day on record
		o.sweep(day(6, 20))
		o.sweep(day(6, 23))
		o.report()

		var digest models.Notification
		for _, n := range o.going("owner") {
			if n.Template == "digest" {
				digest = n
			}
		}
		if digest.ID == 0 {
			t.Fatal("no digest")
		}
		want := []string{
			"2025-04-30 0% 5%", "2025-05-07 0% 5%", "2025-05-14 0% 5%", "2025-05-21 25% 20%",
			"2025-05-28 25% 20%", "2025-06-04 25% 20%", "2025-06-11 45% 20%", "2025-06-18 45% 17.5%",
		}
		for what, trend := range map[string]*models.Trend{"digest": digest.Payload.Digest.Trend, "report": o.situation().Trend} {
			var got []string
			for _, w := range trend.Weeks {
				got = append(got, fmt.Sprint(w.On, " ", w.Plan, " ", w.Actual))
			}
			if !slices.Equal(got, want) || trend.AsOf != day(6, 18) {
				t.Errorf("%s as of %s: %q\nwant %q", what, trend.AsOf, got, want)
			}
		}
	})
}

func TestWhereThereIsNothingNothingIsReported(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		o := newCorner(t, driver)
		o.reads("owner", models.Reach{Digest: models.DigestWeekly})
		if stats := o.report(); stats.Reports != 0 || len(o.of("leader"))+len(o.of("owner")) != 0 {
			t.Errorf("of nothing: %+v", stats)
		}
		// With a duty, that there is nothing to say is said.
		o.duty(0, day(12, 31), models.Custom)
		if stats := o.report(); stats.Reports != 2 {
			t.Errorf("%+v", stats)
		}
		if s := o.situation(); s.Worst.Total+s.Due.Total+s.Settled.Total+s.Flows.Total+s.Mutes.Total != 0 || s.Trend != nil {
			t.Errorf("%+v", s)
		}
	})
}

func TestReplicasThatReportAtOnceReportOnce(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		o := newCorner(t, driver)
		o.reads("owner", models.Reach{Digest: models.DigestWeekly})
		o.duty(0, day(6, 23), models.Custom)
		o.duty(1, day(6, 23), models.Custom)
		o.sweep(day(6, 20))
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				if _, err := (&jobs.Reporter{Store: o.Store, Clock: o.clock, Routing: o.routing}).Report(t.Context(), day(6, 20)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if going := o.going("owner"); len(going) != 1 || len(going[0].Payload.Digest.Items) != 2 {
			t.Errorf("%+v", going)
		}
		if going := o.going("leader"); len(going) != 1 {
			t.Errorf("the leader: %d reports", len(going))
		}
	})
}
