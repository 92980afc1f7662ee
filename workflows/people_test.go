package workflows_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"duban/models"
	"duban/models/calendar"
	"duban/workflows"
)

// leave lets one person stand in for another from 1 to 30 June.
func leave(from, to int64, keys ...string) workflows.Delegation {
	return workflows.Delegation{
		From: from, To: to, Workflows: keys,
		First: calendar.MustDate(2025, 6, 1), Last: calendar.MustDate(2025, 6, 30),
	}
}

func TestAStandInDecidesForSomebodyOnLeave(t *testing.T) {
	approveAs := func(by int64, delegations ...workflows.Delegation) (*stage, workflows.Action) {
		s := submitted(t, small, little)
		s.people.Delegations = delegations
		return s, workflows.Action{Kind: workflows.Approve, By: by, Task: s.task(manager)}
	}
	s, a := approveAs(office, leave(manager, office))
	s.must(a)
	if got, _ := s.state.Task(a.Task); got.ActedBy != office || got.ActedFor != manager {
		t.Errorf("it was recorded as %+v", got)
	}
	s, a = approveAs(outsider, leave(manager, office), leave(office, outsider))
	s.must(a) // through a chain
	for name, tc := range map[string]struct {
		by   int64
		ds   []workflows.Delegation
		want workflows.Code
	}{
		"another workflow":                         {office, []workflows.Delegation{leave(manager, office, "other")}, workflows.CodeNotYourTask},
		"the applicant stands in":                  {owner, []workflows.Delegation{leave(manager, owner)}, workflows.CodeSelfApproval},
		"the applicant chose who stands in":        {outsider, []workflows.Delegation{leave(manager, owner), leave(owner, outsider)}, workflows.CodeSelfApproval},
		"the stand-in of somebody without a seat":  {outsider, []workflows.Delegation{leave(office, outsider)}, workflows.CodeNotYourTask},
		"somebody who has left":                    {gone, []workflows.Delegation{leave(manager, gone)}, workflows.CodeUnknownPerson},
		"a leave that has not begun or is over":    {office, []workflows.Delegation{{From: manager, To: office, First: calendar.MustDate(2025, 6, 3), Last: calendar.MustDate(2025, 6, 4)}}, workflows.CodeNotYourTask},
		"the principal stands in for the stand-in": {manager, []workflows.Delegation{leave(manager, office)}, ""},
	} {
		s, a := approveAs(tc.by, tc.ds...)
		if tc.want == "" {
			s.must(a)
			continue
		}
		var refusal *workflows.Error
		if err := s.try(a); !errors.As(err, &refusal) || refusal.Code != tc.want {
			t.Errorf("%s: %v; want %s", name, err, tc.want)
		}
	}
}

func TestNobodySpeaksTwiceInOneStep(t *testing.T) {
	s := submitted(t, small, little)
	s.does(workflows.Approve, manager)
	s.people.Delegations = []workflows.Delegation{leave(finance2, finance)}
	s.refuses(workflows.CodeAlreadySigner, workflows.Action{Kind: workflows.Approve, By: finance, Task: s.task(finance2)})
	s.refuses(workflows.CodeAlreadySigner, workflows.Action{Kind: workflows.Transfer, By: finance, Task: s.task(finance), To: []int64{finance2}})
}

func TestDelegationsMayNotLeadBack(t *testing.T) {
	existing := []workflows.Delegation{leave(1, 2), leave(2, 3, "extension")}
	july := leave(3, 1)
	july.First, july.Last = calendar.MustDate(2025, 7, 1), calendar.MustDate(2025, 7, 31)
	backwards := leave(3, 4)
	backwards.Last = calendar.MustDate(2025, 5, 1)
	for _, tc := range []struct {
		name string
		d    workflows.Delegation
		want workflows.Code
	}{
		{"to somebody new", leave(3, 4), ""},
		{"to oneself", leave(3, 3), workflows.CodeCycle},
		{"back at once", leave(2, 1), workflows.CodeCycle},
		{"back through a chain", leave(3, 1), workflows.CodeCycle},
		{"back, but for another workflow", leave(3, 1, "monitoring"), ""},
		{"back, but in another month", july, ""},
		{"a period that ends before it begins", backwards, workflows.CodeFormInvalid},
	} {
		err := workflows.CheckDelegation(existing, tc.d)
		if tc.want == "" && err != nil || tc.want != "" && !errors.Is(err, &workflows.Error{Code: tc.want}) {
			t.Errorf("%s: %v; want %q", tc.name, err, tc.want)
		}
	}
}

func TestWhoIsAskedInsteadOfTheApplicant(t *testing.T) {
	apply := func(source string, change func(*workflows.Directory)) (*stage, error) {
		s := newStage(t, source)
		change(&s.people)
		return s, s.try(workflows.Action{
			Kind: workflows.Submit, By: s.people.Owner, Case: workflows.Case{Kind: models.Custom},
			Form: workflows.Form{"reason": "需要", "amount": little},
		})
	}
	sameAsManager := func(d *workflows.Directory) { d.Owner = manager }
	s, err := apply(small, sameAsManager)
	if err != nil || s.state.OpenTasks()[0].Assignee != leader {
		t.Errorf("the manager's own application: %v", err)
	}
	s, err = apply(edit(small, "    limit: 3\n", "    self: allow\n"), sameAsManager)
	if err != nil || s.state.OpenTasks()[0].Assignee != manager {
		t.Errorf("the definition allows it: %v", err)
	}
	_, err = apply(small, func(d *workflows.Directory) {
		d.Owner, d.UnitLeader = manager, 0
		d.Roles[models.RoleLeader] = nil
	})
	if !errors.Is(err, &workflows.Error{Code: workflows.CodeNoAssignee}) {
		t.Errorf("nobody is above: %v", err)
	}
	s, err = apply(edit(small, "    mode: all\n", "", "who: [manager]", "who: [role:finance]"), func(d *workflows.Directory) { d.Owner = finance })
	if open := s.state.OpenTasks(); err != nil || len(open) != 1 || open[0].Assignee != finance2 {
		t.Errorf("或签: the others remain: %v", err)
	}
}

func TestAStepWithoutPeople(t *testing.T) {
	noManager := func(rule string) *stage {
		s := newStage(t, edit(small, "    limit: 3\n", rule))
		s.people.Manager = 0
		return s
	}
	a := workflows.Action{
		Kind: workflows.Submit, By: owner, Case: workflows.Case{Kind: models.Custom},
		Form: workflows.Form{"reason": "需要", "amount": little},
	}
	e := noManager("    limit: 3\n").refuses(workflows.CodeNoAssignee, a)
	if e.Step != "confirm" || e.Message != "步骤“审批”找不到可以办理的人，请管理员核对人员和角色" {
		t.Errorf("got %+v", e)
	}
	s := noManager("    empty: skip\n")
	s.must(a)
	s.at("check")
	s = noManager("    empty: [role:office]\n")
	s.must(a)
	if got := s.state.OpenTasks()[0]; got.Assignee != office || got.Why.How != workflows.OriginFallback {
		t.Errorf("got %+v", got)
	}
}

func TestASeatWithoutAPersonIsFilledByAnAdministrator(t *testing.T) {
	s := submitted(t, small, much)
	s.does(workflows.Approve, manager)
	s.does(workflows.Approve, finance)
	s.people.Roles[models.RoleLeader] = nil // the leader has left in the meantime
	s.does(workflows.Approve, finance2)
	s.at("approve")
	if n, _ := effect[workflows.Notify](s); n.Template != workflows.NotifyUnassigned || !slices.Equal(n.To, []int64{admin}) {
		t.Errorf("got %+v", n)
	}
	task := s.state.OpenTasks()[0].ID
	s.refuses(workflows.CodeNotYourTask, workflows.Action{Kind: workflows.Approve, By: admin, Task: task})
	s.must(workflows.Action{Kind: workflows.Transfer, By: admin, Task: task, To: []int64{director}, Comment: "代为审批"})
	s.does(workflows.Approve, director)
	s.ended(workflows.Approved)
}

func TestTheSamePersonInConsecutiveSteps(t *testing.T) {
	source := edit(small, "    mode: all\n", "    duplicate: merge\n", "who: [role:finance]", "who: [manager]")
	s := submitted(t, source, little)
	s.does(workflows.Approve, manager)
	s.ended(workflows.Approved)

	s = submitted(t, edit(source, "duplicate: merge", "duplicate: ask"), little)
	s.does(workflows.Approve, manager)
	s.at("check")

	// A stand-in's decision is not the person's own.
	s = submitted(t, source, little)
	s.people.Delegations = []workflows.Delegation{leave(manager, office)}
	s.must(workflows.Action{Kind: workflows.Approve, By: office, Task: s.task(manager)})
	s.at("check")

	// Whoever is asked again after a sending back is really asked.
	s = submitted(t, source+"    duplicate: merge\n", much)
	s.does(workflows.Approve, manager)
	s.at("approve")
	s.does(workflows.SendBack, leader, func(a *workflows.Action) { a.Step = "confirm" })
	s.does(workflows.Approve, manager)
	s.at("check")
}

func TestAStandInWhoSubmittedHasNoOlderDecisionCounted(t *testing.T) {
	s := back(t, workflows.ApplyStep, true) // the manager has agreed
	s.people.Delegations = []workflows.Delegation{leave(owner, manager)}
	s.must(workflows.Action{Kind: workflows.Submit, By: manager, Task: s.task(owner)})
	s.at("confirm")
	if got := s.state.OpenTasks()[0]; got.Assignee == manager || got.Why.Instead != manager {
		t.Errorf("the manager is asked about their own submission: %+v", got)
	}
}

func TestATaskExplainsWhyItCameToItsPerson(t *testing.T) {
	s := newStage(t, small)
	s.people.Owner = manager
	s.must(workflows.Action{
		Kind: workflows.Submit, By: manager, Case: workflows.Case{Kind: models.Custom},
		Form: workflows.Form{"reason": "需要", "amount": little},
	})
	s.does(workflows.Transfer, leader, to(office))
	s.people.Delegations = []workflows.Delegation{leave(office, outsider)}
	day := calendar.DateOf(s.now)
	e, ok := workflows.Why(s.def, s.people, s.state, s.task(office), day, models.Chinese)
	want := []string{
		"审批", "或签：任一人的决定即为本步骤的决定",
		"本应由科长乙（项目科室负责人）办理，因回避改由上一级分管己办理", "分管己转办给办公室戊", "旁人受托，可代办公室戊办理",
	}
	if got := strings.Split(e.String(), "\n"); !ok || !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if e, _ := workflows.Why(s.def, s.people, s.state, s.task(office), day, models.English); e.Step != "Confirm" || !strings.Contains(e.String(), "may not decide here") {
		t.Errorf("in English: %s", e)
	}
	if _, ok := workflows.Why(s.def, s.people, s.state, 99, day, models.Chinese); ok {
		t.Error("a task that does not exist was explained")
	}
}

func TestEveryWayInWhichATaskCanComeIsExplained(t *testing.T) {
	s := submitted(t, edit(small, "mode: all", "mode: share\n    share: 50%"), much)
	said := func(task int) string {
		t.Helper()
		e, _ := workflows.Why(s.def, s.people, s.state, task, calendar.DateOf(s.now), models.Chinese)
		return e.String()
	}
	expect := func(task int, want string) {
		t.Helper()
		if got := said(task); !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	first := s.task(manager)
	expect(1, "填报后提交")
	s.does(workflows.Delegate, manager, to(outsider))
	s.does(workflows.GiveBack, outsider)
	expect(first, "科长乙委派旁人代为准备，交回后由本人决定\n旁人交回科长乙")
	s.does(workflows.AddSigner, manager, add(workflows.Before, office))
	expect(s.task(office), "由科长乙加签给办公室戊")
	s.must(workflows.Action{Kind: workflows.HandOver, By: admin, From: office, To: []int64{outsider}, Comment: "离职"})
	expect(s.task(outsider), "办公室戊离职或调岗，移交旁人")
	s.does(workflows.Approve, outsider)
	s.people.Delegations = []workflows.Delegation{leave(manager, office)}
	s.must(workflows.Action{Kind: workflows.Approve, By: office, Task: first})
	expect(first, "办公室戊受托代科长乙办理")
	expect(s.task(finance), "按比例：至少 50% 同意\n本步骤由财务科办理：财务丙")
	s.does(workflows.Approve, finance)
	expect(s.task(leader), "满足条件：金额 ≥ 50 万元")
	s.does(workflows.SendBack, leader, func(a *workflows.Action) { a.Step = workflows.ApplyStep })
	expect(s.task(owner), "流程被退回，由申请人经办甲重新填报")
}

func TestAStepThatIsAskedAgainIsNotSkipped(t *testing.T) {
	s := submitted(t, edit(small, "    limit: 3\n", "    empty: skip\n"), little)
	s.does(workflows.Approve, manager)
	s.people.Manager = 0 // has left, so that a first round would be skipped
	s.does(workflows.SendBack, finance, func(a *workflows.Action) { a.Step = "confirm" })
	s.at("confirm")
	if open := s.state.OpenTasks(); len(open) != 1 || open[0].Assignee != 0 || open[0].Why.How != workflows.OriginNobody {
		t.Fatalf("open are %+v", open)
	}
	s.must(workflows.Action{Kind: workflows.Transfer, By: admin, Task: s.task(0), To: []int64{office}, Comment: "接手"})
	s.does(workflows.Approve, office)
	s.at("check")
}

func TestASendingBackToSomebodyWhoHasLeftWaitsForAnAdministrator(t *testing.T) {
	s := submitted(t, small, little)
	s.people.People[owner] = workflows.Person{Name: "经办甲"}
	s.does(workflows.SendBack, manager, func(a *workflows.Action) { a.Step = workflows.ApplyStep })
	s.at(workflows.ApplyStep)
	task := s.state.OpenTasks()[0]
	if task.Assignee != 0 {
		t.Fatalf("it went to %d", task.Assignee)
	}
	s.must(workflows.Action{Kind: workflows.Transfer, By: admin, Task: task.ID, To: []int64{outsider}, Comment: "接手"})
	s.does(workflows.Submit, outsider)
	s.at("confirm")
	if s.state.Applicant != outsider || !slices.Contains(s.state.Applicants, owner) {
		t.Errorf("the applicants are %v", s.state.Applicants)
	}
}
