package workflows

import "duban/models/calendar"

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
}

// parameters returns what an effect takes, and whether there is such an effect.
// A report takes any fields, under any names.
func (e EffectName) parameters() (params []parameter, open, ok bool) {
	words := []FieldType{FieldText, FieldChoice}
	switch e {
	case MoveDueDate:
		return []parameter{{"date", []FieldType{FieldDate}, true}, {"reason", words, true}}, false, true
	case ReviseBudget:
		return []parameter{{"amount", []FieldType{FieldMoney}, true}, {"reason", words, true}, {"plan", []FieldType{FieldFile, FieldText}, false}}, false, true
	case CloseObligation:
		return []parameter{{"note", words, false}}, false, true
	case RefineBudget:
		return []parameter{{"breakdown", []FieldType{FieldFile, FieldText}, true}, {"total", []FieldType{FieldMoney}, false}}, false, true
	case RecordReport:
		return nil, true, true
	case CloseAfterVerification:
		return []parameter{{"verified_on", []FieldType{FieldDate}, true}, {"note", words, true}}, false, true
	}
	return nil, false, false
}
