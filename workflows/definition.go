package workflows

import (
	"slices"
	"strings"

	"duban/models"
	"duban/models/money"
)

// ApplyStep is the id of the step in which the applicant (申请人) fills the
// form in. Every definition has it, before all other steps.
const ApplyStep = "apply"

// Definition is one version of a workflow (流程定义). It comes from [Parse] and
// must not be changed afterwards: running instances rely on it.
type Definition struct {
	Key      string // corrective_action; unique together with Version
	Version  int
	Title    Text
	Kinds    []models.Kind // the duties it serves
	Withdraw WithdrawRule
	// UrgeHours is how many hours must lie between two urgings (催办).
	UrgeHours int
	// Upwards is the chain of superiors, lowest first: who is asked instead of
	// the applicant, and whom an overdue task climbs to.
	Upwards []Party
	Form    []Field
	Apply   Step
	Steps   []Step
	Effects []Completion

	source string
	lines  map[place]int
}

// Completion is a business effect (业务效果) of an approval: what is done, and
// which form field supplies each of its parameters.
type Completion struct {
	Do   EffectName
	With map[string]string // parameter → field
}

// Text is a text in the two languages that duban speaks.
type Text struct{ Chinese, English string }

// In returns the text in the given language; Chinese is the default.
func (t Text) In(l models.Language) string {
	if l == models.English && t.English != "" {
		return t.English
	}
	return t.Chinese
}

// Step is one station of a workflow (步骤).
type Step struct {
	ID    string
	Title Text
	Who   []Party
	Mode  Mode
	Share money.Percent // the part of the seats that must agree, for ModeShare
	When  Condition     // the zero condition always holds
	// Limit is the time limit in workdays (办理时限), 0 for none, and Ladder
	// what happens around it.
	Limit  int
	Ladder []Rung
	Copies []Party // who gets a copy (抄送) when the step is passed
	// Empty says what happens if Who is nobody. Fallback are the people asked
	// instead, for EmptyFallback.
	Empty     EmptyRule
	Fallback  []Party
	Duplicate DuplicateRule
	Self      SelfRule
	// SeparateFrom are steps whose deciders may not decide here (职责分离).
	SeparateFrom []string
	// Fills are the form fields that whoever decides here fills in.
	Fills []string
}

// Mode says how many of the seats of a step must agree.
type Mode string

// The modes.
const (
	ModeAny        Mode = "any"        // 或签: the first decision is the step's
	ModeAll        Mode = "all"        // 会签
	ModeSequential Mode = "sequential" // 依次: all, one after another
	ModeShare      Mode = "share"      // 比例: at least an exact percentage
)

// EmptyRule says what happens if nobody holds the parties of a step.
type EmptyRule string

// The rules for a step without people. In no case is a step skipped because
// its only holder may not decide.
const (
	EmptyError    EmptyRule = "error" // submitting is refused
	EmptySkip     EmptyRule = "skip"
	EmptyFallback EmptyRule = "fallback"
)

// DuplicateRule says what happens to a person who has just decided the step
// before and is asked again about the same form.
type DuplicateRule string

// The rules for the same person in consecutive steps.
const (
	DuplicateAsk   DuplicateRule = "ask"
	DuplicateMerge DuplicateRule = "merge" // the decision before counts here too
)

// SelfRule says what happens if a step asks the applicant.
type SelfRule string

// The rules for a self approver.
const (
	SelfUp    SelfRule = "up"    // the next person up is asked instead
	SelfAllow SelfRule = "allow" // the applicant may decide
)

// WithdrawRule says when the applicant may withdraw (撤回).
type WithdrawRule string

// The rules for withdrawing.
const (
	WithdrawUndecided WithdrawRule = "undecided" // until somebody else has decided
	WithdrawRunning   WithdrawRule = "running"   // until the end
	WithdrawNever     WithdrawRule = "never"
)

// Rung is one rung of the ladder of a time limit.
type Rung struct {
	After int // workdays after the limit, negative before it
	Do    RungAction
}

// RungAction is what a rung does. None of them decides.
type RungAction string

// The rungs, from mild to hard.
const (
	RungRemind      RungAction = "remind"       // 提醒
	RungUrge        RungAction = "urge"         // 催办
	RungCopyManager RungAction = "copy_manager" // 抄送科室负责人
	RungTransferUp  RungAction = "transfer_up"  // 逐级上移
	RungOverdueList RungAction = "overdue_list" // 列入超期清单
)

// standardLadder is the ladder of a step that states a limit and no ladder.
func standardLadder() []Rung {
	return []Rung{{-1, RungRemind}, {0, RungUrge}, {1, RungCopyManager}, {3, RungTransferUp}, {5, RungOverdueList}}
}

// Step returns the step with the given id, the apply step included.
func (d Definition) Step(id string) (Step, bool) {
	if id == ApplyStep {
		return d.Apply, true
	}
	if i := d.index(id); i >= 0 {
		return d.Steps[i], true
	}
	return Step{}, false
}

// index returns the position of a step, -1 for the apply step and any unknown.
func (d Definition) index(id string) int {
	return slices.IndexFunc(d.Steps, func(s Step) bool { return s.ID == id })
}

// Field returns the form field with the given name.
func (d Definition) Field(name string) (Field, bool) {
	for _, f := range d.Form {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

// FilledAt returns the step that fills a field in, usually ApplyStep. A
// computed field is filled in with its table.
func (d Definition) FilledAt(name string) string {
	if f, _ := d.Field(name); f.Computed() {
		name, _, _ = strings.Cut(f.Sum, ".")
	}
	for _, s := range d.Steps {
		if slices.Contains(s.Fills, name) {
			return s.ID
		}
	}
	return ApplyStep
}

// summed returns the table and the column that a computed field adds up.
func (d Definition) summed(f Field) (table, column Field, ok bool) {
	name, cell, _ := strings.Cut(f.Sum, ".")
	table, _ = d.Field(name)
	i := slices.IndexFunc(table.Columns, func(c Field) bool { return c.Name == cell })
	if i < 0 {
		return table, Field{}, false
	}
	return table, table.Columns[i], true
}

// separated reports whether the deciders of one step may not decide the other.
func (d Definition) separated(a, b string) bool {
	sa, _ := d.Step(a)
	sb, _ := d.Step(b)
	return slices.Contains(sa.SeparateFrom, b) || slices.Contains(sb.SeparateFrom, a)
}

// Source returns the YAML that the definition was read from, which is what is
// stored.
func (d Definition) Source() string { return d.source }

// Serves reports whether the workflow is meant for duties of the given kind.
func (d Definition) Serves(k models.Kind) bool { return slices.Contains(d.Kinds, k) }
