package jobs_test

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/jonboulle/clockwork"

	"duban/jobs"
	"duban/models"
	"duban/models/calendar"
	"duban/models/modelstest"
	"duban/models/money"
)

// corner is a small unit whose duties a test adds one by one. It is Friday,
// 20 June 2025.
type corner struct {
	*models.Store
	t       *testing.T
	clock   *clockwork.FakeClock
	routing models.Routing
	unit    models.Unit
	people  map[string]models.User
	project map[int]models.Project
}

func newCorner(t *testing.T, driver models.Driver) *corner {
	t.Helper()
	clock := clockwork.NewFakeClockAt(day(6, 20).At(8, 30))
	o := &corner{
		Store: modelstest.Open(t, driver, clock), t: t, clock: clock, routing: models.Only(models.ChannelFile),
		unit: models.Unit{Code: "603001", Name: "某中心"}, people: map[string]models.User{}, project: map[int]models.Project{},
	}
	o.tx(func(tx *models.Tx) error { return tx.Create(&o.unit) })
	for account, role := range map[string]models.Role{
		"owner": models.RoleOwner, "manager": models.RoleManager, "leader": models.RoleLeader, "admin": models.RoleAdmin, "finance": models.RoleFinance,
	} {
		o.hire(models.User{Account: account, Roles: []models.Role{role}})
	}
	return o
}

func (o *corner) tx(fn func(*models.Tx) error) {
	o.t.Helper()
	if err := o.Tx(o.t.Context(), "tester", fn); err != nil {
		o.t.Fatal(err)
	}
}

// hire adds a person to the unit, or changes one.
func (o *corner) hire(u models.User) {
	o.t.Helper()
	u.Name, u.Email, u.Language, u.Active = u.Account, u.Account+"@example.cn", models.Chinese, true
	o.tx(func(tx *models.Tx) error {
		_, _, err := tx.SaveUser(&u)
		return err
	})
	o.people[u.Account] = u
}

// reads sets how somebody wants to be reached.
func (o *corner) reads(account string, reach models.Reach) {
	o.t.Helper()
	o.tx(func(tx *models.Tx) error { return tx.SaveReach(o.people[account].ID, reach) })
}

// projects adds projects of the owner's, up to a number of them.
func (o *corner) projects(n int) {
	o.t.Helper()
	for i := len(o.project); i < n; i++ {
		p := models.Project{
			FiscalYear: 2025, Code: fmt.Sprintf("p%03d", i), Name: fmt.Sprintf("项目%d", i), UnitID: o.unit.ID, Budget: 1_000_000,
			OwnerID: o.people["owner"].ID, ManagerID: o.people["manager"].ID, State: models.ProjectActive,
		}
		o.tx(func(tx *models.Tx) error { return tx.Create(&p) })
		o.project[i] = p
	}
}

// duty adds a duty about a project that is due on a day, and returns its id.
func (o *corner) duty(project int, due calendar.Date, kind models.Kind) int64 {
	o.t.Helper()
	o.projects(project + 1)
	d := models.Obligation{
		UnitID: o.unit.ID, ProjectID: o.project[project].ID, FiscalYear: 2025, Kind: kind, Title: fmt.Sprintf("事项%d", project), DueOn: due,
	}
	o.tx(func(tx *models.Tx) error { return tx.AddObligation(&d) })
	return d.ID
}

// target adds a checkpoint of a project's spending plan with its duty.
func (o *corner) target(project int, due calendar.Date, percent money.Percent) int64 {
	o.t.Helper()
	o.projects(project + 1)
	p := o.project[project]
	d := models.Obligation{
		UnitID: o.unit.ID, ProjectID: p.ID, FiscalYear: 2025, Kind: models.SpendingTarget, Title: "支出进度达到" + percent.String(),
		DueOn: due, Percent: percent, Amount: percent.Of(p.Budget),
	}
	o.tx(func(tx *models.Tx) error {
		if err := tx.Create(&models.Target{ProjectID: p.ID, DueOn: due, Percent: percent}); err != nil {
			return err
		}
		return tx.AddObligation(&d)
	})
	return d.ID
}

// pay records a payment, and that payments are on record up to a day.
func (o *corner) pay(project int, on, asOf calendar.Date, amount money.Fen) {
	o.t.Helper()
	o.tx(func(tx *models.Tx) error {
		return tx.AddPayments([]models.Payment{{
			ProjectID: o.project[project].ID, PaidOn: on, Amount: amount, VoucherNo: fmt.Sprintf("%s-%d", on, amount), AsOf: asOf,
		}}, o.Today())
	})
}

// gaps has so many reminders missing, as an audit finds them.
func (o *corner) gaps(n int) {
	o.t.Helper()
	open, err := o.OpenGaps(o.t.Context(), 100)
	if err != nil {
		o.t.Fatal(err)
	}
	o.tx(func(tx *models.Tx) error {
		for _, g := range open {
			if _, err := tx.CloseGap(g.ID, models.ClosedProven); err != nil {
				return err
			}
		}
		found := make([]models.Gap, n)
		for i := range found {
			found[i] = models.Gap{ObligationID: int64(1000 + i), Day: o.Today(), Problem: models.GapMissing}
		}
		_, err := tx.RecordGaps(found)
		return err
	})
}

func (o *corner) sweeper() *jobs.Sweeper {
	return &jobs.Sweeper{Store: o.Store, Clock: o.clock, Routing: o.routing, Log: slog.New(slog.DiscardHandler)}
}

// sweep goes on to the morning of a day and sweeps it.
func (o *corner) sweep(d calendar.Date) jobs.Stats {
	o.t.Helper()
	o.clock.Advance(d.At(8, 30).Sub(o.clock.Now()))
	stats, err := o.sweeper().Sweep(o.t.Context(), d)
	if err != nil {
		o.t.Fatal(err)
	}
	return stats
}

func (o *corner) report() jobs.ReportStats {
	o.t.Helper()
	stats, err := (&jobs.Reporter{Store: o.Store, Clock: o.clock, Routing: o.routing}).Report(o.t.Context(), o.Today())
	if err != nil {
		o.t.Fatal(err)
	}
	return stats
}

// of returns the messages to somebody, those about duties and others, in order.
func (o *corner) of(account string) []models.Notification {
	o.t.Helper()
	all, err := o.NotificationsAfter(o.t.Context(), 0)
	if err != nil {
		o.t.Fatal(err)
	}
	var theirs []models.Notification
	for _, n := range all {
		if n.RecipientID == o.people[account].ID {
			theirs = append(theirs, n)
		}
	}
	return theirs
}

// going returns the messages that will be sent to somebody.
func (o *corner) going(account string) []models.Notification {
	o.t.Helper()
	var going []models.Notification
	for _, n := range o.of(account) {
		if n.State == models.NotificationPending {
			going = append(going, n)
		}
	}
	return going
}

// toldOnce checks that each duty reaches the owner exactly once: by itself,
// or in one digest that is on its way and lists it.
func (o *corner) toldOnce(duties []int64) {
	o.t.Helper()
	messages := map[int64]models.Notification{}
	times := map[int64]int{}
	for _, n := range o.of("owner") {
		messages[n.ID] = n
		if n.State == models.NotificationPending && n.ObligationID != 0 {
			times[n.ObligationID]++
		}
		if n.Payload.Digest != nil {
			for _, i := range n.Payload.Digest.Items {
				times[i.ObligationID]++
			}
		}
	}
	for _, n := range o.of("owner") {
		if n.DigestID != 0 && (n.Reason != models.SuppressedDigest || messages[n.DigestID].State != models.NotificationPending) {
			o.t.Errorf("message %d is %s (%s) and told by message %d, which is %s", n.ID, n.State, n.Reason, n.DigestID, messages[n.DigestID].State)
		}
	}
	for _, id := range duties {
		if times[id] != 1 {
			o.t.Errorf("duty %d is told %d times", id, times[id])
		}
	}
}
