package workflows_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"duban/models"
	"duban/models/calendar"
	"duban/workflows"
)

// The people of the tests. The applicant of most is the owner, 1.
const (
	owner = int64(iota + 1)
	manager
	finance
	finance2
	office
	leader
	director
	admin
	outsider
	gone // has left
)

// small is the smallest definition that most tests need: apply, then approve.
const small = `
key: small
version: 1
title: {zh: 小流程, en: Small}
kinds: [custom]
form:
  - {name: reason, label: {zh: 理由, en: Reason}, type: text, required: true, max: 20}
  - {name: amount, label: {zh: 金额, en: Amount}, type: money, required: true, min: 0}
apply:
  title: {zh: 填报, en: Apply}
  who: [owner]
  empty: [manager]
steps:
  - id: confirm
    title: {zh: 审批, en: Confirm}
    who: [manager]
    limit: 3
  - id: check
    title: {zh: 核对, en: Check}
    who: [role:finance]
    mode: all
  - id: approve
    title: {zh: 批准, en: Approve}
    who: [role:leader]
    when: amount >= 50 * wan
`

func people() workflows.Directory {
	d := workflows.Directory{
		People: map[int64]workflows.Person{}, Owner: owner, Manager: manager, UnitLeader: director,
		Roles: map[models.Role][]int64{
			models.RoleOwner: {owner}, models.RoleManager: {manager}, models.RoleFinance: {finance, finance2},
			models.RoleOffice: {office}, models.RoleLeader: {leader}, models.RoleAdmin: {admin},
		},
	}
	for id, name := range map[int64]string{
		owner: "经办甲", manager: "科长乙", finance: "财务丙", finance2: "财务丁", office: "办公室戊",
		leader: "分管己", director: "主任庚", admin: "管理员", outsider: "旁人", gone: "离职人",
	} {
		d.People[id] = workflows.Person{Account: name, Name: name, Active: id != gone}
	}
	return d
}

// stage plays an instance, one minute an action, and fails on a surprise.
type stage struct {
	*testing.T
	def     workflows.Definition
	people  workflows.Directory
	state   workflows.State
	effects []workflows.Effect // of the last action
	now     time.Time
}

// monday is 2 June 2025, in the morning in Shanghai.
func monday() time.Time { return calendar.MustDate(2025, 6, 2).At(9, 0) }

func newStage(t *testing.T, source string) *stage {
	t.Helper()
	d, err := workflows.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	return &stage{T: t, def: d, people: people(), now: monday()}
}

// submitted is a stage on which the owner has applied for the amount in 分.
func submitted(t *testing.T, source, amount string) *stage {
	t.Helper()
	s := newStage(t, source)
	s.must(workflows.Action{
		Kind: workflows.Submit, By: owner, Case: workflows.Case{Kind: models.Custom},
		Form: workflows.Form{"reason": "需要", "amount": amount},
	})
	return s
}

func (s *stage) try(a workflows.Action) error {
	if a.At.IsZero() {
		s.now = s.now.Add(time.Minute)
		a.At = s.now
	}
	if t, ok := s.state.Task(a.Task); ok && a.TaskVersion == 0 {
		a.TaskVersion = t.Version
	}
	next, effects, err := workflows.Decide(s.def, s.people, s.state, a)
	if err == nil {
		s.state, s.effects = next, effects
	}
	return err
}

func (s *stage) must(a workflows.Action) {
	s.Helper()
	if err := s.try(a); err != nil {
		s.Fatalf("%s by %d: %v", a.Kind, a.By, err)
	}
}

// refuses requires that an action is refused with the code, and changes nothing.
func (s *stage) refuses(code workflows.Code, a workflows.Action) *workflows.Error {
	s.Helper()
	err := s.try(a)
	var refusal *workflows.Error
	if !errors.As(err, &refusal) || refusal.Code != code {
		s.Fatalf("%s by %d: %v; want %s", a.Kind, a.By, err, code)
	}
	return refusal
}

// task returns the open task of a person.
func (s *stage) task(person int64) int {
	s.Helper()
	for _, t := range s.state.OpenTasks() {
		if t.Assignee == person {
			return t.ID
		}
	}
	s.Fatalf("%d has no open task in %s", person, s.state.Step)
	return 0
}

// does lets the holder of an open task act on it.
func (s *stage) does(kind workflows.ActionKind, by int64, with ...func(*workflows.Action)) {
	s.Helper()
	a := workflows.Action{Kind: kind, By: by, Task: s.task(by), Comment: "意见"}
	for _, w := range with {
		w(&a)
	}
	s.must(a)
}

func to(ids ...int64) func(*workflows.Action) { return func(a *workflows.Action) { a.To = ids } }

func (s *stage) at(step string) {
	s.Helper()
	if s.state.Outcome != "" || s.state.Step != step {
		s.Fatalf("at %s %s; want %s", s.state.Step, s.state.Outcome, step)
	}
}

func (s *stage) ended(o workflows.Outcome) {
	s.Helper()
	if s.state.Outcome != o || len(s.state.OpenTasks()) > 0 {
		s.Fatalf("outcome %q at %s; want %q", s.state.Outcome, s.state.Step, o)
	}
}

// effect returns the first effect of a type.
func effect[E workflows.Effect](s *stage) (E, bool) {
	for _, e := range s.effects {
		if found, ok := e.(E); ok {
			return found, true
		}
	}
	var none E
	return none, false
}

// edit replaces pairs of texts in a definition.
func edit(source string, pairs ...string) string {
	return strings.NewReplacer(pairs...).Replace(source)
}
