package models

import (
	"context"

	"duban/models/calendar"
	"duban/models/money"
)

// The jobs that schedules run.
const (
	JobSweep  = "sweep"  // checks every duty that is due for a check
	JobReport = "report" // tells leaders how the week went (周报)
	JobAudit  = "audit"  // proves that everything was said (提醒核对)
)

func defaultSchedules() []Schedule {
	at := func(job, cron string) Schedule {
		return Schedule{Job: job, Cron: cron, TimeZone: "Asia/Shanghai", Enabled: true, Misfire: MisfireRunOnce}
	}
	return []Schedule{at(JobSweep, "30 8 * * *"), at(JobReport, "40 8 * * 1"), at(JobAudit, "0 11 * * *")}
}

// calendarFrom is the first year of holidays that is seeded.
const calendarFrom = 2024

// seedDefaults adds what a new database needs. Rows that exist stay as they
// are, so an administrator's changes survive every start.
func (s *Store) seedDefaults(ctx context.Context) error {
	return s.Tx(ctx, "system", func(tx *Tx) error {
		if _, err := tx.createMissing(defaultRules()); err != nil {
			return err
		}
		if _, err := tx.createMissing(defaultSchedules()); err != nil {
			return err
		}
		var days []CalendarDay
		for _, d := range calendar.Seed(calendarFrom) {
			days = append(days, CalendarDay{Day: d.Date, Work: d.Work, Name: d.Name, Source: "seed"})
		}
		added, err := tx.createMissing(days)
		if err != nil || added == 0 {
			return err
		}
		return tx.hearAgain(tx.db) // a newer program may know a newer year
	})
}

// defaultPauseDays is how long an acknowledgement pauses the ladder, a week.
const defaultPauseDays = 5

// Lights by percentage points behind the plan, as usual in budget offices: up
// to 10 关注, over 10 预警, over 30 red.
const (
	defaultBlueOver   money.Percent = 0
	defaultYellowOver               = 10 * money.Whole / 100
	defaultRedOver                  = 30 * money.Whole / 100
)

// defaultRules are the reminder rules that a new database starts with, one for
// each kind of duty.
func defaultRules() []Rule {
	owner, manager, leader, finance := []Audience{ToOwner}, []Audience{ToManager}, []Audience{ToLeader}, []Audience{ToFinance}
	every := func(days int, to []Audience) RuleStep { return RuleStep{Offset: days, Every: days, Audience: to} }
	workdays := func(n int, to []Audience) RuleStep { return RuleStep{Offset: n, Workdays: true, Audience: to} }

	rules := []Rule{
		{Kind: SpendingTarget, Workflow: "corrective_action", Steps: append(before(owner, 30, 15, 7, 3, 1, 0),
			every(7, owner), workdays(3, manager), workdays(10, leader))},
		{Kind: Completion, Workflow: "extension", Steps: append(before(owner, 30, 14, 7, 3, 1, 0), every(3, owner))},
		{Kind: Recurring, Steps: append(before(owner, 3, 1, 0), every(1, owner), workdays(2, manager))},
		{Kind: Refinement, Workflow: "refinement", Steps: append(before([]Audience{ToOwner, ToFinance}, 60, 30, 15, 7, 3, 1, 0),
			every(1, []Audience{ToOwner, ToFinance}), workdays(1, leader))},
		{Kind: Monitoring, Workflow: "monitoring", Steps: append(before(owner, 30, 7, 1, 0), every(7, owner), workdays(3, manager))},
		{Kind: SelfEvaluation, Workflow: "self_evaluation", Steps: append(before(owner, 45, 30, 15, 7, 1, 0), every(7, owner), workdays(3, manager))},
		{Kind: Procurement, Steps: append(before(owner, 15, 7, 1, 0), workdays(1, manager))},
		{Kind: Rectification, Workflow: "rectification", Steps: append(before(owner, 15, 7, 1, 0), every(7, owner), workdays(3, manager))},
		{Kind: Custom, Steps: append(before(owner, 7, 3, 1, 0), every(7, finance))},
	}
	opens := map[string]int{"corrective_action": 1, "refinement": -60, "monitoring": -30, "self_evaluation": -45, "rectification": -15}
	for i := range rules {
		if day, ok := opens[rules[i].Workflow]; ok {
			rules[i].OpensAt = &day
		}
		rules[i].Enabled, rules[i].PauseDays = true, defaultPauseDays
		rules[i].BlueOver, rules[i].YellowOver, rules[i].RedOver = defaultBlueOver, defaultYellowOver, defaultRedOver
	}
	return rules
}

// before returns one step for each number of days before the due date.
func before(to []Audience, days ...int) []RuleStep {
	steps := make([]RuleStep, 0, len(days)+3)
	for _, d := range days {
		steps = append(steps, RuleStep{Offset: -d, Audience: to})
	}
	return steps
}
