package workflows_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"duban/models"
	"duban/models/calendar"
	"duban/workflows"
)

const (
	little = "100"
	much   = "50000000" // 50 万元, in 分
)

func TestAnApplicationGoesFromStepToStepAndEndsApproved(t *testing.T) {
	s := submitted(t, small, much)
	s.at("confirm")
	s.does(workflows.Approve, manager)
	s.at("check")
	s.does(workflows.Approve, finance)
	s.at("check") // 会签: both
	s.does(workflows.Approve, finance2)
	s.at("approve")
	s.does(workflows.Approve, leader)
	s.ended(workflows.Approved)
}

func TestASmallAmountDoesNotReachTheLeader(t *testing.T) {
	s := submitted(t, small, "49999999")
	s.does(workflows.Approve, manager)
	s.does(workflows.Approve, finance)
	s.does(workflows.Approve, finance2)
	s.ended(workflows.Approved)
}

func TestARefusedFormNamesEveryField(t *testing.T) {
	s := newStage(t, small)
	e := s.refuses(workflows.CodeFormInvalid, workflows.Action{
		Kind: workflows.Submit, By: owner, Case: workflows.Case{Kind: models.Custom},
		Form: workflows.Form{"reason": "这个理由写得太长太长太长太长太长太长太长了", "amount": "-1", "x": "1"},
	})
	want := []workflows.FieldProblem{
		{Field: "amount", Message: "金额：不得小于 0.00 元"},
		{Field: "reason", Message: "理由：不得超过 20 个字"},
		{Field: "x", Message: "此步骤不能填写该字段"},
	}
	if !slices.Equal(e.Fields, want) {
		t.Errorf("got %q", e.Fields)
	}
	e = s.refuses(workflows.CodeFormInvalid, workflows.Action{Kind: workflows.Submit, By: owner, Case: workflows.Case{Kind: models.Custom}})
	if want := "表单有误：理由：必填；金额：必填"; e.Message != want {
		t.Errorf("got %s; want %s", e.Message, want)
	}
}

func TestOnlyThoseWhoMayApplyBeginAWorkflow(t *testing.T) {
	s := newStage(t, small)
	a := workflows.Action{Kind: workflows.Submit, By: outsider, Case: workflows.Case{Kind: models.Custom}}
	s.refuses(workflows.CodeNotAllowed, a)
	a.By = gone
	s.refuses(workflows.CodeUnknownPerson, a)
	a.By, a.Case.Kind = owner, models.Monitoring
	s.refuses(workflows.CodeNotAllowed, a) // it does not serve such duties
}

func TestAWorkflowOpensByItselfWithItsEvidence(t *testing.T) {
	s := newStage(t, builtin(t, "corrective_action").Source())
	evidence := workflows.Case{Kind: models.SpendingTarget, Unit: "603001", Gap: 123, Batch: 7, AsOf: calendar.MustDate(2025, 6, 30)}
	s.refuses(workflows.CodeNotAllowed, workflows.Action{Kind: workflows.Open, By: admin, Case: evidence})
	s.must(workflows.Action{Kind: workflows.Open, Case: evidence})
	s.at(workflows.ApplyStep)
	if !reflect.DeepEqual(s.state.Case, evidence) || s.state.Tasks[0].Assignee != owner || s.state.Tasks[0].TouchedBy != workflows.System {
		t.Errorf("got %+v", s.state)
	}
	s.refuses(workflows.CodeReasonRequired, workflows.Action{Kind: workflows.Withdraw})
	s.must(workflows.Action{Kind: workflows.Withdraw, Comment: "补录支出后已达标"})
	s.ended(workflows.Withdrawn)
}

func TestAStaleActionIsToldWhoActed(t *testing.T) {
	s := submitted(t, small, little)
	id := s.task(manager)
	stale, _ := s.state.Task(id)
	s.does(workflows.Transfer, manager, to(office))
	e := s.refuses(workflows.CodeAlreadyDecided, workflows.Action{Kind: workflows.Approve, By: manager, Task: id, TaskVersion: stale.Version})
	if e.By != manager || !e.At.Equal(s.now.Add(-time.Minute)) || e.Message != "科长乙已于 2025-06-02 09:02 处理，请查看最新进展" {
		t.Errorf("got %+v", e)
	}
	s.refuses(workflows.CodeNotYourTask, workflows.Action{Kind: workflows.Approve, By: manager, Task: id})
	s.refuses(workflows.CodeUnknownTask, workflows.Action{Kind: workflows.Approve, By: manager, Task: 99})
	s.refuses(workflows.CodeFormChanged, workflows.Action{Kind: workflows.Approve, By: office, Task: id, FormHash: "old"})
	s.does(workflows.Reject, office)
	s.ended(workflows.Rejected)
	s.refuses(workflows.CodeAlreadyDecided, workflows.Action{Kind: workflows.Approve, By: office, Task: id})
}

func TestAnInstanceKeepsToItsVersion(t *testing.T) {
	s := submitted(t, small, little)
	s.def.Version = 2
	s.refuses(workflows.CodeWrongDefinition, workflows.Action{Kind: workflows.Approve, By: manager, Task: s.task(manager)})
}

func TestRejectingNeedsAReason(t *testing.T) {
	s := submitted(t, small, little)
	s.refuses(workflows.CodeReasonRequired, workflows.Action{Kind: workflows.Reject, By: manager, Task: s.task(manager), Comment: " "})
}

// modes is small with another mode at the check step, which has three seats.
func modes(mode string) string {
	return edit(small, "    mode: all\n", mode, "who: [role:finance]", "who: [role:finance, role:office]")
}

func TestTheModesCountTheSeats(t *testing.T) {
	for _, tc := range []struct {
		name, mode string
		decisions  []workflows.ActionKind // of finance, finance2, office, until it ends
		want       workflows.Outcome
	}{
		{"或签: one agrees", "    mode: any\n", []workflows.ActionKind{"approve"}, workflows.Approved},
		{"或签: one refuses", "    mode: any\n", []workflows.ActionKind{"reject"}, workflows.Rejected},
		{"会签: all agree", "    mode: all\n", []workflows.ActionKind{"approve", "approve", "approve"}, workflows.Approved},
		{"会签: the last refuses", "    mode: all\n", []workflows.ActionKind{"approve", "approve", "reject"}, workflows.Rejected},
		{"依次: all agree", "    mode: sequential\n", []workflows.ActionKind{"approve", "approve", "approve"}, workflows.Approved},
		{"依次: the first refuses", "    mode: sequential\n", []workflows.ActionKind{"reject"}, workflows.Rejected},
		{"two thirds: two agree", "    mode: share\n    share: 66.6666%\n", []workflows.ActionKind{"approve", "reject", "approve"}, workflows.Approved},
		{"a little more than two thirds: two are not enough", "    mode: share\n    share: 66.6667%\n", []workflows.ActionKind{"approve", "reject"}, workflows.Rejected},
		{"one third: two may refuse", "    mode: share\n    share: 33.3333%\n", []workflows.ActionKind{"reject", "reject", "approve"}, workflows.Approved},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := submitted(t, modes(tc.mode), little)
			s.does(workflows.Approve, manager)
			for i, kind := range tc.decisions {
				s.at("check")
				s.does(kind, []int64{finance, finance2, office}[i])
			}
			s.ended(tc.want)
		})
	}
}

func TestInSequenceTheNextIsAskedOnlyAfterTheOneBefore(t *testing.T) {
	s := submitted(t, modes("    mode: sequential\n"), little)
	s.does(workflows.Approve, manager)
	if open := s.state.OpenTasks(); len(open) != 1 || open[0].Assignee != finance {
		t.Fatalf("open are %+v", open)
	}
	waiting := s.state.Tasks[len(s.state.Tasks)-1]
	s.refuses(workflows.CodeWrongState, workflows.Action{Kind: workflows.Approve, By: office, Task: waiting.ID})
}

// back is small, up to the leader, who sends it back.
func back(t *testing.T, step string, straight bool) *stage {
	t.Helper()
	s := submitted(t, small, much)
	s.does(workflows.Approve, manager)
	s.does(workflows.Approve, finance)
	s.does(workflows.Approve, finance2)
	s.does(workflows.SendBack, leader, func(a *workflows.Action) { a.Step, a.Straight = step, straight })
	s.at(step)
	return s
}

func resubmit(reason string) func(*workflows.Action) {
	return func(a *workflows.Action) { a.Form = workflows.Form{"reason": reason} }
}

func TestSendingBackResumesAsItWasAsked(t *testing.T) {
	t.Run("straight: those between are not asked again", func(t *testing.T) {
		s := back(t, workflows.ApplyStep, true)
		s.does(workflows.Submit, owner)
		s.at("approve")
	})
	t.Run("step by step: everybody is", func(t *testing.T) {
		s := back(t, workflows.ApplyStep, false)
		s.does(workflows.Submit, owner)
		s.at("confirm")
	})
	t.Run("straight, but the form has changed: everybody is", func(t *testing.T) {
		s := back(t, workflows.ApplyStep, true)
		s.does(workflows.Submit, owner, resubmit("另一个理由"))
		s.at("confirm")
	})
	t.Run("straight to a step in the middle", func(t *testing.T) {
		s := back(t, "confirm", true)
		s.does(workflows.Approve, manager)
		s.at("approve")
	})
	t.Run("to a step that was not passed", func(t *testing.T) {
		s := submitted(t, small, little)
		s.refuses(workflows.CodeUnknownStep, workflows.Action{Kind: workflows.SendBack, By: manager, Task: s.task(manager), Comment: "意见", Step: "check"})
	})
}

func TestAnAmountThatGrowsOnTheWayBackBringsTheLeaderIn(t *testing.T) {
	s := submitted(t, small, little)
	s.does(workflows.Approve, manager)
	s.does(workflows.SendBack, finance, func(a *workflows.Action) { a.Step, a.Straight = workflows.ApplyStep, true })
	s.does(workflows.Submit, owner, func(a *workflows.Action) { a.Form = workflows.Form{"amount": much} })
	s.does(workflows.Approve, manager)
	s.does(workflows.Approve, finance)
	s.does(workflows.Approve, finance2)
	s.at("approve")
}

func TestOnlyTheApplicantWithdrawsAndOnlyAsTheDefinitionAllows(t *testing.T) {
	for _, tc := range []struct {
		rule            string
		before, decided workflows.Code // "" if it is allowed
	}{
		{"undecided", "", workflows.CodeAlreadyDecided},
		{"running", "", ""},
		{"never", workflows.CodeNotAllowed, workflows.CodeNotAllowed},
	} {
		for i, want := range []workflows.Code{tc.before, tc.decided} {
			s := submitted(t, edit(small, "version: 1", "version: 1\nwithdraw: "+tc.rule), little)
			s.refuses(workflows.CodeNotAllowed, workflows.Action{Kind: workflows.Withdraw, By: manager})
			if i == 1 {
				s.does(workflows.Approve, manager)
			}
			a := workflows.Action{Kind: workflows.Withdraw, By: owner}
			if want != "" {
				s.refuses(want, a)
				continue
			}
			s.must(a)
			s.ended(workflows.Withdrawn)
		}
	}
}

func TestAnApprovalAsksForItsBusinessEffects(t *testing.T) {
	s := newStage(t, builtin(t, "adjustment").Source())
	s.must(workflows.Action{
		Kind: workflows.Submit, By: owner, Case: workflows.Case{Kind: models.SpendingTarget, Budget: 100_000_000},
		Form: workflows.Form{"new_budget": "050000000", "reason": "压减"},
	})
	s.does(workflows.Approve, manager)
	s.refuses(workflows.CodeFormInvalid, workflows.Action{Kind: workflows.Approve, By: finance, Task: s.task(finance)})
	s.does(workflows.Approve, finance, func(a *workflows.Action) { a.Form = workflows.Form{"finance_opinion": "金额属实"} })
	s.does(workflows.Approve, office)
	s.does(workflows.Approve, leader)
	s.at("director") // 50 万元 less
	s.does(workflows.Approve, director)
	s.ended(workflows.Approved)
	b, ok := effect[workflows.Business](s)
	if !ok || b.Do != workflows.ReviseBudget || b.Values["amount"] != "50000000" || b.Values["reason"] != "压减" || b.Values["plan"] != "" {
		t.Errorf("got %+v", b)
	}
}

func TestARectificationIsClosedOnlyAfterAnotherPersonsReinspection(t *testing.T) {
	s := newStage(t, builtin(t, "rectification").Source())
	s.people.Roles[models.RoleOffice] = []int64{manager} // the manager sits in the office, too
	s.must(workflows.Action{
		Kind: workflows.Submit, By: owner, Case: workflows.Case{Kind: models.Rectification},
		Form: workflows.Form{"measures": "已退回", "evidence": "file-1"},
	})
	s.does(workflows.Approve, manager)
	s.at("verify")
	if got := s.state.OpenTasks()[0]; got.Assignee != leader || got.Why.Instead != manager {
		t.Errorf("the re-inspection went to %+v", got)
	}
	s.refuses(workflows.CodeSeparation, workflows.Action{Kind: workflows.Transfer, By: leader, Task: s.task(leader), To: []int64{manager}})
	s.does(workflows.Transfer, leader, to(outsider))
	s.does(workflows.Approve, outsider, func(a *workflows.Action) {
		a.Form = workflows.Form{"verified_on": "2025-06-02", "finding": "属实"}
	})
	s.does(workflows.Approve, leader)
	s.ended(workflows.Approved)
	if b, _ := effect[workflows.Business](s); b.Do != workflows.CloseAfterVerification || b.Values["verified_on"] != "2025-06-02" {
		t.Errorf("got %+v", b)
	}
}
