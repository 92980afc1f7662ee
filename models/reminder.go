package models

import (
	"duban/models/calendar"
	"duban/models/money"
)

// Reminder holds the facts that a reminder states. They are frozen with the
// message, so that what was said can be shown later as it was said.
type Reminder struct {
	Kind        Kind          `json:"kind"`
	Title       string        `json:"title"`
	UnitName    string        `json:"unit_name"`
	ProjectName string        `json:"project_name,omitempty"`
	ProjectCode string        `json:"project_code,omitempty"`
	ProjectID   int64         `json:"project_id,omitempty"`
	FiscalYear  int           `json:"fiscal_year"`
	DueOn       calendar.Date `json:"due_on"`
	AsOf        calendar.Date `json:"as_of"`
	// RecordsAsOf is the day up to which payments were on record, for the
	// kinds that payments decide; zero if none were.
	RecordsAsOf  calendar.Date `json:"records_as_of"`
	DaysLeft     int           `json:"days_left"`                // negative when overdue
	DueOnHoliday string        `json:"due_on_holiday,omitempty"` // why DueOn is no working day
	// DueDay says that it was made on the last working day up to DueOn, or on
	// one of the days off after that: no later one comes before the date.
	DueDay bool  `json:"due_day,omitempty"`
	Light  Light `json:"light"`

	// Spending only; all zero for other kinds.
	Budget  money.Fen     `json:"budget,omitempty"`
	Paid    money.Fen     `json:"paid,omitempty"`
	Plan    money.Percent `json:"plan,omitempty"`    // the target
	Actual  money.Percent `json:"actual,omitempty"`  // the executed share, cut off at 0.01 %
	Missing money.Fen     `json:"missing,omitempty"` // what is still to be paid

	Audience Audience `json:"audience"` // why the recipient was chosen
	Workflow string   `json:"workflow,omitempty"`
	Source   string   `json:"source,omitempty"` // the published words
	// PauseDays is for how many workdays an acknowledgement (已阅) may pause the
	// reminders, 0 for none.
	PauseDays int `json:"pause_days,omitempty"`

	Approval *Approval `json:"approval,omitempty"` // of a message about a workflow
	Login    *Login    `json:"login,omitempty"`    // of a message that lets a person in

	Digest *Digest       `json:"digest,omitempty"` // of a message that stands for several
	Weekly *WeeklyReport `json:"weekly,omitempty"` // of a weekly report
	Alarm  *Alarm        `json:"alarm,omitempty"`  // of a message about duban itself
}

// Approval holds the facts of a message about a workflow (审批), in the
// language of its recipient. The duty that it is about stands beside it.
type Approval struct {
	InstanceID    int64         `json:"instance_id"`
	Workflow      string        `json:"workflow"`       // the key
	WorkflowTitle string        `json:"workflow_title"` // 支出纠偏
	Step          string        `json:"step,omitempty"` // the title of the current step
	Applicant     string        `json:"applicant,omitempty"`
	By            string        `json:"by,omitempty"`        // who acted, "" for the system
	Comment       string        `json:"comment,omitempty"`   // what they said
	Assignee      string        `json:"assignee,omitempty"`  // whose decision is awaited, if not the recipient's
	DueOn         calendar.Date `json:"due_on,omitzero"`     // 办理时限 of the task
	DaysLeft      int           `json:"days_left,omitempty"` // until then, negative when overdue; meaningless without DueOn

	// Link is the recipient's decision, nil if there is none to take.
	Link *Link `json:"link,omitempty"`
}

// Login is the fact of a message with which a person logs in.
type Login struct {
	Link Link `json:"link"`
}
