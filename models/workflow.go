package models

import (
	"time"

	"duban/models/calendar"
	"duban/models/money"
)

// WorkflowDefinition is one published version of a workflow (流程定义). It is
// never changed: running instances keep the version that they began with.
type WorkflowDefinition struct {
	ID int64
	Stamps
	Workflow    string // its key; unique together with Number
	Number      int    // its version
	Source      string // YAML
	PublishedBy string
}

// WorkflowInstance is one run of a workflow about a duty (流程实例). State is
// the truth; the columns beside it are what lists and constraints need of it.
type WorkflowInstance struct {
	ID int64
	Stamps
	Workflow     string
	Number       int // the version of its definition
	ObligationID int64
	// OpenFor is ObligationID while the instance runs and nil afterwards. It is
	// unique together with Workflow: a duty has one open instance of each.
	OpenFor     *int64
	UnitID      int64
	ProjectID   int64 // 0 for a duty of the whole unit
	FiscalYear  int
	Title       string // of the duty, when it began
	ApplicantID int64  // 0 until somebody has submitted
	Step        string // the current one
	Outcome     string // "" while it runs
	Suspended   bool
	EndedAt     *time.Time
	EndedBy     int64  // 0 for the system, or while it runs
	Sequence    int64  // the number of actions taken; grows by one with each
	State       string // JSON, the workflow's own
}

// WorkflowTask is one person's decision in an instance (待办), as lists need it.
type WorkflowTask struct {
	ID int64
	Stamps
	InstanceID int64
	Task       int // its number in the instance
	Version    int64
	Step       string
	State      string
	AssigneeID int64 // 0: 待指派
	LenderID   int64 // who lent it out, 0 for nobody
	ActedBy    int64
	ActedFor   int64
	TouchedAt  time.Time
	DueOn      calendar.Date // 办理时限, zero for none
	Overdue    bool          // 超期清单
}

// WorkflowAction is one line of an instance's history (办理记录). It is only
// ever added.
type WorkflowAction struct {
	ID int64
	Stamps
	InstanceID int64
	Sequence   int64 // from 1, without gaps
	Kind       string
	ByID       int64 // 0 for the system
	ForID      int64 // for whom a stand-in acted
	At         time.Time
	Task       int
	Step       string
	Comment    string
	Detail     string // the whole action, JSON
}

// WorkflowCopy is a person's copy of an instance (抄送).
type WorkflowCopy struct {
	ID int64
	Stamps
	InstanceID int64
	UserID     int64
	ReadAt     *time.Time // 已阅
}

// TimerState is the state of a timer.
type TimerState string

// The states of a timer. One that has done its work is deleted.
const (
	TimerPending TimerState = "pending"
	TimerDead    TimerState = "dead" // given up; an administrator must look
)

// WorkflowTimer is the next rung of a task's time limit (时限). There is at
// most one for each task.
type WorkflowTimer struct {
	ID int64
	Stamps
	InstanceID int64
	Task       int
	Rung       int
	State      TimerState
	FireAt     time.Time
	Attempts   int
	LeaseToken string
	LeaseUntil *time.Time
	LastError  string
}

// Delegation lets one person act for another while that one is away (委托),
// from the first to the last day, both included.
type Delegation struct {
	ID int64
	Stamps
	FromID    int64
	ToID      int64
	FirstDay  calendar.Date
	LastDay   calendar.Date
	Workflows []string `gorm:"serializer:json"` // the keys that it covers; none means all
	Reason    string
	RevokedAt *time.Time
	Version   int64
}

// DueDateChange is an approved extension (延期): what the due date was and is.
type DueDateChange struct {
	ID int64
	Stamps
	ObligationID int64
	InstanceID   int64 // the workflow that approved it
	Was          calendar.Date
	DueOn        calendar.Date
	Reason       string
}

// Statement is what a table states of a project's money.
type Statement struct {
	Budget      money.Fen `json:"budget"`
	Fiscal      money.Fen `json:"fiscal"`
	Other       money.Fen `json:"other"`
	Placeholder bool      `json:"placeholder,omitempty"`
	Plan        []Planned `json:"plan,omitempty"`
}

// Planned is one checkpoint of a stated spending plan.
type Planned struct {
	DueOn   calendar.Date `json:"due_on"`
	Label   string        `json:"label"`
	Percent money.Percent `json:"percent"`
}

// BudgetRevision is an approved change of a project's budget or plan (预算
// 调剂). What was stated before stays on record.
type BudgetRevision struct {
	ID int64
	Stamps
	ProjectID  int64
	InstanceID int64
	RevisedOn  calendar.Date
	Was        Statement `gorm:"serializer:json"`
	Revised    Statement `gorm:"serializer:json"`
	Reason     string
}

// BudgetItem is one line of a refined placeholder budget (代编预算细化明细). A
// line with a code has become a project of its own.
type BudgetItem struct {
	ID int64
	Stamps
	UnitID       int64
	ProjectID    int64 // the placeholder; 0 if the whole unit's budget was refined
	ObligationID int64
	InstanceID   int64
	Sequence     int // from 1
	Code         string
	Name         string
	Amount       money.Fen
	RefinedID    int64 // the project that it became, 0 for an item
}

// Report is what an approved workflow put on record about a duty (填报): the
// measures of a corrective action, a monitoring report, a self-evaluation.
type Report struct {
	ID int64
	Stamps
	ObligationID int64
	InstanceID   int64
	ProjectID    int64
	Workflow     string
	RecordedOn   calendar.Date
	Answers      map[string]string `gorm:"serializer:json"` // by parameter, in stored form
}

// IndicatorResult is the reported actual of one indicator (指标完成值), by its
// sequence in the published table.
type IndicatorResult struct {
	ID int64
	Stamps
	ProjectID  int64
	Sequence   int
	InstanceID int64
	Workflow   string // monitoring or self_evaluation
	RecordedOn calendar.Date
	Actual     string
	Weight     string // 分值, "" where nothing is scored
	Score      string // 得分, an exact decimal
	Note       string
}

// Attachment is a file that a form refers to by its id (附件).
type Attachment struct {
	ID int64
	Stamps
	Name       string
	MediaType  string
	Size       int64 // bytes
	SHA256     string
	UploadedBy int64
	InstanceID int64 // 0 until the form that names it was submitted
	Content    fileContent
}
