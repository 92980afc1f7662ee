package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"duban/models"
	"duban/models/calendar"
	"duban/workflows"
)

// fire lets the engine act upon the time limits that have come.
func (o *bureau) fire(t *testing.T, want workflows.TimerStats) {
	t.Helper()
	got, err := o.FireTimers(t.Context())
	if err != nil || got != want {
		t.Fatalf("at %s: fired %+v, %v; want %+v", o.clock.Now().In(calendar.Shanghai).Format("01-02 15:04"), got, err, want)
	}
}

// until sets the clock.
func (o *bureau) until(at time.Time) { o.clock.Advance(at.Sub(o.clock.Now())) }

// timers returns the timers of an instance.
func (o *bureau) timers(in workflows.Instance) []models.WorkflowTimer {
	o.t.Helper()
	return rowsOf[models.WorkflowTimer](o, "instance_id = ?", in.ID)
}

// rings requires that an instance has one timer, and when it fires.
func (o *bureau) rings(t *testing.T, in workflows.Instance, rung int, on calendar.Date) models.WorkflowTimer {
	t.Helper()
	timers := o.timers(in)
	if len(timers) != 1 || timers[0].Rung != rung || !timers[0].FireAt.Equal(on.At(8, 30)) {
		t.Fatalf("timers %+v; want rung %d on %s", timers, rung, on)
	}
	return timers[0]
}

// confirming is an instance that waits for the manager, until 3 July.
func (o *bureau) confirming() workflows.Instance {
	o.t.Helper()
	return o.begun("extension", o.addDuty(models.Custom, calendar.MustDate(2025, 9, 30)).ID, postponed, 0)
}

// climbed is a rung of the standard ladder, seen from outside.
type climbed struct {
	on       calendar.Date
	template workflows.Template // "" if nobody is told
	to       func(o *bureau) int64
	assignee func(o *bureau) int64
	overdue  bool
}

func inJuly(day int) calendar.Date { return calendar.MustDate(2025, time.July, day) }

// theLadder is that of a task that finance got on Tuesday, 1 July, for two
// workdays.
var theLadder = []climbed{
	{inJuly(2), workflows.NotifyRemind, theFinance, theFinance, false},
	{inJuly(3), workflows.NotifyUrge, theFinance, theFinance, false},
	{inJuly(4), workflows.NotifyOverdue, theManager, theFinance, false},
	{inJuly(8), workflows.NotifyTask, theManager, theManager, false},
	{inJuly(10), "", nil, theManager, true},
}

func theFinance(o *bureau) int64 { return o.finance }
func theManager(o *bureau) int64 { return o.manager }

func TestTheStandardLadderClimbsAndNeverApproves(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		in := o.begun("corrective_action", o.duty(o.project.ID, models.SpendingTarget).ID, measures, 1)
		task := open(t, in)
		for rung, want := range theLadder {
			o.rings(t, in, rung, want.on)
			o.until(want.on.At(8, 29))
			o.fire(t, workflows.TimerStats{})
			o.until(want.on.At(8, 30))
			o.fire(t, workflows.TimerStats{Fired: 1})
			o.checkRung(t, o.sound(t, in.ID), task.ID, want)
		}
		o.until(inJuly(31).At(12, 0))
		o.fire(t, workflows.TimerStats{})
		if left := o.timers(in); len(left) != 0 {
			t.Errorf("the ladder has an end; got %+v", left)
		}
		o.soundAll(t)
	})
}

// checkRung checks what a rung has done, and that it has decided nothing.
func (o *bureau) checkRung(t *testing.T, v *workflows.View, task int, want climbed) {
	t.Helper()
	last := v.History[len(v.History)-1]
	if last.Kind != string(workflows.Deadline) || last.ByID != workflows.System || last.Task != task {
		t.Errorf("%s: the history says %+v", want.on, last)
	}
	got, _ := v.State.Task(task)
	switch {
	case v.State.Outcome != "" || v.State.Step != "check" || got.State != workflows.TaskOpen || got.ActedBy != 0:
		t.Errorf("%s: a time limit has decided: %+v", want.on, got)
	case got.Assignee != want.assignee(o) || got.Overdue != want.overdue:
		t.Errorf("%s: assignee %d, overdue %t", want.on, got.Assignee, got.Overdue)
	}
	listed, err := o.Store.OverdueTasks(t.Context(), 0, 10)
	if err != nil || (len(listed) == 1) != want.overdue {
		t.Errorf("%s: the overdue list has %d tasks, %v", want.on, len(listed), err)
	}
	if want.template == "" {
		return
	}
	key := fmt.Sprintf("workflow|%d|%d|%s|%d|%d|%s", v.ID, v.State.Sequence, want.template, task, want.to(o), o.Routing.First())
	if len(rowsOf[models.Notification](o, "dedup_key = ?", key)) != 1 {
		t.Errorf("%s: no message %s", want.on, key)
	}
}

func TestAfterAnOutageEveryRungIsClimbedInOrder(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		in := o.begun("corrective_action", o.duty(o.project.ID, models.SpendingTarget).ID, measures, 1)
		o.until(inJuly(21).At(9, 0))
		o.fire(t, workflows.TimerStats{Fired: len(theLadder)})
		v := o.sound(t, in.ID)
		if got, _ := v.State.Task(open(t, in).ID); !got.Overdue || got.Assignee != o.manager || got.Rung != len(theLadder) {
			t.Errorf("got %+v", got)
		}
	})
}

func TestWhatEndsOrStopsATaskTakesItsTimer(t *testing.T) {
	for _, c := range []struct {
		name string
		a    func(o *bureau) workflows.Action // on the open task
		left int                              // timers: that of the next step, if there is one
	}{
		{"approve", func(o *bureau) workflows.Action { return workflows.Action{Kind: workflows.Approve, By: o.manager} }, 1},
		{"reject", func(o *bureau) workflows.Action { return workflows.Action{Kind: workflows.Reject, By: o.manager} }, 0},
		{"withdraw", func(o *bureau) workflows.Action { return workflows.Action{Kind: workflows.Withdraw, By: o.owner} }, 0},
		{"terminate", func(o *bureau) workflows.Action { return workflows.Action{Kind: workflows.Terminate, By: o.admin} }, 0},
		{"suspend", func(o *bureau) workflows.Action { return workflows.Action{Kind: workflows.Suspend, By: o.admin} }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachBureau(t, func(t *testing.T, o *bureau) {
				in := o.confirming()
				task := open(t, in)
				a := c.a(o)
				a.Task, a.TaskVersion, a.FormHash, a.Comment = task.ID, task.Version, in.State.FormHash, "理由"
				if _, err := o.Act(t.Context(), in.ID, a); err != nil {
					t.Fatal(err)
				}
				left := o.timers(in)
				if len(left) != c.left || slices.ContainsFunc(left, func(w models.WorkflowTimer) bool { return w.Task == task.ID }) {
					t.Errorf("got %+v", left)
				}
				o.sound(t, in.ID)
			})
		})
	}
}

func TestATimerOfADecidedTaskIsMoot(t *testing.T) {
	eachSite(t, func(t *testing.T, o *site) {
		in := o.confirming()
		task := open(t, in).ID
		o.until(inJuly(2).At(9, 0))
		o.claim(t, 1)
		next := o.act(in, o.manager, workflows.Approve, nil, "") // while another program holds the timer
		o.rings(t, next, 0, inJuly(3))

		err := o.Store.Tx(t.Context(), "system", func(tx *models.Tx) error { // one that should not be there
			return tx.SetTimer(models.WorkflowTimer{InstanceID: in.ID, Task: task, FireAt: o.clock.Now()})
		})
		if err != nil {
			t.Fatal(err)
		}
		o.fire(t, workflows.TimerStats{Moot: 1})
		o.rings(t, next, 0, inJuly(3))
		o.sound(t, in.ID)
	})
}

// claim takes timers as a program does that then dies.
func (o *bureau) claim(t *testing.T, want int) []models.WorkflowTimer {
	t.Helper()
	token := fmt.Sprintf("dead-%d", o.clock.Now().UnixNano())
	claimed, err := o.Store.ClaimTimers(t.Context(), token, 50, 2*time.Minute)
	if err != nil || len(claimed) != want {
		t.Fatalf("claimed %+v, %v; want %d", claimed, err, want)
	}
	return claimed
}

func TestALeaseThatRunsOutLetsAnotherFire(t *testing.T) {
	eachSite(t, func(t *testing.T, o *site) {
		in := o.confirming()
		o.until(inJuly(2).At(9, 0))
		dead := o.claim(t, 1)[0]
		o.fire(t, workflows.TimerStats{}) // it may still be alive
		o.endLeases()
		o.fire(t, workflows.TimerStats{Fired: 1})

		// It was only slow, and comes back after all.
		late := workflows.Action{Kind: workflows.Deadline, Task: dead.Task, Rung: dead.Rung}
		if _, err := o.Act(t.Context(), in.ID, late); !errors.Is(err, &workflows.Error{Code: workflows.CodeWrongState}) {
			t.Errorf("the rung was climbed twice: %v", err)
		}
		err := o.Store.Tx(t.Context(), "system", func(tx *models.Tx) error { return tx.DropTimer(dead.ID, dead.LeaseToken) })
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Store.PostponeTimer(t.Context(), dead, models.TimerDead, o.clock.Now(), errors.New("late")); err != nil {
			t.Fatal(err)
		}
		if now := o.rings(t, in, 1, inJuly(3)); now.State != models.TimerPending || now.Attempts != 0 {
			t.Errorf("the next timer is %+v", now)
		}
		o.sound(t, in.ID)
	})
}

func TestResumingPlansTheWorkdaysThatWereLeft(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		in := o.confirming() // until Thursday, 3 July
		o.until(inJuly(2).At(8, 0))
		o.steer(t, in, workflows.Action{Kind: workflows.Suspend, Comment: "等待批复"})
		if left := o.timers(in); len(left) != 0 {
			t.Fatalf("got %+v", left)
		}
		o.until(inJuly(14).At(10, 0)) // a Monday
		o.fire(t, workflows.TimerStats{})
		now := o.steer(t, in, workflows.Action{Kind: workflows.Resume, Comment: "已批复"})
		if due := open(t, now).DueOn; due != inJuly(15) {
			t.Errorf("due on %s", due)
		}
		o.rings(t, in, 0, inJuly(14)) // the reminder is for today, and comes at once
		o.fire(t, workflows.TimerStats{Fired: 1})
		o.rings(t, in, 1, inJuly(15))
		o.sound(t, in.ID)
	})
}

// steer takes an action of the administrator on an instance.
func (o *bureau) steer(t *testing.T, in workflows.Instance, a workflows.Action) workflows.Instance {
	t.Helper()
	a.By = o.admin
	now, err := o.Act(t.Context(), in.ID, a)
	if err != nil {
		t.Fatal(err)
	}
	return now
}

func TestReschedulingPlansInTheSameTransaction(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		in := o.confirming()
		task := open(t, in)
		a := workflows.Action{
			Kind: workflows.Reschedule, By: o.admin, Task: task.ID, TaskVersion: task.Version, DueOn: inJuly(25), Comment: "人员外出",
		}
		undone := o.Store.Tx(t.Context(), "system", func(tx *models.Tx) error {
			if _, err := o.ActIn(tx, in.ID, a); err != nil {
				return err
			}
			return context.Canceled // whoever asked has gone
		})
		if undone == nil {
			t.Fatal("not undone")
		}
		o.rings(t, in, 0, inJuly(2))
		o.sound(t, in.ID)

		now := o.steer(t, in, a)
		o.rings(t, in, 0, inJuly(24))
		o.until(inJuly(23).At(12, 0))
		o.fire(t, workflows.TimerStats{})
		o.until(inJuly(24).At(8, 30))
		o.fire(t, workflows.TimerStats{Fired: 1})
		o.rings(t, in, 1, inJuly(25))

		a.DueOn = inJuly(24) // its reminder has passed, the urging is for today
		now = o.steer(t, now, a)
		o.rings(t, in, 1, inJuly(24))
		o.fire(t, workflows.TimerStats{Fired: 1})
		o.act(now, o.manager, workflows.Approve, nil, "") // by a link that was sent before
		o.sound(t, in.ID)
	})
}

func TestATimerThatComesTooSoonWaitsForTheOfficesToOpen(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		in := o.confirming() // until 3 July; the manager gets a copy on Friday, the 4th
		o.until(inJuly(3).At(8, 30))
		o.fire(t, workflows.TimerStats{Fired: 2})
		o.rings(t, in, 2, inJuly(4))
		err := o.Store.Tx(t.Context(), "admin", func(tx *models.Tx) error {
			return tx.SaveCalendarDays([]models.CalendarDay{{Day: inJuly(4), Name: "停电放假"}})
		})
		if err != nil {
			t.Fatal(err)
		}
		o.until(inJuly(4).At(8, 30))
		o.fire(t, workflows.TimerStats{})
		o.rings(t, in, 2, inJuly(7)) // at half past eight, not at midnight
	})
}

func TestATimerThatCannotFireIsTriedLaterAndGivenUpWhileOthersGoOn(t *testing.T) {
	eachSite(t, func(t *testing.T, o *site) {
		bad, good := o.confirming(), o.confirming()
		whole := o.corrupt(t, bad.ID, "{")
		o.until(inJuly(2).At(9, 0))
		o.fire(t, workflows.TimerStats{Fired: 1, Failed: 1})
		o.rings(t, good, 1, inJuly(3))
		for attempt := 1; ; attempt++ {
			w := o.timers(bad)[0]
			if w.Attempts != attempt || w.LeaseToken != "" || w.LastError == "" {
				t.Fatalf("attempt %d: %+v", attempt, w)
			}
			if w.State == models.TimerDead {
				break
			}
			if again := o.clock.Now().Add(time.Duration(attempt*attempt) * time.Minute); !w.FireAt.Equal(again) {
				t.Fatalf("attempt %d: again at %s, want %s", attempt, w.FireAt, again)
			}
			o.until(w.FireAt.Add(-time.Second))
			o.fire(t, workflows.TimerStats{})
			o.until(w.FireAt)
			if attempt < 7 {
				o.fire(t, workflows.TimerStats{Failed: 1})
			} else {
				o.fire(t, workflows.TimerStats{Dead: 1})
			}
		}
		o.until(inJuly(3).At(9, 0))
		o.fire(t, workflows.TimerStats{Fired: 1}) // only the good one's
		o.revive(t, bad, whole)
	})
}

// revive repairs an instance whose timer was given up.
func (o *bureau) revive(t *testing.T, in workflows.Instance, whole string) {
	t.Helper()
	o.corrupt(t, in.ID, whole)
	o.fire(t, workflows.TimerStats{}) // an administrator has to ask for it
	n, err := o.Store.ReviveTimers(t.Context(), "admin")
	if err != nil || n != 1 {
		t.Fatalf("revived %d, %v", n, err)
	}
	if n, err := o.Store.ReviveTimers(t.Context(), "admin"); err != nil || n != 0 {
		t.Errorf("revived %d again, %v", n, err)
	}
	o.fire(t, workflows.TimerStats{Fired: 2}) // the reminder of yesterday, and the urging
	if w := o.rings(t, in, 2, inJuly(4)); w.Attempts != 0 || w.LastError != "" {
		t.Errorf("got %+v", w)
	}
	var said []string
	var entries []models.AuditEntry
	if err := o.Store.Read(t.Context()).Where("action LIKE 'timer.%'").Order("seq").Find(&entries).Error; err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		said = append(said, e.Action+" "+e.Actor)
	}
	if !slices.Equal(said, []string{"timer.dead system", "timer.revived admin"}) {
		t.Errorf("the audit trail says %v", said)
	}
	o.soundAll(t)
}

// corrupt replaces the state of an instance, and returns what it was.
func (o *bureau) corrupt(t *testing.T, id int64, state string) (was string) {
	t.Helper()
	was = rowsOf[models.WorkflowInstance](o, "id = ?", id)[0].State
	if err := o.Store.Read(t.Context()).Exec("UPDATE workflow_instances SET state = ? WHERE id = ?", state, id).Error; err != nil {
		t.Fatal(err)
	}
	return was
}

func TestReplicasFireEachRungOnce(t *testing.T) {
	const instances, replicas = 20, 4
	eachSite(t, func(t *testing.T, o *site) {
		all := make([]workflows.Instance, instances)
		for i := range all {
			all[i] = o.confirming()
		}
		engines := make([]*workflows.Engine, replicas)
		for i := range engines {
			engines[i] = o.replica(t)
		}
		for rung, day := range []int{2, 3, 4} {
			o.until(inJuly(day).At(9, 0))
			stats, errs := make([]workflows.TimerStats, replicas), make([]error, replicas)
			together(replicas, func(i int) { stats[i], errs[i] = engines[i].FireTimers(t.Context()) })
			var sum workflows.TimerStats
			for i, s := range stats {
				if errs[i] != nil {
					t.Error(errs[i])
				}
				sum.Fired, sum.Moot, sum.Failed, sum.Dead = sum.Fired+s.Fired, sum.Moot+s.Moot, sum.Failed+s.Failed, sum.Dead+s.Dead
			}
			if sum != (workflows.TimerStats{Fired: instances}) {
				t.Errorf("rung %d: fired %+v by %+v", rung, sum, stats)
			}
		}
		for _, in := range all {
			o.rings(t, in, 3, inJuly(8))
		}
		o.soundAll(t)
	})
}
