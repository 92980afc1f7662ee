package workflows

import (
	"maps"
	"slices"
	"time"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

// State is one running instance of a workflow (流程实例). It is plain data:
// what JSON writes of it, JSON reads back equal. Its zero value is an instance
// that has not begun.
type State struct {
	Definition string `json:"definition"`
	Version    int    `json:"version"`
	Sequence   int    `json:"sequence"` // the number of actions taken: the length of the history
	Case       Case   `json:"case,omitzero"`

	Outcome Outcome `json:"outcome,omitempty"` // "" while it runs
	Reason  string  `json:"reason,omitempty"`  // of the outcome or the suspension

	// Applicant is who submitted last; Applicants is everyone who ever did,
	// and none of them may approve.
	Applicant  int64   `json:"applicant,omitempty"`
	Applicants []int64 `json:"applicants,omitempty"`
	Form       Form    `json:"form,omitempty"`
	FormHash   string  `json:"formHash,omitempty"`

	Step   string `json:"step,omitempty"` // the current one
	Round  int    `json:"round,omitempty"`
	Passed []Pass `json:"passed,omitempty"`
	// Return is set after a step was sent back, until its step is reached again.
	Return *Return `json:"return,omitempty"`
	Tasks  []Task  `json:"tasks,omitempty"` // of all rounds; a task's id is its position from 1

	Suspended   bool          `json:"suspended,omitempty"`
	SuspendedOn calendar.Date `json:"suspendedOn,omitzero"`
	UrgedAt     time.Time     `json:"urgedAt,omitzero"`
	Copies      []Copy        `json:"copies,omitempty"`
}

// Case is what an instance is about, frozen when it began: the evidence that
// its conditions and its readers rely on even if the records change.
type Case struct {
	Kind   models.Kind   `json:"kind,omitempty"`
	Unit   string        `json:"unit,omitempty"` // the unit's code
	Budget money.Fen     `json:"budget,omitempty"`
	Paid   money.Fen     `json:"paid,omitempty"`   // what was paid by then
	Plan   money.Percent `json:"plan,omitempty"`   // planned share
	Actual money.Percent `json:"actual,omitempty"` // executed share
	Gap    money.Fen     `json:"gap,omitempty"`    // what the execution is short of the plan
	AsOf   calendar.Date `json:"asOf,omitzero"`    // the day up to which the payments are known
	Batch  int64         `json:"batch,omitempty"`  // the import that they came from

	// Indicators (绩效指标) and the Checkpoints (支出计划时点) that are still to
	// come are the rows of the form's tables, in order and each key once.
	Indicators  []CaseRow `json:"indicators,omitempty"`
	Checkpoints []CaseRow `json:"checkpoints,omitempty"`
}

// CaseRow is one thing of a case that a table has a row for.
type CaseRow struct {
	Key    string `json:"key"`              // "1", an indicator's sequence; "2025-06-30", a checkpoint
	Title  string `json:"title"`            // what a person reads: 数量指标 会议次数
	Stated string `json:"stated,omitempty"` // as published: ≥4次, 50%
}

// Rows returns what the rows of a table with the given source are about, nil
// for free rows.
func (c Case) Rows(from RowSource) []CaseRow {
	switch from {
	case RowsIndicators:
		return c.Indicators
	case RowsCheckpoints:
		return c.Checkpoints
	case RowsFree:
	}
	return nil
}

// frozen returns the case with rows that nobody else can change, and none as
// JSON reads none back.
func (c Case) frozen() Case {
	c.Indicators = append([]CaseRow(nil), c.Indicators...)
	c.Checkpoints = append([]CaseRow(nil), c.Checkpoints...)
	return c
}

// Outcome is how an instance ended.
type Outcome string

// The outcomes. They are final.
const (
	Approved   Outcome = "approved"
	Rejected   Outcome = "rejected"   // 驳回
	Withdrawn  Outcome = "withdrawn"  // 撤回
	Terminated Outcome = "terminated" // 终止, by an administrator
)

// Pass records that a step is done with. Round is 0 if it was skipped because
// nobody holds its parties.
type Pass struct {
	Step  string `json:"step"`
	Round int    `json:"round,omitempty"`
}

// Return remembers from which step the instance was sent back (退回).
type Return struct {
	From     string `json:"from"`
	Straight bool   `json:"straight,omitempty"` // 直送: the steps between keep their approval
}

// Copy is one person's copy (抄送); ReadAt is zero until it was read.
type Copy struct {
	To     int64     `json:"to"`
	By     int64     `json:"by,omitempty"` // 0: the definition says so
	At     time.Time `json:"at"`
	ReadAt time.Time `json:"readAt,omitzero"`
}

// TaskState is the state of a task.
type TaskState string

// The states of a task. From TaskSubmitted on they are final.
const (
	TaskWaiting   TaskState = "waiting" // not yet its turn
	TaskOpen      TaskState = "open"    // 待办
	TaskSubmitted TaskState = "submitted"
	TaskApproved  TaskState = "approved"
	TaskRejected  TaskState = "rejected"
	TaskSentBack  TaskState = "sent_back"
	TaskMerged    TaskState = "merged" // the person agreed in the step before
	TaskClosed    TaskState = "closed" // no longer needed
)

// Done reports whether the task needs no decision any more.
func (s TaskState) Done() bool { return s != TaskWaiting && s != TaskOpen }

// Placement says on which side of the adder's own decision an added signer comes.
type Placement string

// The placements of added signers.
const (
	Before Placement = "before" // 前加签
	After  Placement = "after"  // 后加签
)

// Task is one seat in a round of a step: one person's decision.
type Task struct {
	ID       int       `json:"id"`
	Version  int       `json:"version"` // grows with every change of the task
	Step     string    `json:"step"`
	Round    int       `json:"round"`
	State    TaskState `json:"state"`
	Assignee int64     `json:"assignee,omitempty"` // 0: 待指派, an administrator must find somebody
	Why      Reason    `json:"why"`

	// Lender is who lent the task out (委派) and will get it back.
	Lender int64 `json:"lender,omitempty"`
	// Parent is the task for which this signer was added (加签), and AddedBy
	// the person who did it.
	Parent  int       `json:"parent,omitempty"`
	Place   Placement `json:"place,omitempty"`
	AddedBy int64     `json:"addedBy,omitempty"`

	ActedBy  int64 `json:"actedBy,omitempty"`  // who decided
	ActedFor int64 `json:"actedFor,omitempty"` // for whom, if it was a stand-in
	// TouchedBy and TouchedAt tell who changed the task last.
	TouchedBy int64     `json:"touchedBy,omitempty"`
	TouchedAt time.Time `json:"touchedAt,omitzero"`

	DueOn     calendar.Date `json:"dueOn,omitzero"`
	Remaining int           `json:"remaining,omitempty"` // workdays left when it was suspended
	Rung      int           `json:"rung,omitempty"`      // of the ladder, the next one
	Overdue   bool          `json:"overdue,omitempty"`   // on the overdue list
}

// Reason says how a task came to its person.
type Reason struct {
	Party Party  `json:"party,omitzero"` // the party of the step that was resolved
	How   Origin `json:"how"`
	// Instead is who would have been asked, for OriginUp.
	Instead int64 `json:"instead,omitempty"`
	Hops    []Hop `json:"hops,omitempty"`
}

// Origin says by which rule a task was given to its first person.
type Origin string

// The origins of tasks.
const (
	OriginParty     Origin = "party"     // the step names the person or the role
	OriginFallback  Origin = "fallback"  // nobody holds the step's parties
	OriginUp        Origin = "up"        // the one below may not decide
	OriginAdded     Origin = "added"     // 加签
	OriginApplicant Origin = "applicant" // sent back to who applied
	OriginNobody    Origin = "nobody"    // 待指派
)

// Hop is one hand-over of a task.
type Hop struct {
	Kind ActionKind `json:"kind"` // transfer, delegate, return, hand_over or deadline
	From int64      `json:"from,omitempty"`
	To   int64      `json:"to"`
	At   time.Time  `json:"at"`
}

// clone returns a copy that shares nothing with s but the rows of its case:
// they are frozen.
func (s State) clone() State {
	s.Applicants = slices.Clone(s.Applicants)
	s.Form = maps.Clone(s.Form)
	s.Passed = slices.Clone(s.Passed)
	s.Copies = slices.Clone(s.Copies)
	s.Tasks = slices.Clone(s.Tasks)
	for i := range s.Tasks {
		s.Tasks[i].Why.Hops = slices.Clone(s.Tasks[i].Why.Hops)
	}
	if s.Return != nil {
		r := *s.Return
		s.Return = &r
	}
	return s
}

// Task returns the task with the given id.
func (s State) Task(id int) (Task, bool) {
	if id < 1 || id > len(s.Tasks) {
		return Task{}, false
	}
	return s.Tasks[id-1], true
}

// OpenTasks returns the tasks that wait for a decision now.
func (s State) OpenTasks() []Task {
	var open []Task
	for _, t := range s.Tasks {
		if t.State == TaskOpen {
			open = append(open, t)
		}
	}
	return open
}

// Began reports whether the instance exists at all.
func (s State) Began() bool { return s.Definition != "" }

// hasPassed reports whether a step is on the list of passed ones.
func (s State) hasPassed(step string) bool {
	return slices.ContainsFunc(s.Passed, func(p Pass) bool { return p.Step == step })
}
