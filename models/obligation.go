package models

import (
	"fmt"

	"duban/models/calendar"
	"duban/models/money"
)

// Kind is a kind of duty. A new one needs an evaluation, a rule and templates.
type Kind string

// The kinds of obligations.
const (
	SpendingTarget Kind = "spending_target" // 支出进度
	Completion     Kind = "completion"      // 完成时限
	Recurring      Kind = "recurring"       // 定期支付
	Refinement     Kind = "refinement"      // 代编预算细化
	Monitoring     Kind = "monitoring"      // 绩效运行监控
	SelfEvaluation Kind = "self_evaluation" // 绩效自评
	Procurement    Kind = "procurement"     // 政府采购
	Rectification  Kind = "rectification"   // 审计整改
	Custom         Kind = "custom"          // 其他
)

// Kinds lists every kind.
var Kinds = []Kind{SpendingTarget, Completion, Recurring, Refinement, Monitoring, SelfEvaluation, Procurement, Rectification, Custom}

// State is the state of an obligation. It follows from the records, so a late
// voucher can turn missed into met; only waived is a person's decision.
type State string

// The states of an obligation.
const (
	StateOpen   State = "open"
	StateMet    State = "met"    // fulfilled by the due date
	StateMissed State = "missed" // the due date passed; see Obligation.SettledOn
	StateWaived State = "waived" // no longer required, with a reason
)

// Light is the traffic light (红黄绿灯): how far execution is behind the plan.
type Light string

// The lights, from good to bad.
const (
	Green  Light = "green"
	Blue   Light = "blue"   // 关注
	Yellow Light = "yellow" // 预警
	Red    Light = "red"
)

// Lights lists them, in that order.
var Lights = []Light{Green, Blue, Yellow, Red}

// Obligation is a dated duty (督办事项): the one thing that duban supervises.
// Subject, kind, due date and sequence are unique together.
type Obligation struct {
	ID int64
	Stamps
	Subject    string // ProjectSubject or UnitSubject
	UnitID     int64
	ProjectID  int64 // 0 for a duty of the whole unit
	FiscalYear int
	Kind       Kind
	Sequence   int // tells duties of one kind and day apart, from 0
	Title      string
	DueOn      calendar.Date
	// FirstDueOn is the due date as published, once an approved extension has
	// moved DueOn; zero until then.
	FirstDueOn calendar.Date
	PeriodFrom calendar.Date // Recurring: the first day whose payments count

	// SpendingTarget: the share of the annual budget to be paid by DueOn, and
	// that share in 分 of the current budget, rounded for display.
	Percent money.Percent
	Amount  money.Fen

	State     State
	Light     Light
	SettledOn calendar.Date // the day on which it was fulfilled, late or not

	// DoneOn is when a person reported it done, for kinds that no record
	// proves; DoneNote is what they said.
	DoneOn   calendar.Date
	DoneBy   string
	DoneNote string

	// CheckedOn is the last day that a sweep has evaluated, the watermark
	// from which the next one catches up. NextCheckOn is the first day on
	// which anything can change or must be said; zero means never.
	CheckedOn   calendar.Date
	NextCheckOn calendar.Date

	Source  string // the published words that it comes from
	Version int64
}

// ProjectSubject and UnitSubject name what an obligation is about in one
// column, because a unique index does not compare NULLs.
func ProjectSubject(id int64) string { return fmt.Sprintf("p%d", id) }

// UnitSubject is ProjectSubject for a duty of a whole unit.
func UnitSubject(id int64) string { return fmt.Sprintf("u%d", id) }

// Settled reports whether nothing remains to be done about the obligation.
func (o Obligation) Settled() bool {
	return o.State == StateWaived || !o.SettledOn.IsZero()
}
