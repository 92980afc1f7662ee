package models

import (
	"time"

	"duban/models/calendar"
	"duban/models/money"
)

// Digest holds what a message tells that stands for several reminders (汇总).
type Digest struct {
	Items  []DigestItem  `json:"items"` // the most urgent first
	Lights map[Light]int `json:"lights"`
	Trend  *Trend        `json:"trend,omitempty"` // of the items' projects
}

// DigestItem is one duty as a table shows it.
type DigestItem struct {
	ObligationID int64         `json:"obligation_id"`
	Kind         Kind          `json:"kind"`
	Title        string        `json:"title"`
	UnitName     string        `json:"unit_name"`
	ProjectName  string        `json:"project_name,omitempty"`
	DueOn        calendar.Date `json:"due_on"`
	DaysLeft     int           `json:"days_left"` // negative when overdue
	Light        Light         `json:"light"`
	SettledOn    calendar.Date `json:"settled_on,omitzero"`
	Audience     Audience      `json:"audience,omitempty"` // why the reader hears of it

	// Spending only; all zero for other kinds.
	Budget  money.Fen     `json:"budget,omitempty"`
	Plan    money.Percent `json:"plan,omitempty"`
	Actual  money.Percent `json:"actual,omitempty"`
	Missing money.Fen     `json:"missing,omitempty"`
}

// Item returns the reminder's facts as a digest tells them.
func (r Reminder) Item(obligation int64) DigestItem {
	return DigestItem{
		ObligationID: obligation, Kind: r.Kind, Title: r.Title, UnitName: r.UnitName, ProjectName: r.ProjectName,
		DueOn: r.DueOn, DaysLeft: r.DaysLeft, Light: r.Light, Audience: r.Audience,
		Budget: r.Budget, Plan: r.Plan, Actual: r.Actual, Missing: r.Missing,
	}
}

// Trend is how the executed share of some projects of one fiscal year went
// against their plan, week by week.
type Trend struct {
	AsOf  calendar.Date `json:"as_of"` // the day up to which payments were on record
	Weeks []TrendWeek   `json:"weeks"` // the oldest first; the last one ends on AsOf
}

// TrendWeek is the state at the end of a week.
type TrendWeek struct {
	On     calendar.Date `json:"on"`
	Plan   money.Percent `json:"plan"`
	Actual money.Percent `json:"actual"`
}

// WeeklyReport holds what a weekly report (周报) tells beside the reminders that
// waited for it, which are its digest.
type WeeklyReport struct {
	From calendar.Date `json:"from"` // the seven days before the report
	To   calendar.Date `json:"to"`
	// Situation is for those who answer for a unit, nil for others.
	Situation *Situation `json:"situation,omitempty"`
}

// Situation is how the duties of a unit, or of all units, stand.
type Situation struct {
	UnitName string                `json:"unit_name,omitempty"` // blank for all units
	Lights   map[Light]int         `json:"lights"`              // of all duties that are not settled
	Worst    Excerpt[DigestItem]   `json:"worst"`               // red or overdue
	Due      Excerpt[DigestItem]   `json:"due"`                 // in the days to come
	Settled  Excerpt[DigestItem]   `json:"settled"`             // in the week before
	Flows    Excerpt[OverdueFlow]  `json:"flows"`               // over their time limit
	Mutes    Excerpt[MutedProject] `json:"mutes"`               // in force
	Trend    *Trend                `json:"trend,omitempty"`
}

// Excerpt is the beginning of a list.
type Excerpt[T any] struct {
	Items []T `json:"items,omitempty"`
	Total int `json:"total"` // how many there are
}

// First returns the first n of a list as an excerpt.
func First[T any](list []T, n int) Excerpt[T] {
	return Excerpt[T]{Items: list[:min(n, len(list))], Total: len(list)}
}

// More returns how many the excerpt leaves out.
func (e Excerpt[T]) More() int { return e.Total - len(e.Items) }

// OverdueFlow is a workflow in which a decision is overdue (超期).
type OverdueFlow struct {
	InstanceID  int64         `json:"instance_id"`
	Title       string        `json:"title"` // of the duty
	ProjectName string        `json:"project_name,omitempty"`
	Assignee    string        `json:"assignee,omitempty"` // blank if nobody was found
	DueOn       calendar.Date `json:"due_on"`
	DaysLeft    int           `json:"days_left"`
}

// MutedProject is a project whose reminders are muted (项目免打扰).
type MutedProject struct {
	ProjectName string        `json:"project_name"`
	Owner       string        `json:"owner"` // who answers for it
	Reason      string        `json:"reason"`
	Since       calendar.Date `json:"since"`
}

// AlarmKind is what is wrong with duban itself.
type AlarmKind string

// The kinds of alarms.
const (
	AlarmRun     AlarmKind = "run"     // a job did not run as scheduled; the subject is the job
	AlarmQueue   AlarmKind = "queue"   // messages wait for too long; the subject of this and the next three is the channel
	AlarmChannel AlarmKind = "channel" // a channel fails
	AlarmDead    AlarmKind = "dead"    // messages were given up
	AlarmUnknown AlarmKind = "unknown" // nobody knows whether messages arrived
	AlarmTimers  AlarmKind = "timers"  // time limits of workflows were given up
	AlarmGaps    AlarmKind = "gaps"    // reminders are missing, as the audit found
)

// Alarm (告警) tells administrators that duban does not do what it should, or
// does so again.
type Alarm struct {
	Kind    AlarmKind `json:"kind"`
	Subject string    `json:"subject,omitempty"`
	Problem string    `json:"problem,omitempty"` // of a run: missed, failed, stuck or refused
	Detail  string    `json:"detail,omitempty"`  // an error's text, without addresses
	Since   time.Time `json:"since,omitzero"`
	Count   int       `json:"count,omitempty"`
	Until   time.Time `json:"until,omitzero"` // up to which moment messages that were given up are counted
	Over    bool      `json:"over,omitempty"` // 恢复正常
}
