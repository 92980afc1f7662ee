package jobs

import (
	"fmt"
	"iter"

	"duban/models"
	"duban/models/calendar"
)

// Occasion is one day on which a rule wants something to be said about an
// obligation.
type Occasion struct {
	Day      calendar.Date // always a working day, as far as the calendar knows
	Step     models.RuleStep
	Repeat   int // 0 for the step itself, n for its n-th repetition
	Audience models.Audience
}

// urgency orders occasions: the further along, the more urgent.
func (oc Occasion) urgency() int { return oc.Step.Offset + oc.Repeat*oc.Step.Every }

// key names the occasion within its obligation's rule, by how far from the due
// date it is: a repetition keeps its name when the series is spaced anew.
func (oc Occasion) key() string {
	unit := "d"
	if oc.Step.Workdays {
		unit = "w"
	}
	return fmt.Sprintf("%+d%s", oc.urgency(), unit)
}

// maxRepeats bounds a series: ten years of daily reminders.
const maxRepeats = 3660

// occasionsBetween returns the occasions after one day and up to another. A
// reminder that would fall on a day off comes on the last working day before;
// one about a duty that is overdue already comes on the next working day.
func occasionsBetween(rule models.Rule, due, after, upTo calendar.Date, cal *calendar.Calendar) []Occasion {
	var found []Occasion
	for _, step := range rule.Steps {
		for n, day := range series(step, due, cal) {
			if day.After(upTo) {
				break
			}
			if day.After(after) {
				for _, a := range step.Audience {
					found = append(found, Occasion{Day: day, Step: step, Repeat: n, Audience: a})
				}
			}
		}
	}
	return found
}

// series goes through a step and its repetitions: their numbers and days.
func series(step models.RuleStep, due calendar.Date, cal *calendar.Calendar) iter.Seq2[int, calendar.Date] {
	return func(yield func(int, calendar.Date) bool) {
		for n := range maxRepeats {
			if !yield(n, occasionDay(step, n, due, cal)) || step.Every <= 0 {
				return
			}
		}
	}
}

// occasionDay returns the day of the n-th repetition of a step.
func occasionDay(step models.RuleStep, n int, due calendar.Date, cal *calendar.Calendar) calendar.Date {
	offset := step.Offset + n*step.Every
	switch {
	case step.Workdays && offset != 0:
		return cal.AddWorkdays(due, offset)
	case offset > 0:
		return cal.WorkdayOnOrAfter(due.AddDays(offset))
	}
	return cal.WorkdayOnOrBefore(due.AddDays(offset))
}

// nextOccasion returns the day of the first occasion after day, or no date.
func nextOccasion(rule models.Rule, due, day calendar.Date, cal *calendar.Calendar) calendar.Date {
	var next calendar.Date
	for _, step := range rule.Steps {
		for _, d := range series(step, due, cal) {
			if d.After(day) {
				next = earlier(next, d, day)
				break
			}
		}
	}
	return next
}
