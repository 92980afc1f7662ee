package jobs_test

import (
	"log/slog"
	"strings"
	"testing"

	"duban/jobs"
	"duban/models"
	"duban/models/calendar"
	"duban/workflows"
)

// jump goes to the morning of a day at once: vouchers, one sweep.
func (y *sampleYear) jump(to calendar.Date) jobs.Stats {
	y.t.Helper()
	y.clock.Advance(to.At(8, 30).Sub(y.clock.Now()))
	y.pay(to)
	sw := &jobs.Sweeper{Store: y.Store, Clock: y.clock, Routing: models.Only(models.ChannelFile), Log: slog.New(slog.DiscardHandler), Engine: y.engine}
	stats, err := sw.Sweep(y.t.Context(), to)
	y.must(err)
	return stats
}

// about returns the instances about a duty, in the order of their beginning.
func (y *sampleYear) about(duty int64) []models.WorkflowInstance {
	y.t.Helper()
	return y.instances("obligation_id = ?", duty)
}

// hear has every duty checked again, as a new payment would.
func (y *sampleYear) hear() {
	y.t.Helper()
	var ids []int64
	y.must(y.Read(y.t.Context()).Model(&models.Project{}).Pluck("id", &ids).Error)
	y.must(y.Tx(y.t.Context(), "tester", func(tx *models.Tx) error { return tx.CheckProjects(ids, y.Today()) }))
}

// july returns a year at 7 July, and one of the targets missed in June.
func july(t *testing.T, driver models.Driver) (*sampleYear, int64) {
	t.Helper()
	y := newSampleYear(t, driver)
	if stats := y.jump(opened); stats.Opened == 0 {
		t.Fatal("nothing is opened")
	}
	return y, y.missedInJune()[0]
}

func TestAWorkflowIsOpenedOnceAndAgainOnlyWithReason(t *testing.T) {
	cases := []struct {
		name   string
		end    func(t *testing.T, y *sampleYear, in models.WorkflowInstance)
		begins int // instances after more sweeps
	}{
		{"running", func(*testing.T, *sampleYear, models.WorkflowInstance) {}, 1},
		{"terminated by a person", func(_ *testing.T, y *sampleYear, in models.WorkflowInstance) {
			_, err := y.engine.Act(y.t.Context(), in.ID, workflows.Action{Kind: workflows.Terminate, By: y.who("hejing"), Comment: "另行处理"})
			y.must(err)
		}, 1},
		{"withdrawn by the system", func(_ *testing.T, y *sampleYear, in models.WorkflowInstance) {
			_, err := y.engine.Act(y.t.Context(), in.ID, workflows.Action{Kind: workflows.Withdraw, Comment: "数据已更正"})
			y.must(err)
		}, 2},
		{"approved, and the promise is not due", func(_ *testing.T, y *sampleYear, _ models.WorkflowInstance) { y.decideAll() }, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			engines(t, func(t *testing.T, driver models.Driver) {
				y, duty := july(t, driver)
				c.end(t, y, y.about(duty)[0])
				for range 3 {
					y.hear()
					y.jump(y.Today())
				}
				if got := len(y.about(duty)); got != c.begins {
					t.Errorf("%d instances, want %d", got, c.begins)
				}
			})
		})
	}
}

func (y *sampleYear) who(account string) int64 {
	y.t.Helper()
	u, ok, err := y.UserByAccount(y.t.Context(), account)
	y.must(err)
	if !ok {
		y.t.Fatal("nobody is " + account)
	}
	return u.ID
}

func TestABrokenPromiseIsAskedAboutAgain(t *testing.T) {
	y, duty := july(t, models.SQLite)
	y.decideAll() // promises 31 December
	y.clock.Advance(day(12, 31).At(8, 30).Sub(y.clock.Now()))
	for _, d := range []struct {
		on   calendar.Date
		want int
	}{{day(12, 31), 1}, {day(12, 31).AddDays(1), 2}} {
		y.hear()
		y.jumpWithoutVouchers(d.on)
		if got := len(y.about(duty)); got != d.want {
			t.Errorf("on %s %d instances, want %d", d.on, got, d.want)
		}
	}
}

func (y *sampleYear) jumpWithoutVouchers(to calendar.Date) {
	y.t.Helper()
	y.payments.Rows = y.payments.Rows[:1]
	y.jump(to)
}

func TestADutyThatIsWaivedTakesItsWorkflowAlong(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		y, duty := july(t, driver)
		y.must(y.Tx(t.Context(), "tester", func(tx *models.Tx) error { return tx.WaiveObligation(duty, "项目取消") }))
		if stats := y.jump(y.Today()); stats.Withdrawn != 1 {
			t.Errorf("%d withdrawn", stats.Withdrawn)
		}
		v, err := y.engine.View(t.Context(), y.about(duty)[0].ID)
		y.must(err)
		if v.State.Outcome != workflows.Withdrawn || !strings.Contains(v.State.Reason, "项目取消") {
			t.Errorf("%s: %s", v.State.Outcome, v.State.Reason)
		}
	})
}

func TestASweepWithoutThePublishedWorkflowGoesOn(t *testing.T) {
	y := newSampleYear(t, models.SQLite)
	y.must(y.Tx(t.Context(), "tester", func(tx *models.Tx) error {
		rules, err := tx.Rules()
		if err != nil {
			return err
		}
		for _, r := range rules {
			if r.Kind == models.SpendingTarget {
				r.Workflow = "no_such_workflow"
				return tx.SaveRule(&r)
			}
		}
		return nil
	}))
	stats := y.jump(opened)
	if len(y.instances("1 = 1")) != 0 || stats.Opened == 0 || stats.Checked == 0 {
		t.Errorf("%+v", stats)
	}
}

func TestAStoredWorkflowThatCannotBeUsedStopsNoOther(t *testing.T) {
	y := newSampleYear(t, models.SQLite)
	y.must(y.Tx(t.Context(), "tester", func(tx *models.Tx) error {
		return tx.AddDefinition(&models.WorkflowDefinition{Workflow: "corrective_action", Number: 2, Source: "no definition of this program"})
	}))
	stats := y.jump(opened)
	if len(y.instances("1 = 1")) != 0 || stats.Opened == 0 || stats.Enqueued == 0 {
		t.Errorf("%+v", stats)
	}
	if catalog, err := y.engine.Catalog(t.Context()); err != nil || len(catalog) != 6 {
		t.Errorf("%d workflows can be used, %v", len(catalog), err)
	}
}
