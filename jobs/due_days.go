package jobs

import (
	"duban/models"
	"duban/models/calendar"
)

// The functions of this file answer, for a single day, what a rule wants to be
// said on it. The sweep goes the other way, from the rule to the days
// (occasion.go): an audit that asked the sweep what the sweep should have said
// would prove nothing.

// hearing is what a rule wants to be said on one day, and how urgent it is.
type hearing struct {
	audience models.Audience
	urgency  int    // how far the occasion is from the due date
	workdays bool   // in workdays
	name     string // of the occasion, as in the dedup keys of its messages
}

// hearingsOn returns what a rule wants to be said on a day about a duty that is
// due on another. On a day off nothing is.
func hearingsOn(rule models.Rule, due, day calendar.Date, cal *calendar.Calendar) []hearing {
	if !cal.IsWorkday(day) {
		return nil
	}
	var found []hearing
	for _, step := range rule.Steps {
		for _, distance := range distancesOn(step, due, day, cal) {
			name := Occasion{Step: models.RuleStep{Offset: distance, Workdays: step.Workdays}}.key()
			for _, a := range step.Audience {
				found = append(found, hearing{a, distance, step.Workdays, name})
			}
		}
	}
	return found
}

// distancesOn returns how far from the due date the occasions of a step are
// that come on a working day: the day's own, and those that the days off beside
// it give to it. Before the due date and on it, a day off gives its occasions
// to the last working day; after it, to the next.
func distancesOn(step models.RuleStep, due, day calendar.Date, cal *calendar.Calendar) []int {
	if step.Workdays && step.Offset != 0 {
		if isWorkday(step.Offset, due, day, cal) {
			return []int{step.Offset}
		}
		return nil
	}
	var found []int
	consider := func(d calendar.Date) {
		distance := due.DaysUntil(d)
		early := distance <= 0
		if wants(step, distance) && (d == day || early == d.After(day)) {
			found = append(found, distance)
		}
	}
	consider(day)
	for d := day.AddDays(1); !cal.IsWorkday(d) && day.DaysUntil(d) < longestBreak; d = d.AddDays(1) {
		consider(d)
	}
	for d := day.AddDays(-1); !cal.IsWorkday(d) && d.DaysUntil(day) < longestBreak; d = d.AddDays(-1) {
		consider(d)
	}
	return found
}

// longestBreak bounds the search among days off, so that a calendar of nothing
// else cannot hang.
const longestBreak = 366

// wants reports whether a step, or one of its repetitions, is the given number
// of days from the due date.
func wants(step models.RuleStep, distance int) bool {
	since := distance - step.Offset
	if step.Every > 0 {
		return since >= 0 && since%step.Every == 0 && since/step.Every < maxRepeats
	}
	return since == 0
}

// isWorkday reports whether a working day is the n-th one after a day, or the
// n-th one before it if n is negative.
func isWorkday(n int, from, day calendar.Date, cal *calendar.Calendar) bool {
	step, left := 1, n
	if n < 0 {
		step, left = -1, -n
	}
	if from == day || day.After(from) != (step > 0) {
		return false
	}
	for d := from; d != day; {
		if d = d.AddDays(step); cal.IsWorkday(d) {
			left--
		}
		if left < 0 {
			return false
		}
	}
	return left == 0
}

// earliest returns the first day on which a rule may want anything to be said,
// or an earlier one.
func earliest(rule models.Rule, due calendar.Date) calendar.Date {
	return due.AddDays(-reach(rule.Steps))
}

// reach returns how many days before the due date anything may be said by the
// given steps, days off included, or more.
func reach(steps []models.RuleStep) int {
	days := 0
	for _, s := range steps {
		before := -s.Offset
		if s.Workdays {
			before *= 2
		}
		days = max(days, before)
	}
	return days + longBreak
}

// longBreak is longer than any run of days off that is not a mistake.
const longBreak = 31
