package jobs

import (
	"time"

	"duban/models"
	"duban/models/calendar"
)

// commitSlack is how long a transaction may take after it has dated what it
// writes: what was written that shortly before a sweep, the sweep may have
// read or not.
const commitSlack = 10 * time.Minute

// pass is a sweep that was done: it said what had come up on the days after
// the last one's, up to its own. The records that it read were those of some
// moment between from and until.
type pass struct {
	day         calendar.Date
	from, until time.Time
	last        *pass // nil for the first sweep ever
}

// since returns the day up to which the passes before had said everything.
func (p *pass) since() calendar.Date {
	if p.last == nil {
		return calendar.Date{}
	}
	return p.last.day
}

// passesOf returns the sweeps that were done. One that failed has done some of
// the work of the next.
func passesOf(runs []models.JobRun) []*pass {
	var passes []*pass
	var last *pass
	var began time.Time
	for _, r := range runs {
		if r.StartedAt == nil {
			continue
		}
		if began.IsZero() {
			began = *r.StartedAt
		}
		day := calendar.DateOf(*r.StartedAt)
		if r.State != models.RunDone || r.EndedAt == nil || last != nil && day.Before(last.day) {
			continue
		}
		last = &pass{day: day, from: began.Add(-commitSlack), until: *r.EndedAt, last: last}
		passes = append(passes, last)
		began = time.Time{}
	}
	return passes
}
