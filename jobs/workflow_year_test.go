package jobs_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"

	"duban/deploy"
	"duban/importer"
	"duban/jobs"
	"duban/models"
	"duban/models/calendar"
	"duban/models/modelstest"
	"duban/workflows"
)

// sampleYear is the shipped sample, lived day by day with its workflows.
type sampleYear struct {
	*models.Store
	t        *testing.T
	clock    *clockwork.FakeClock
	engine   *workflows.Engine
	payments *importer.PaymentSheet
}

func newSampleYear(t *testing.T, driver models.Driver) *sampleYear {
	t.Helper()
	clock := clockwork.NewFakeClockAt(day(1, 6).At(8, 30))
	s := modelstest.Open(t, driver, clock)
	y := &sampleYear{Store: s, t: t, clock: clock, engine: &workflows.Engine{Store: s, Clock: clock, Routing: models.Only(models.ChannelFile)}}
	y.must(y.engine.PublishBuiltin(t.Context()))
	draft, err := importer.ReadTargets("targets-2025.txt", y.file("targets-2025.txt"), importer.Options{})
	y.must(err)
	_, err = importer.Apply(t.Context(), s, "tester", draft, importer.ApplyOptions{})
	y.must(err)
	people, err := importer.ReadPeople("people.csv", y.file("people.csv"))
	y.must(err)
	_, err = importer.ApplyPeople(t.Context(), s, "tester", people, importer.ListOptions{})
	y.must(err)
	who, err := importer.ReadAssignments("assignments-2025.csv", y.file("assignments-2025.csv"))
	y.must(err)
	_, err = importer.ApplyAssignments(t.Context(), s, "tester", who, importer.ListOptions{})
	y.must(err)
	y.payments, err = importer.ReadPayments("payments-2025.csv", y.file("payments-2025.csv"), importer.Options{})
	y.must(err)
	return y
}

func (y *sampleYear) must(err error) {
	y.t.Helper()
	if err != nil {
		y.t.Fatal(err)
	}
}

func (y *sampleYear) file(name string) []byte {
	y.t.Helper()
	data, err := deploy.Sample.ReadFile("sample/" + name)
	y.must(err)
	return data
}

// live goes on to the morning of a day: vouchers come in every Monday, duties
// are checked and time limits acted upon every day.
func (y *sampleYear) live(to calendar.Date) {
	y.t.Helper()
	sw := &jobs.Sweeper{Store: y.Store, Clock: y.clock, Routing: models.Only(models.ChannelFile), Log: slog.New(slog.DiscardHandler), Engine: y.engine}
	for d := y.Today(); !d.After(to); d = d.AddDays(1) {
		y.clock.Advance(d.At(8, 30).Sub(y.clock.Now()))
		if d.Weekday() == 1 {
			y.pay(d)
		}
		for range 2 { // whatever sweeps run
			_, err := sw.Sweep(y.t.Context(), d)
			y.must(err)
		}
		_, err := y.engine.FireTimers(y.t.Context())
		y.must(err)
	}
}

// pay imports the vouchers from before a day.
func (y *sampleYear) pay(d calendar.Date) {
	y.t.Helper()
	known := *y.payments
	known.AsOf, known.Rows = d.AddDays(-1), nil
	for _, row := range y.payments.Rows {
		if row.PaidOn.Before(d) {
			known.Rows = append(known.Rows, row)
		}
	}
	_, err := importer.ApplyPayments(y.t.Context(), y.Store, "tester", &known, importer.ListOptions{})
	y.must(err)
}

func (y *sampleYear) instances(condition string, args ...any) []models.WorkflowInstance {
	y.t.Helper()
	var all []models.WorkflowInstance
	y.must(y.Read(y.t.Context()).Where("workflow = ?", "corrective_action").Where(condition, args...).Order("id").Find(&all).Error)
	return all
}

func TestAYearOfMissedTargetsIsWorkedOff(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		y := newSampleYear(t, driver)
		y.live(day(7, 4))
		if early := y.instances("obligation_id IN ?", y.missedInJune()); len(early) > 0 {
			t.Fatalf("%d corrective actions run before June's vouchers are on record", len(early))
		}
		y.live(opened)
		missed := y.missedInJune()
		begun := y.instances("obligation_id IN ?", missed)
		if len(missed) == 0 || len(begun) != len(missed) {
			t.Fatalf("%d targets are missed, %d corrective actions run", len(missed), len(begun))
		}
		for _, in := range begun {
			y.evidenceIsFrozen(in)
		}
		// Nobody acts for a month: the ladder climbs, and never decides.
		y.live(day(8, 15))
		for _, in := range begun {
			y.climbed(in)
		}
		y.reported(begun)
		y.decideAll()
		y.live(day(9, 1))
		y.workedOff(begun)
	})
}

// opened is the Monday on which the last vouchers of June are imported.
var opened = day(7, 7)

// missedInJune returns the spending targets of 30 June that are missed.
func (y *sampleYear) missedInJune() []int64 {
	y.t.Helper()
	var ids []int64
	y.must(y.Read(y.t.Context()).Model(&models.Obligation{}).
		Where("kind = ? AND due_on = ? AND state = ? AND settled_on IS NULL", models.SpendingTarget, day(6, 30), models.StateMissed).
		Order("id").Pluck("id", &ids).Error)
	return ids
}

// evidenceIsFrozen compares what an instance froze with the records.
func (y *sampleYear) evidenceIsFrozen(in models.WorkflowInstance) {
	y.t.Helper()
	v, err := y.engine.View(y.t.Context(), in.ID)
	y.must(err)
	c, duty := v.State.Case, v.Matter.Obligation
	if c.Plan != duty.Percent || c.Gap <= 0 || c.Gap != duty.Amount-c.Paid || c.Budget != v.Matter.Project.Budget {
		y.t.Errorf("%s: evidence %+v, the duty asks for %s = %d", duty.Title, c, duty.Percent, duty.Amount)
	}
	if c.AsOf != opened.AddDays(-1) || (c.Batch == 0) != (c.Paid == 0) {
		y.t.Errorf("%s: as of %s, batch %d", duty.Title, c.AsOf, c.Batch)
	}
}

// climbed checks the ladder of an instance that nobody touched, unless the
// records have cleared it.
func (y *sampleYear) climbed(in models.WorkflowInstance) {
	y.t.Helper()
	v, err := y.engine.View(y.t.Context(), in.ID)
	y.must(err)
	if v.State.Outcome == workflows.Withdrawn {
		if by := v.History[len(v.History)-1]; by.ByID != workflows.System || !strings.Contains(by.Comment, "支出记录显示") {
			y.t.Errorf("%s: withdrawn by %d: %q", in.Title, by.ByID, by.Comment)
		}
		return
	}
	if v.State.Outcome != "" || v.State.Step != workflows.ApplyStep {
		y.t.Fatalf("%s: %s at %s, though nobody decided", in.Title, v.State.Outcome, v.State.Step)
	}
	cal, err := y.Calendar(y.t.Context())
	y.must(err)
	due := cal.AddWorkdays(opened, 3)
	want := map[string]calendar.Date{
		string(workflows.NotifyRemind): cal.AddWorkdays(due, -1), string(workflows.NotifyUrge): due,
		string(workflows.NotifyOverdue): cal.AddWorkdays(due, 1),
	}
	var said []models.Notification
	y.must(y.Read(y.t.Context()).Where("instance_id = ?", in.ID).Find(&said).Error)
	for _, m := range said {
		if d, ok := want[m.Template]; ok && d != m.Day {
			y.t.Errorf("%s: %s on %s, want %s", in.Title, m.Template, m.Day, d)
		}
		delete(want, m.Template)
		if m.Template == string(workflows.NotifyCopy) {
			y.t.Errorf("%s: the manager is told twice of one delay", in.Title)
		}
	}
	if len(want) > 0 || !v.State.OpenTasks()[0].Overdue {
		y.t.Errorf("%s: not said %v, overdue %v", in.Title, want, v.State.OpenTasks()[0].Overdue)
	}
}

// reported checks that the leaders' weekly report lists the decisions that are
// overdue.
func (y *sampleYear) reported(begun []models.WorkflowInstance) {
	y.t.Helper()
	reporter := &jobs.Reporter{Store: y.Store, Clock: y.clock, Routing: models.Only(models.ChannelFile)}
	stats, err := reporter.Report(y.t.Context(), y.Today())
	y.must(err)
	overdue, err := y.OverdueTasks(y.t.Context(), 0, 1000)
	y.must(err)
	var report models.Notification
	y.must(y.Read(y.t.Context()).Where("template = 'report'").Take(&report).Error)
	s := report.Payload.Weekly.Situation
	if stats.Reports == 0 || s == nil || s.Flows.Total != len(overdue) || len(overdue) < len(begun)/2 || len(s.Flows.Items) == 0 || s.Flows.Items[0].DaysLeft >= 0 {
		y.t.Errorf("%+v, %d overdue decisions: %+v", stats, len(overdue), s)
	}
}

// decideAll lets everybody do what is asked of them, until nothing is.
func (y *sampleYear) decideAll() {
	y.t.Helper()
	ctx := y.t.Context()
	for range 200 {
		running := y.instances("outcome = ''")
		if len(running) == 0 {
			return
		}
		for _, in := range running {
			v, err := y.engine.View(ctx, in.ID)
			y.must(err)
			task := v.State.OpenTasks()[0]
			a := workflows.Action{Kind: workflows.Approve, By: task.Assignee, Task: task.ID, TaskVersion: task.Version}
			switch task.Step {
			case workflows.ApplyStep:
				a.Kind = workflows.Submit
				a.Form = workflows.Form{"cause": "验收推迟", "measures": "抓紧支付", "promised_on": "2025-12-31", "promised_amount": "100"}
			case "check":
				a.Form = workflows.Form{"checked_amount": "100"}
			}
			_, err = y.engine.Act(ctx, in.ID, a)
			y.must(err)
		}
	}
	y.t.Fatal("the instances do not end")
}

// workedOff checks that every corrective action has ended, with a report, and
// that none was begun anew.
func (y *sampleYear) workedOff(begun []models.WorkflowInstance) {
	y.t.Helper()
	approved := 0
	for _, in := range begun {
		again := y.instances("obligation_id = ?", in.ObligationID)
		last := again[len(again)-1]
		reports, err := y.Reports(y.t.Context(), in.ObligationID)
		y.must(err)
		switch workflows.Outcome(last.Outcome) {
		case workflows.Approved:
			approved++
			if len(again) != 1 || len(reports) != 1 {
				y.t.Errorf("%s: %d instances, %d reports", in.Title, len(again), len(reports))
			}
		case workflows.Withdrawn:
		default:
			y.t.Errorf("%s: outcome %q", in.Title, last.Outcome)
		}
	}
	overdue, err := y.OverdueTasks(y.t.Context(), 0, 100)
	y.must(err)
	for _, e := range overdue {
		if e.Workflow == "corrective_action" {
			y.t.Errorf("%s is still on the overdue list", e.Title)
		}
	}
	if approved == 0 {
		y.t.Error("the year is no test: none was approved")
	}
	if _, err := y.VerifyAudit(y.t.Context()); err != nil {
		y.t.Error(err)
	}
	y.t.Logf("%d corrective actions, %d approved", len(begun), approved)
}
