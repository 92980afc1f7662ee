package workflows

import (
	"time"

	"duban/models/calendar"
)

// Action is one thing that a person, or the system, does to an instance. Which
// fields count depends on the kind.
type Action struct {
	Kind ActionKind `json:"kind"`
	By   int64      `json:"by,omitempty"` // the user, 0 for the system
	At   time.Time  `json:"at"`

	// Task and TaskVersion are the task as the person saw it.
	Task        int    `json:"task,omitempty"`
	TaskVersion int    `json:"taskVersion,omitempty"`
	FormHash    string `json:"formHash,omitempty"` // "" if the person saw no form
	Form        Form   `json:"form,omitempty"`
	Comment     string `json:"comment,omitempty"`

	Case     Case      `json:"case,omitzero"`      // of the action that begins an instance
	To       []int64   `json:"to,omitempty"`       // persons to transfer to, add, copy
	From     int64     `json:"from,omitempty"`     // HandOver: the leaver
	Step     string    `json:"step,omitempty"`     // SendBack: the step to go back to
	Straight bool      `json:"straight,omitempty"` // SendBack: 直送
	Place    Placement `json:"place,omitempty"`    // AddSigner
	Rung     int       `json:"rung,omitempty"`     // Deadline: as in the TimerSet

	DueOn calendar.Date `json:"dueOn,omitzero"` // Reschedule: the new due date
}

// ActionKind is what is done.
type ActionKind string

// The actions.
const (
	Open         ActionKind = "open"          // by the system: asks the applicant to fill the form in
	Submit       ActionKind = "submit"        // 提交, also again after a sending back
	Approve      ActionKind = "approve"       // 同意
	Reject       ActionKind = "reject"        // 驳回: the end
	SendBack     ActionKind = "send_back"     // 退回 to a step that was passed
	Withdraw     ActionKind = "withdraw"      // 撤回, by the applicant; by the system with a reason
	Transfer     ActionKind = "transfer"      // 转办: the decision becomes another person's
	Delegate     ActionKind = "delegate"      // 委派: another person prepares it and returns it
	GiveBack     ActionKind = "return"        // 交回 a delegated task
	AddSigner    ActionKind = "add_signer"    // 加签
	RemoveSigner ActionKind = "remove_signer" // 减签, of a signer whom the person added
	Urge         ActionKind = "urge"          // 催办
	Comment      ActionKind = "comment"       // 评论
	CopyTo       ActionKind = "copy"          // 抄送
	MarkRead     ActionKind = "mark_read"     // 已阅
	Suspend      ActionKind = "suspend"       // 挂起
	Resume       ActionKind = "resume"        // 恢复
	Terminate    ActionKind = "terminate"     // 终止
	HandOver     ActionKind = "hand_over"     // 离职转办
	Reschedule   ActionKind = "reschedule"    // 调整时限 of an open task, by an administrator
	Deadline     ActionKind = "deadline"      // by the system: a rung of the ladder is due
)

// System is the By of what nobody but the server did.
const System int64 = 0
