package calendar

import (
	"time"

	"github.com/6tail/lunar-go/HolidayUtil"
)

// Day is one entry of the calendar that differs from the ordinary week: a
// holiday, or a weekend day on which people work (调休).
type Day struct {
	Date Date
	Work bool   // true for a make-up workday
	Name string // 春节, 国庆节, ...
}

// Calendar answers which days are working days. It is immutable; its zero
// value knows only Saturdays and Sundays.
type Calendar struct {
	days map[Date]Day
}

// New returns a calendar with the given special days. Where a date occurs
// twice the later entry holds, so local days come after the seed.
func New(days []Day) *Calendar {
	c := &Calendar{days: make(map[Date]Day, len(days))}
	for _, d := range days {
		c.days[d.Date] = d
	}
	return c
}

// Seed returns the State Council's holiday arrangements from firstYear on, as
// far as the library of holidays that is built in knows them.
func Seed(firstYear int) []Day {
	var days []Day
	for year := firstYear; ; year++ {
		holidays := HolidayUtil.GetHolidaysByYear(year)
		if holidays.Len() == 0 {
			return days
		}
		for e := holidays.Front(); e != nil; e = e.Next() {
			h, ok := e.Value.(*HolidayUtil.Holiday)
			if !ok {
				continue
			}
			if date, err := ParseDate(h.GetDay()); err == nil {
				days = append(days, Day{Date: date, Work: h.IsWork(), Name: h.GetName()})
			}
		}
	}
}

// Covers reports whether the arrangements of a year are known: whether 元旦 and
// 国庆节 are, since a local day or two make no year. Without them only weekends
// count as days off, which the user must be told.
func (c *Calendar) Covers(year int) bool {
	_, first := c.days[MustDate(year, time.January, 1)]
	_, last := c.days[MustDate(year, time.October, 1)]
	return first && last
}

// MissingYear returns the first year, from that of day on, whose arrangements
// are missing and matter by now: the current year at once, the next one from
// November, when the State Council's notice is usually out. It returns 0 when
// nothing is missing.
func (c *Calendar) MissingYear(day Date) int {
	if !c.Covers(day.Year()) {
		return day.Year()
	}
	if day.Month() >= time.November && !c.Covers(day.Year()+1) {
		return day.Year() + 1
	}
	return 0
}

// Holiday returns the name of the holiday on d, if it is one.
func (c *Calendar) Holiday(d Date) (name string, ok bool) {
	day, ok := c.days[d]
	if !ok || day.Work {
		return "", false
	}
	return day.Name, true
}

// IsWorkday reports whether people work on d.
func (c *Calendar) IsWorkday(d Date) bool {
	if day, ok := c.days[d]; ok {
		return day.Work
	}
	return d.Weekday() != time.Saturday && d.Weekday() != time.Sunday
}

// WorkdayOnOrBefore returns d, or the last working day before it.
func (c *Calendar) WorkdayOnOrBefore(d Date) Date { return c.seek(d, -1) }

// WorkdayOnOrAfter returns d, or the first working day after it.
func (c *Calendar) WorkdayOnOrAfter(d Date) Date { return c.seek(d, 1) }

// seek is bounded so that a calendar of nothing but holidays cannot hang.
func (c *Calendar) seek(d Date, step int) Date {
	for e, n := d, 0; n < 366; e, n = e.AddDays(step), n+1 {
		if c.IsWorkday(e) {
			return e
		}
	}
	return d
}

// AddWorkdays returns the n-th working day after d, or before it if n is
// negative. For n = 0 it returns d itself, working day or not.
func (c *Calendar) AddWorkdays(d Date, n int) Date {
	step := 1
	if n < 0 {
		step, n = -1, -n
	}
	for ; n > 0; n-- {
		d = c.seek(d.AddDays(step), step)
	}
	return d
}
