package workflows

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"duban/models"
	"duban/models/calendar"
)

// Effect is something that must happen outside, in the transaction that stores
// the new state, and in the given order. It is one of the types of this file.
type Effect interface{ effect() }

// TaskChanged asks to store a task as it is now. There is one for each task
// that the action added or changed; they come before all other effects.
type TaskChanged struct{ Task Task }

// Notify asks for a message to each person of To.
type Notify struct {
	Template Template
	To       []int64
	Task     int // 0 if it is about the instance
}

// TimerSet asks for a [Deadline] action for the task on the given day, instead
// of any timer that it has.
type TimerSet struct {
	Task int
	On   calendar.Date
	Rung int // position in the step's ladder
	Do   RungAction
}

// TimerCancelled takes the task's timer away.
type TimerCancelled struct{ Task int }

// Copied says that people got a copy (抄送) to read.
type Copied struct{ To []int64 }

// ListedOverdue puts the task on the overdue list (超期清单).
type ListedOverdue struct{ Task int }

// Business is a change of the records that the approval asks for. Values are
// by parameter, in the stored form of the field's type.
type Business struct {
	Do     EffectName
	Values map[string]string
}

// Ended says that the instance has its outcome.
type Ended struct{ Outcome Outcome }

func (TaskChanged) effect()    {}
func (Notify) effect()         {}
func (TimerSet) effect()       {}
func (TimerCancelled) effect() {}
func (Copied) effect()         {}
func (ListedOverdue) effect()  {}
func (Business) effect()       {}
func (Ended) effect()          {}

// Template names the text of a message.
type Template string

// The messages of a workflow.
const (
	NotifyTask       Template = "workflow_task"       // 待办
	NotifyUnassigned Template = "workflow_unassigned" // 待指派, to the administrators
	NotifySentBack   Template = "workflow_sent_back"  // 退回
	NotifyRemind     Template = "workflow_remind"     // 到期提醒
	NotifyUrge       Template = "workflow_urge"       // 催办
	NotifyOverdue    Template = "workflow_overdue"    // 超期抄送
	NotifyCopy       Template = "workflow_copy"       // 抄送
	NotifyComment    Template = "workflow_comment"    // 评论
	NotifyApproved   Template = "workflow_approved"
	NotifyRejected   Template = "workflow_rejected"
	NotifyWithdrawn  Template = "workflow_withdrawn"
	NotifyTerminated Template = "workflow_terminated"
)

// EffectName names a business effect.
type EffectName string

// The business effects.
const (
	MoveDueDate            EffectName = "move_due_date"
	ReviseBudget           EffectName = "revise_budget"
	CloseObligation        EffectName = "close_obligation"
	RefineBudget           EffectName = "refine_budget"
	RecordReport           EffectName = "record_report"
	CloseAfterVerification EffectName = "close_after_verification" // 销号
)

// parameter is one thing that a business effect needs from the form.
type parameter struct {
	name     string
	fields   []FieldType // the types of field that can supply it
	required bool
	table    shape // what a table that supplies it must look like
}

// shape is what the effect relies on in a table.
type shape struct {
	rows    RowSource
	columns []Field // by name and type; a required one must be required, a bounded one at most as long
	only    bool    // no other columns
}

// parameters returns what an effect takes, and whether there is such an effect.
// A report takes any fields, under any names.
func (e EffectName) parameters() (params []parameter, open, ok bool) {
	words := []FieldType{FieldText, FieldChoice}
	date, amount, table := []FieldType{FieldDate}, []FieldType{FieldMoney}, []FieldType{FieldTable}
	switch e {
	case MoveDueDate:
		params = []parameter{{name: "date", fields: date, required: true}, {name: "reason", fields: words, required: true}}
	case ReviseBudget:
		params = []parameter{
			{name: "amount", fields: amount, required: true},
			{name: "reason", fields: words, required: true},
			{name: "plan", fields: table, table: planShape()},
		}
	case CloseObligation:
		params = []parameter{{name: "note", fields: words}}
	case RefineBudget:
		params = []parameter{{name: "breakdown", fields: table, required: true, table: breakdownShape()}}
	case RecordReport:
		return nil, true, true
	case CloseAfterVerification:
		params = []parameter{{name: "verified_on", fields: date, required: true}, {name: "note", fields: words, required: true}}
	default:
		return nil, false, false
	}
	return params, false, true
}

// planShape is a spending plan: a cumulative share in % for each checkpoint,
// blank where there is no target.
func planShape() shape {
	return shape{rows: RowsCheckpoints, columns: []Field{{Name: "percent", Type: FieldNumber}}, only: true}
}

// breakdownShape is what a placeholder budget is refined into. A row with a
// code becomes a project, one without an item of the placeholder.
func breakdownShape() shape {
	return shape{columns: []Field{
		{Name: "name", Type: FieldText, Required: true, Max: "255"},
		{Name: "amount", Type: FieldMoney, Required: true},
		{Name: "code", Type: FieldText, Max: "64"},
		{Name: "goal", Type: FieldText},
	}}
}

// problem says why a table does not have the shape, "" if it has.
func (s shape) problem(f Field) string {
	switch {
	case f.RowsFrom == s.rows:
	case s.rows == RowsFree:
		return fmt.Sprintf("表格 %s 的行由人填写，不写 rows", f.Name)
	default:
		return fmt.Sprintf("表格 %s 的 rows 应为 %s", f.Name, s.rows)
	}
	for _, want := range s.columns {
		i := slices.IndexFunc(f.Columns, func(c Field) bool { return c.Name == want.Name })
		switch {
		case want.Required && (i < 0 || !f.Columns[i].Required):
			return fmt.Sprintf("表格 %s 应有必填的列 %s", f.Name, want.Name)
		case i >= 0 && f.Columns[i].Type != want.Type:
			return fmt.Sprintf("表格 %s 的列 %s 应为 %s 类型", f.Name, want.Name, want.Type)
		case i >= 0 && want.Max != "" && longer(f.Columns[i].Max, want.Max):
			return fmt.Sprintf("表格 %s 的列 %s 应写 max，不超过 %s", f.Name, want.Name, want.Max)
		}
	}
	for _, c := range f.Columns {
		if s.only && !slices.ContainsFunc(s.columns, func(want Field) bool { return want.Name == c.Name }) {
			return fmt.Sprintf("表格 %s 不应有列 %s", f.Name, c.Name)
		}
	}
	return ""
}

// longer reports whether one bound of a text allows more than another; "" is
// no bound.
func longer(bound, than string) bool {
	have, err := strconv.Atoi(bound)
	most, _ := strconv.Atoi(than) // ours
	return err != nil || have > most
}

// effects checks what the effects cannot do for these duties, or not twice:
// the last approval would fail for ever.
func (k *checker) effects() {
	closable := func(kind models.Kind) bool { return kind != models.SpendingTarget && kind != models.Recurring }
	seen := map[EffectName]bool{}
	for i, e := range k.def.Effects {
		at := fmt.Sprintf("effects[%d]", i+1)
		if seen[e.Do] {
			k.fail("", at+".do", "%s 只能写一次", e.Do)
		}
		seen[e.Do] = true
		if e.Do != CloseObligation && e.Do != CloseAfterVerification {
			continue
		}
		for _, kind := range k.def.Kinds {
			if !closable(kind) {
				k.fail("", at+".do", "“%s”以支出记录为准，不能由流程办结", kind)
			}
		}
	}
	tables := 0
	for _, f := range k.def.Form {
		if f.RowsFrom == RowsIndicators {
			tables++
		}
	}
	if seen[RecordReport] && tables > 1 {
		k.fail("", "form", "rows: indicators 的表格最多一个，有 %d 个", tables)
	}
}

func (k *checker) effect(at string, e Completion) {
	params, open, ok := e.Do.parameters()
	if !ok {
		oneOf(k, "", at+".do", e.Do, MoveDueDate, ReviseBudget, CloseObligation, RefineBudget, RecordReport, CloseAfterVerification)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(e.With)) {
		f, exists := k.def.Field(e.With[name])
		i := slices.IndexFunc(params, func(p parameter) bool { return p.name == name })
		switch {
		case !open && i < 0:
			k.fail("", at+".with."+name, "%s 没有这个参数", e.Do)
		case !exists:
			k.fail("", at+".with."+name, "表单没有字段 %s", e.With[name])
		case !open && !slices.Contains(params[i].fields, f.Type):
			k.fail("", at+".with."+name, "字段 %s 的类型 %s 不适用", f.Name, f.Type)
		case !open && params[i].required && !k.certain(f):
			k.fail("", at+".with."+name, "字段 %s 应为必填，且由填报或必经步骤填写", f.Name)
		case !open && f.Type == FieldTable:
			if problem := params[i].table.problem(f); problem != "" {
				k.fail("", at+".with."+name, "%s", problem)
			}
		}
	}
	for _, p := range params {
		if _, given := e.With[p.name]; p.required && !given {
			k.fail("", at+".with", "%s 缺少参数 %s", e.Do, p.name)
		}
	}
	if open && len(e.With) == 0 {
		k.fail("", at+".with", "%s 至少写一个字段", e.Do)
	}
}
