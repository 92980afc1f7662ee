package models

import (
	"fmt"

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
	Workflow  string     // the workflow that the duty may need, "" for none
	// OpensAt is the day, counted from the due date, from which Workflow opens
	// by itself while the duty is not fulfilled; nil if a person begins it.
	OpensAt *int
	// PauseDays is for how many workdays an acknowledgement (已阅) pauses the
	// ladder at most; 0 if it pauses nothing.
	PauseDays int

	// Percentage points behind the plan from which a light is shown; more
	// than BlueOver is blue, and so on. Zero is the usual BlueOver.
	BlueOver   money.Percent
	YellowOver money.Percent
	RedOver    money.Percent
	Version    int64
}

// The bounds of a rule's steps, in days.
const (
	maxOffset = 3660
	maxEvery  = 366

	maxPause = 30 // workdays
)

// validate returns what is wrong with a rule, naming the step.
func (r Rule) validate() error {
	if r.OpensAt != nil && (*r.OpensAt < -maxOffset || *r.OpensAt > maxOffset || r.Workflow == "") {
		return fmt.Errorf("提醒规则 %s：自动发起的天数 %d 应在 ±%d 以内，并写明流程", r.Kind, *r.OpensAt, maxOffset)
	}
	if r.PauseDays < 0 || r.PauseDays > maxPause {
		return fmt.Errorf("提醒规则 %s：已阅暂停 %d 个工作日应为 0 至 %d", r.Kind, r.PauseDays, maxPause)
	}
	for i, s := range r.Steps {
		problem := ""
		switch {
		case s.Offset < -maxOffset || s.Offset > maxOffset:
			problem = fmt.Sprintf("天数 %d 应在 ±%d 以内", s.Offset, maxOffset)
		case s.Every < 0 || s.Every > maxEvery:
			problem = fmt.Sprintf("重复间隔 %d 应为 0 至 %d 天", s.Every, maxEvery)
		case s.Every > 0 && (s.Offset <= 0 || s.Workdays):
			problem = "只有到期以后、按自然日计的提醒可以重复"
		case len(s.Audience) == 0:
			problem = "没有写明提醒谁"
		}
		if problem != "" {
			return fmt.Errorf("提醒规则 %s 第 %d 步：%s", r.Kind, i+1, problem)
		}
	}
	return nil
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
