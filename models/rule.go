package models

import (
	"duban/models/calendar"
	"duban/models/money"
)

// Audience is who hears a reminder: a person named by the project, or whoever
// has a role in its unit.
type Audience string

// The audiences of a reminder.
const (
	ToOwner   Audience = "owner"   // the project's 经办人
	ToManager Audience = "manager" // the project's 科室负责人
	ToFinance Audience = "finance"
	ToOffice  Audience = "office"
	ToLeader  Audience = "leader"
)

// RuleStep is one reminder, or one series of reminders, of a rule.
type RuleStep struct {
	// Offset is counted from the due date: negative before, 0 on the day,
	// positive after. Days unless Workdays is set.
	Offset   int  `json:"offset" yaml:"offset"`
	Workdays bool `json:"workdays,omitempty" yaml:"workdays,omitempty"`
	// Every repeats the step each so many days until the duty is settled. It
	// needs a positive Offset.
	Every    int        `json:"every,omitempty" yaml:"every,omitempty"`
	Audience []Audience `json:"audience" yaml:"audience"`
}

// Rule is a reminder rule (提醒规则). The narrowest rule that is enabled and
// matches a duty holds: its project's, else its unit's, else the kind's.
type Rule struct {
	ID int64
	Stamps
	Kind      Kind
	UnitID    int64 // 0 for any
	ProjectID int64 // 0 for any
	Enabled   bool
	Steps     []RuleStep `gorm:"serializer:json"`
	Workflow  string     // the workflow that a missed duty needs, "" for none

	// Percentage points behind the plan from which a light is shown; more
	// than BlueOver is blue, and so on. Zero is the usual BlueOver.
	BlueOver   money.Percent
	YellowOver money.Percent
	RedOver    money.Percent
	Version    int64
}

// Misfire says what to do about a fire that was missed while duban was down.
type Misfire string

// The misfire policies.
const (
	MisfireRunOnce Misfire = "run_once" // catch up with one run
	MisfireSkip    Misfire = "skip"
)

// Schedule says when a job runs (调度).
type Schedule struct {
	ID int64
	Stamps
	Job      string // unique
	Cron     string // five fields
	TimeZone string
	Enabled  bool
	Misfire  Misfire
	Version  int64
}

// CalendarDay is a special day of the working-day calendar: seeded, or added
// by an administrator.
type CalendarDay struct {
	Day calendar.Date `gorm:"primaryKey"`
	Stamps
	Work   bool
	Name   string
	Source string // seed, or who added it
}
