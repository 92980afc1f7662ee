package models

import (
	"time"

	"duban/models/calendar"
	"duban/models/money"
)

// ProjectState says whether a project is still supervised.
type ProjectState string

// The states of a project.
const (
	ProjectActive  ProjectState = "active"
	ProjectDropped ProjectState = "dropped" // no longer in the published document
)

// Project is a budget project (预算项目) of one fiscal year. Fiscal year and
// code are unique together.
type Project struct {
	ID int64
	Stamps
	FiscalYear  int
	Code        string
	Name        string
	UnitID      int64
	Budget      money.Fen // 预算数
	Fiscal      money.Fen // 其中：财政资金
	Other       money.Fen // 其他资金
	Purpose     string    // 资金用途
	Goal        string    // 绩效目标, as published
	Placeholder bool      // 代编预算: to be refined into projects by 30 June
	OwnerID     int64     // 经办人, 0 while nobody is named
	ManagerID   int64     // 科室负责人, 0 while nobody is named
	State       ProjectState
	BatchID     int64 // the import that stated it last
	SourceLine  int   // where the document states it
	Version     int64
}

// Target is one checkpoint of a project's spending plan (资金支出计划) that the
// published table states. A blank cell has no Target: it is "no target", which
// is neither 0 % nor behind.
type Target struct {
	ID int64
	Stamps
	ProjectID int64
	DueOn     calendar.Date // 3月底 is 31 March
	Label     string        // the column heading as published
	Percent   money.Percent // cumulative share of the year's budget
}

// Indicator is one performance indicator (绩效指标) of a project. The published
// texts are kept as they are; the parse stands beside them.
type Indicator struct {
	ID int64
	Stamps
	ProjectID   int64
	Sequence    int    // order in the table, from 1
	Level1      string // 一级指标
	Level2      string // 二级指标
	Level3      string // 三级指标
	Description string // 绩效指标描述
	ValueText   string // 指标值, as published
	Basis       string // 指标值确定依据
	Comparator  string // ≥ > = < ≤, or "" if the value is qualitative
	Number      string // exact decimal, or "" if the value is qualitative
	NumberUnit  string // %, 次, 元/天, ...

	// The parse of a time-effect indicator (时效指标): at most one of the two.
	DueOn      calendar.Date
	Recurrence Recurrence
	SourceLine int
}

// GoalScope says whether a goal covers the whole unit or one field of work.
type GoalScope string

// The scopes of a goal.
const (
	GoalOverall GoalScope = "overall" // 总体绩效目标
	GoalItem    GoalScope = "item"    // 分项绩效目标
)

// Goal is a performance goal of a whole unit (部门整体绩效目标).
type Goal struct {
	ID int64
	Stamps
	UnitID     int64
	FiscalYear int
	Scope      GoalScope
	Sequence   int // order in the document, from 1
	Title      string
	Text       string       // as published
	Measure    string       // 绩效指标, as published
	Figures    []GoalFigure `gorm:"serializer:json"`
	SourceLine int
}

// GoalFigure is a stated amount inside a goal's text, such as 归集115亿元.
type GoalFigure struct {
	Label  string    `json:"label"` // the words before it: 归集
	Text   string    `json:"text"`  // as published: 115亿元
	Amount money.Fen `json:"amount"`
}

// Payment is one disbursement (支出). Payments are never edited: a correction
// is a new row with its own voucher number and, usually, a negative amount.
type Payment struct {
	ID int64
	Stamps
	ProjectID int64
	PaidOn    calendar.Date
	Amount    money.Fen
	VoucherNo string // unique per project, 凭证号
	Payee     string
	Summary   string
	BatchID   int64
	AsOf      calendar.Date // the day up to which the imported file is complete
}

// ProblemState is the state of a data problem.
type ProblemState string

// The states of a data problem.
const (
	ProblemOpen      ProblemState = "open"
	ProblemCorrected ProblemState = "corrected" // a later import removed the cause
	ProblemConfirmed ProblemState = "confirmed" // a person said that the data is right
)

// DataProblem is something in the imported data that a person must look at
// (数据核查). It never blocks an import and is never repaired by guessing.
type DataProblem struct {
	ID int64
	Stamps
	Fingerprint string // unique: subject, code and field
	UnitID      int64
	ProjectID   int64 // 0 if it concerns the unit
	FiscalYear  int
	Code        string // stable English identifier, plan_falls
	Field       string // the published label, 资金支出计划
	Value       string // as published
	Message     string // what is wrong and what was expected
	File        string
	Line        int
	OwnerID     int64
	State       ProblemState
	ClosedAt    *time.Time
	ClosedBy    string
	ClosedNote  string
	Version     int64
}
