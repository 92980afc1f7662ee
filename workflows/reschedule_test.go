package workflows_test

import (
	"slices"
	"testing"

	"duban/models/calendar"
	"duban/workflows"
)

// reschedule gives the open task of a person another due date.
func (s *stage) reschedule(person int64, due calendar.Date) workflows.Action {
	s.Helper()
	return workflows.Action{Kind: workflows.Reschedule, By: admin, Task: s.task(person), DueOn: due, Comment: "节前集中办理"}
}

func TestOnlyAnAdministratorReschedulesAnOpenTask(t *testing.T) {
	s := submitted(t, small, little) // on Monday 2 June
	a := s.reschedule(manager, june(20))
	a.By = manager
	s.refuses(workflows.CodeNotAllowed, a)
	a.By, a.Comment = admin, " "
	s.refuses(workflows.CodeReasonRequired, a)
	a.Comment = "节前集中办理"
	for _, due := range []calendar.Date{{}, june(1), calendar.MustDate(2026, 6, 4)} {
		a.DueOn = due
		s.refuses(workflows.CodeFormInvalid, a)
	}
	a.DueOn, a.Task = june(20), 1 // submitted
	s.refuses(workflows.CodeAlreadyDecided, a)
	s.must(workflows.Action{Kind: workflows.Suspend, By: admin, Comment: "等待批复"})
	s.refuses(workflows.CodeWrongState, s.reschedule(manager, june(20)))
}

func TestReschedulingCountsTheLadderFromTheNewDate(t *testing.T) {
	s := submitted(t, small, little)
	for range 5 { // to the overdue list, on 12 June, and up to the leader
		s.rings(s.timer())
	}
	seen, _ := s.state.Task(s.task(leader))
	s.must(s.reschedule(leader, june(12)))
	got, _ := s.state.Task(seen.ID)
	if got.Overdue || got.DueOn != june(12) || got.Rung != 1 { // the reminder of the 11th has passed
		t.Errorf("got %+v", got)
	}
	if timer := s.timer(); timer.On != june(12) || timer.Do != workflows.RungUrge {
		t.Errorf("the timer is %+v", timer)
	}
	if !slices.ContainsFunc(s.effects, func(e workflows.Effect) bool { c, ok := e.(workflows.TaskChanged); return ok && c.Task.ID == seen.ID }) {
		t.Error("the task is not reported as changed")
	}
	s.must(s.reschedule(leader, june(30)))
	if timer := s.timer(); timer.On != june(27) || timer.Rung != 0 {
		t.Errorf("the timer is %+v", timer)
	}
	s.must(workflows.Action{Kind: workflows.Approve, By: leader, Task: seen.ID, TaskVersion: seen.Version}) // by a link that was sent before
	s.at("check")
}

func TestReschedulingWithoutALadderAheadCancelsTheTimer(t *testing.T) {
	s := submitted(t, edit(small, "    limit: 3\n", "    limit: 3\n    ladder: [{after: -1, do: remind}]\n"), little)
	s.must(s.reschedule(manager, june(2)))
	if _, ok := effect[workflows.TimerCancelled](s); !ok {
		t.Errorf("got %+v", s.effects)
	}
	s.does(workflows.Approve, manager)
	s.must(s.reschedule(finance, june(5))) // a step without a limit
	if got, _ := s.state.Task(s.task(finance)); got.DueOn != june(5) || got.Rung != 0 {
		t.Errorf("got %+v", got)
	}
	if _, ok := effect[workflows.TimerSet](s); ok {
		t.Error("a timer without a ladder")
	}
}
