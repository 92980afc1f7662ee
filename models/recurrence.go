package models

import (
	"strconv"
	"strings"
	"time"

	"duban/models/calendar"
)

// Recurrence is how often a duty falls due (定期): monthly:end, quarterly:end,
// or a day of the month such as monthly:10 (每月10日前).
type Recurrence string

// The recurrences without a day of their own.
const (
	NoRecurrence Recurrence = ""
	MonthlyEnd   Recurrence = "monthly:end"   // 按月发放, 每月底
	QuarterlyEnd Recurrence = "quarterly:end" // 每季度末
)

const monthlyPrefix = "monthly:"

// MonthlyOn returns the recurrence on the given day, 1 to 31, of each month.
// Shorter months end it on their last day.
func MonthlyOn(day int) Recurrence { return Recurrence(monthlyPrefix + strconv.Itoa(day)) }

// Day returns the day of the month of a recurrence made by MonthlyOn.
func (r Recurrence) Day() (day int, ok bool) {
	rest, ok := strings.CutPrefix(string(r), monthlyPrefix)
	if !ok {
		return 0, false
	}
	day, err := strconv.Atoi(rest)
	return day, err == nil && day >= 1 && day <= 31
}

// Occurrences returns the dates in the given year, in order.
func (r Recurrence) Occurrences(year int) []calendar.Date {
	var dates []calendar.Date
	day, onDay := r.Day()
	for m := time.January; m <= time.December; m++ {
		end := calendar.EndOfMonth(year, m)
		switch {
		case onDay && day < end.Day():
			dates = append(dates, calendar.MustDate(year, m, day))
		case onDay, r == MonthlyEnd, r == QuarterlyEnd && m%3 == 0:
			dates = append(dates, end)
		}
	}
	return dates
}
