package workflows_test

import (
	"slices"
	"testing"
	"time"

	"duban/models/calendar"
	"duban/workflows"
)

func TestATransferMakesTheDecisionAnotherPersons(t *testing.T) {
	s := submitted(t, small, little)
	transfer := workflows.Action{Kind: workflows.Transfer, By: manager, Task: s.task(manager)}
	for to, want := range map[int64]workflows.Code{
		owner: workflows.CodeSelfApproval, manager: workflows.CodeAlreadySigner, gone: workflows.CodeUnknownPerson,
	} {
		transfer.To = []int64{to}
		s.refuses(want, transfer)
	}
	transfer.To, transfer.By = []int64{office}, outsider
	s.refuses(workflows.CodeNotYourTask, transfer)
	s.does(workflows.Transfer, manager, to(office))
	s.does(workflows.Approve, office)
	s.at("check")
}

func TestADelegatedTaskComesBackToItsLender(t *testing.T) {
	s := submitted(t, small, little)
	s.does(workflows.Delegate, manager, to(outsider))
	lent := workflows.Action{By: outsider, Task: s.task(outsider), Comment: "意见", To: []int64{office}}
	for _, kind := range []workflows.ActionKind{workflows.Approve, workflows.Reject, workflows.Transfer, workflows.Delegate} {
		lent.Kind = kind
		s.refuses(workflows.CodeWrongState, lent)
	}
	s.does(workflows.GiveBack, outsider)
	s.does(workflows.Delegate, manager, to(outsider))
	s.must(workflows.Action{Kind: workflows.GiveBack, By: manager, Task: s.task(outsider)}) // 取回
	s.refuses(workflows.CodeWrongState, workflows.Action{Kind: workflows.GiveBack, By: manager, Task: s.task(manager)})
	s.does(workflows.Approve, manager)
	s.at("check")
}

func add(place workflows.Placement, ids ...int64) func(*workflows.Action) {
	return func(a *workflows.Action) { a.Place, a.To = place, ids }
}

func TestSignersAddedBeforeDecideFirst(t *testing.T) {
	s := submitted(t, small, little)
	mine := s.task(manager)
	s.does(workflows.AddSigner, manager, add(workflows.Before, office, outsider))
	s.refuses(workflows.CodeWrongState, workflows.Action{Kind: workflows.Approve, By: manager, Task: mine})
	s.does(workflows.Approve, office)
	s.does(workflows.Approve, outsider)
	s.does(workflows.Approve, manager)
	s.at("check")
}

func TestSignersAddedAfterDecideAfterwards(t *testing.T) {
	s := submitted(t, small, little)
	s.does(workflows.AddSigner, manager, add(workflows.After, office))
	s.does(workflows.Approve, manager)
	s.at("confirm")
	s.does(workflows.Reject, office)
	s.ended(workflows.Rejected)
}

func TestOnlyOnesOwnAdditionsCanBeRemoved(t *testing.T) {
	s := submitted(t, small, little)
	s.refuses(workflows.CodeNotAllowed, workflows.Action{Kind: workflows.RemoveSigner, By: manager, Task: s.task(manager)})
	s.refuses(workflows.CodeSelfApproval, workflows.Action{
		Kind: workflows.AddSigner, By: manager, Task: s.task(manager), To: []int64{owner}, Place: workflows.Before,
	})
	s.does(workflows.AddSigner, manager, add(workflows.Before, office, outsider))
	s.refuses(workflows.CodeNotAllowed, workflows.Action{Kind: workflows.RemoveSigner, By: outsider, Task: s.task(office)})
	s.must(workflows.Action{Kind: workflows.RemoveSigner, By: manager, Task: s.task(office)})
	decided := s.task(outsider)
	s.does(workflows.Approve, outsider)
	s.refuses(workflows.CodeAlreadyDecided, workflows.Action{Kind: workflows.RemoveSigner, By: manager, Task: decided})
	s.does(workflows.Approve, manager) // open again
	s.at("check")
}

func TestALeaverIsSucceededInEverything(t *testing.T) {
	s := submitted(t, small, little)
	over := func(from, to int64) workflows.Action {
		return workflows.Action{Kind: workflows.HandOver, By: admin, From: from, To: []int64{to}, Comment: "离职"}
	}
	a := over(manager, office)
	a.By = manager
	s.refuses(workflows.CodeNotAllowed, a)
	s.refuses(workflows.CodeWrongState, over(outsider, office))
	s.refuses(workflows.CodeSelfApproval, over(manager, owner))
	s.refuses(workflows.CodeSelfApproval, over(owner, manager)) // who has a seat
	s.must(over(manager, office))
	s.must(over(owner, outsider))
	s.refuses(workflows.CodeNotAllowed, workflows.Action{Kind: workflows.Withdraw, By: owner})
	s.does(workflows.Approve, office)
	s.does(workflows.SendBack, finance, func(a *workflows.Action) { a.Step = workflows.ApplyStep })
	s.does(workflows.Submit, outsider)
	s.at("confirm")
}

// timer returns the timer that the last action set.
func (s *stage) timer() workflows.TimerSet {
	s.Helper()
	timer, ok := effect[workflows.TimerSet](s)
	if !ok {
		s.Fatalf("no timer in %+v", s.effects)
	}
	return timer
}

// rings lets a timer go off in the morning of its day.
func (s *stage) rings(timer workflows.TimerSet) {
	s.Helper()
	s.now = timer.On.At(8, 30)
	s.must(workflows.Action{Kind: workflows.Deadline, At: s.now, Task: timer.Task, Rung: timer.Rung})
}

func june(day int) calendar.Date { return calendar.MustDate(2025, 6, day) }

func TestTheLadderOfATimeLimitEndsAtTheOverdueListAndNeverDecides(t *testing.T) {
	s := submitted(t, small, little) // Monday 2 June; three workdays end on Thursday
	for _, want := range []struct {
		do workflows.RungAction
		on calendar.Date
	}{
		{workflows.RungRemind, june(4)},
		{workflows.RungUrge, june(5)},
		{workflows.RungCopyManager, june(6)},
		{workflows.RungTransferUp, june(10)},
		{workflows.RungOverdueList, june(12)},
	} {
		timer := s.timer()
		if timer.Do != want.do || timer.On != want.on {
			t.Fatalf("the next rung is %+v; want %+v", timer, want)
		}
		s.refuses(workflows.CodeTooSoon, workflows.Action{Kind: workflows.Deadline, At: timer.On.AddDays(-1).At(23, 59), Task: timer.Task, Rung: timer.Rung})
		s.rings(timer)
		s.at("confirm")
		s.refuses(workflows.CodeWrongState, workflows.Action{Kind: workflows.Deadline, At: s.now, Task: timer.Task, Rung: timer.Rung})
	}
	if _, more := effect[workflows.TimerSet](s); more {
		t.Error("the ladder goes on")
	}
	got := s.state.OpenTasks()[0]
	if !got.Overdue || got.Assignee != leader || got.Why.Hops[0].Kind != workflows.Deadline || got.TouchedBy != workflows.System {
		t.Errorf("at the end it is %+v", got)
	}
	s.does(workflows.Approve, leader)
	s.at("check")
	if _, ok := effect[workflows.TimerCancelled](s); !ok {
		t.Error("the timer was not cancelled")
	}
}

func TestAReminderLeavesSentLinksValid(t *testing.T) {
	s := submitted(t, small, little)
	seen, _ := s.state.Task(s.task(manager))
	s.rings(s.timer())
	s.must(workflows.Action{Kind: workflows.Approve, By: manager, Task: seen.ID, TaskVersion: seen.Version})
}

func TestASuspensionStopsTheClockAndAllDecisions(t *testing.T) {
	s := submitted(t, small, little)
	control := workflows.Action{Kind: workflows.Suspend, By: manager, Comment: "等待批复"}
	s.refuses(workflows.CodeNotAllowed, control)
	control.By, control.Comment = admin, ""
	s.refuses(workflows.CodeReasonRequired, control)
	control.Comment = "等待批复"
	s.must(control)
	s.refuses(workflows.CodeWrongState, workflows.Action{Kind: workflows.Approve, By: manager, Task: s.task(manager)})
	s.refuses(workflows.CodeWrongState, workflows.Action{Kind: workflows.Withdraw, By: owner})
	s.must(workflows.Action{Kind: workflows.Comment, By: manager, Comment: "何时恢复？"})
	s.now = june(16).At(9, 0) // a Monday
	s.must(workflows.Action{Kind: workflows.Resume, By: admin, Comment: "恢复"})
	if got := s.state.OpenTasks()[0]; got.DueOn != june(19) || s.timer().On != june(18) {
		t.Errorf("due on %s, reminded on %s", got.DueOn, s.timer().On)
	}
	s.refuses(workflows.CodeWrongState, workflows.Action{Kind: workflows.Resume, By: admin, Comment: "恢复"})
	s.must(workflows.Action{Kind: workflows.Terminate, By: admin, Comment: "项目取消"})
	s.ended(workflows.Terminated)
	if s.state.Reason != "项目取消" {
		t.Errorf("the reason is %q", s.state.Reason)
	}
}

func TestUrgingIsForThoseWhoWaitAndNotTooOften(t *testing.T) {
	s := submitted(t, small, little)
	s.refuses(workflows.CodeNotAllowed, workflows.Action{Kind: workflows.Urge, By: manager})
	s.must(workflows.Action{Kind: workflows.Urge, By: owner})
	if n, _ := effect[workflows.Notify](s); n.Template != workflows.NotifyUrge || !slices.Equal(n.To, []int64{manager}) {
		t.Errorf("got %+v", n)
	}
	first := s.now
	if e := s.refuses(workflows.CodeTooSoon, workflows.Action{Kind: workflows.Urge, By: office}); !e.Until.Equal(first.Add(24 * time.Hour)) {
		t.Errorf("again after %s", e.Until)
	}
	s.must(workflows.Action{Kind: workflows.Urge, By: office, At: first.Add(24 * time.Hour)})
}

func TestACopyIsReadOnceAndAllowsToComment(t *testing.T) {
	s := submitted(t, small, little)
	s.refuses(workflows.CodeNotAllowed, workflows.Action{Kind: workflows.Comment, By: outsider, Comment: "意见"})
	s.refuses(workflows.CodeNotAllowed, workflows.Action{Kind: workflows.CopyTo, By: outsider, To: []int64{office}})
	s.refuses(workflows.CodeUnknownPerson, workflows.Action{Kind: workflows.CopyTo, By: owner, To: []int64{gone}})
	s.must(workflows.Action{Kind: workflows.CopyTo, By: owner, To: []int64{outsider}})
	s.must(workflows.Action{Kind: workflows.CopyTo, By: owner, To: []int64{outsider}})
	if len(s.state.Copies) != 1 {
		t.Fatalf("got %+v", s.state.Copies)
	}
	s.must(workflows.Action{Kind: workflows.Comment, By: outsider, Comment: "意见"})
	s.must(workflows.Action{Kind: workflows.Withdraw, By: owner})
	s.must(workflows.Action{Kind: workflows.MarkRead, By: outsider}) // also after the end
	read := s.state.Copies[0].ReadAt
	s.must(workflows.Action{Kind: workflows.MarkRead, By: outsider})
	if read.IsZero() || s.state.Copies[0].ReadAt != read {
		t.Errorf("read at %s, then %s", read, s.state.Copies[0].ReadAt)
	}
	s.refuses(workflows.CodeNotAllowed, workflows.Action{Kind: workflows.MarkRead, By: office})
	s.refuses(workflows.CodeWrongState, workflows.Action{Kind: workflows.Comment, By: owner, Comment: "意见"})
}

func TestNonsenseIsRefused(t *testing.T) {
	s := submitted(t, small, little)
	s.refuses(workflows.CodeUnknownAction, workflows.Action{Kind: "dance", By: owner})
	s.refuses(workflows.CodeUnknownAction, workflows.Action{Kind: workflows.Comment, By: owner, Comment: "意见", At: time.Unix(0, 0)})
	s.refuses(workflows.CodeFormInvalid, workflows.Action{Kind: workflows.Comment, By: owner, Comment: "\xff"})
	s.refuses(workflows.CodeNotAllowed, workflows.Action{Kind: workflows.Deadline, By: admin})
	s.refuses(workflows.CodeNotAllowed, workflows.Action{Kind: workflows.Approve, By: workflows.System})
	s.refuses(workflows.CodeWrongState, workflows.Action{Kind: workflows.Submit, By: manager, Task: s.task(manager)})
	s.refuses(workflows.CodeWrongState, workflows.Action{Kind: workflows.Open})
}
