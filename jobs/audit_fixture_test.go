package jobs_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"

	"duban/jobs"
	"duban/models"
	"duban/models/calendar"
	"duban/models/modelstest"
	"duban/models/money"
	"duban/notifier"
	"duban/workflows"
)

// audited is a unit whose reminders are audited: an owner, a manager, a finance
// officer and a leader, one project, and the duties that a test adds.
type audited struct {
	*models.Store
	t       *testing.T
	clock   *clockwork.FakeClock
	outbox  *notifier.Dispatcher
	engine  *workflows.Engine
	unit    models.Unit
	project models.Project
	people  map[string]models.User // by account
}

// taken is a channel that takes every message.
type taken struct{}

func (taken) Send(_ context.Context, m notifier.Message) (string, error) { return m.Key, nil }
func (taken) Close() error                                               { return nil }

func newAudited(t *testing.T, s *models.Store, clock *clockwork.FakeClock) *audited {
	t.Helper()
	o := &audited{
		Store: s, t: t, clock: clock, outbox: newOutbox(t, s, clock), people: map[string]models.User{},
		engine: &workflows.Engine{Store: s, Clock: clock, Routing: models.Only(models.ChannelFile)},
	}
	o.must(o.engine.PublishBuiltin(t.Context()))
	o.unit = models.Unit{Code: "603001", Name: "住房公积金管理中心"}
	o.tx(func(tx *models.Tx) error { return tx.SaveUnit(&o.unit) })
	o.person("owner", models.RoleOwner)
	o.person("other", models.RoleOwner)
	o.person("manager", models.RoleManager)
	o.person("finance", models.RoleFinance)
	o.person("leader", models.RoleLeader)
	r := &models.ProjectRecord{Project: models.Project{
		FiscalYear: 2025, Code: "P1", Name: "办公楼运转经费", UnitID: o.unit.ID, Budget: 100_000_00, Fiscal: 100_000_00, State: models.ProjectActive,
		OwnerID: o.people["owner"].ID, ManagerID: o.people["manager"].ID,
	}}
	o.tx(func(tx *models.Tx) error { return tx.AddProjects([]*models.ProjectRecord{r}) })
	o.project = r.Project
	return o
}

func newOutbox(t *testing.T, s *models.Store, clock clockwork.Clock) *notifier.Dispatcher {
	t.Helper()
	templates, err := notifier.NewTemplates("")
	if err != nil {
		t.Fatal(err)
	}
	d, err := notifier.NewDispatcher(notifier.Config{
		Store: s, Templates: templates, Channels: map[models.Channel]notifier.Channel{models.ChannelFile: taken{}},
		Clock: clock, Logger: slog.New(slog.DiscardHandler), Workers: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (o *audited) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *audited) tx(fn func(*models.Tx) error) {
	o.t.Helper()
	o.must(o.Tx(o.t.Context(), "tester", fn))
}

func (o *audited) person(account string, roles ...models.Role) {
	o.t.Helper()
	u := models.User{Account: account, Name: account, Email: account + "@example.cn", Language: models.Chinese, UnitID: o.unit.ID, Roles: roles, Active: true}
	o.tx(func(tx *models.Tx) error { _, _, err := tx.SaveUser(&u); return err })
	o.people[account] = u
}

// duty adds a duty to the project.
func (o *audited) duty(kind models.Kind, due calendar.Date, change ...func(*models.Obligation)) models.Obligation {
	o.t.Helper()
	d := models.Obligation{UnitID: o.unit.ID, ProjectID: o.project.ID, FiscalYear: 2025, Kind: kind, Title: "事项", DueOn: due}
	for _, fn := range change {
		fn(&d)
	}
	o.tx(func(tx *models.Tx) error { return tx.AddObligation(&d) })
	return d
}

func target(percent int64) func(*models.Obligation) {
	return func(d *models.Obligation) { d.Percent = money.PercentOf(percent) }
}

// pay records a payment now, whenever it was made.
func (o *audited) pay(voucher string, on calendar.Date, amount money.Fen) {
	o.t.Helper()
	o.tx(func(tx *models.Tx) error {
		return tx.AddPayments([]models.Payment{{ProjectID: o.project.ID, PaidOn: on, Amount: amount, VoucherNo: voucher, AsOf: o.Today()}}, o.Today())
	})
}

// at moves the clock on to a time of a day.
func (o *audited) at(d calendar.Date, hour, minute int) {
	o.t.Helper()
	step := d.At(hour, minute).Sub(o.clock.Now())
	if step < 0 {
		o.t.Fatalf("%s %d:%d is past", d, hour, minute)
	}
	o.clock.Advance(step)
}

// sweep sweeps the morning of a day as the scheduler does, and sends what is due.
func (o *audited) sweep(d calendar.Date) {
	o.t.Helper()
	o.at(d, 8, 30)
	sw := &jobs.Sweeper{Store: o.Store, Clock: o.clock, Routing: models.Only(models.ChannelFile), Log: slog.New(slog.DiscardHandler), Engine: o.engine}
	o.must(jobs.RunOnce(o.t.Context(), o.Store, o.clock, models.JobSweep, jobs.SweepJob(sw, nil)))
	_, err := o.engine.FireTimers(o.t.Context())
	o.must(err)
	_, err = o.outbox.Drain(o.t.Context())
	o.must(err)
}

// live sweeps every day of a period.
func (o *audited) live(from, to calendar.Date) {
	o.t.Helper()
	for d := from; !d.After(to); d = d.AddDays(1) {
		o.sweep(d)
	}
}

// audit audits a period and returns what it found, in order.
func (o *audited) audit(from, to calendar.Date) (jobs.Completeness, []jobs.Difference) {
	o.t.Helper()
	return o.auditBy(models.Only(models.ChannelFile), from, to)
}

// auditBy audits as audit does, where messages go out by a routing.
func (o *audited) auditBy(by models.Routing, from, to calendar.Date) (jobs.Completeness, []jobs.Difference) {
	o.t.Helper()
	var found []jobs.Difference
	a := &jobs.Auditor{Store: o.Store, Clock: o.clock, Routing: by, Found: func(d jobs.Difference) error { found = append(found, d); return nil }}
	c, err := a.Audit(o.t.Context(), from, to)
	o.must(err)
	slices.SortFunc(found, jobs.Difference.Compare)
	return c, found
}

// complete expects an audit to find that everything was said.
func (o *audited) complete(from, to calendar.Date) jobs.Completeness {
	o.t.Helper()
	c, found := o.audit(from, to)
	if c.Expected() == 0 || len(found) > 0 {
		o.t.Errorf("%s to %s: %d expected; %s", from, to, c.Expected(), listed(found))
	}
	return c
}

// found expects an audit to find exactly these differences, written as
// "person day verdict".
func (o *audited) found(from, to calendar.Date, want ...string) {
	o.t.Helper()
	_, found := o.audit(from, to)
	got := make([]string, len(found))
	for i, d := range found {
		got[i] = fmt.Sprintf("%s %s %s", d.Recipient, d.Day, d.Problem)
	}
	if !slices.Equal(got, want) {
		o.t.Errorf("found %q\nwant  %q", got, want)
	}
}

func listed(found []jobs.Difference) string {
	var b strings.Builder
	for _, d := range found {
		fmt.Fprintf(&b, "\n  %d %s: %s to %q on %s, message %d %s", d.ObligationID, d.Title, d.Problem, d.Recipient, d.Day, d.NotificationID, d.Reason)
	}
	return b.String()
}

// row returns the reminder to a person about a duty on a day.
func (o *audited) row(d models.Obligation, account string, on calendar.Date) models.Notification {
	o.t.Helper()
	var n models.Notification
	err := o.Read(o.t.Context()).Where("obligation_id = ? AND recipient_id = ? AND day = ? AND instance_id = 0", d.ID, o.people[account].ID, on).Take(&n).Error
	if err != nil {
		o.t.Fatalf("%s on %s: %v", account, on, err)
	}
	return n
}

// set changes columns of a message behind the program's back.
func (o *audited) set(n models.Notification, columns map[string]any) {
	o.t.Helper()
	o.must(o.Read(o.t.Context()).Model(&models.Notification{}).Where("id = ?", n.ID).UpdateColumns(columns).Error)
}

// remove takes a message away behind the program's back.
func (o *audited) remove(n models.Notification) {
	o.t.Helper()
	o.must(o.Read(o.t.Context()).Delete(&models.Notification{}, n.ID).Error)
}

// onEach runs a test in an office on each database, at seven in the morning.
func onEach(t *testing.T, start calendar.Date, fn func(t *testing.T, o *audited)) {
	t.Helper()
	for _, driver := range []models.Driver{models.SQLite, models.MySQL} {
		t.Run(string(driver), func(t *testing.T) {
			clock := clockwork.NewFakeClockAt(start.At(7, 0))
			fn(t, newAudited(t, modelstest.Open(t, driver, clock), clock))
		})
	}
}
