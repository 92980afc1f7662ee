package jobs

import (
	"slices"
	"time"

	"duban/models"
	"duban/models/calendar"
)

// explainPast goes through the sweeps of the duty's life and explains every day
// on which something came up.
func (x *Explanation) explainPast(q *inquiry, said *proofs) {
	used := map[int64]bool{}
	last := calendar.Date{}
	for _, p := range q.passes {
		v := q.look(p.until, p.day)
		if !v.exists {
			continue
		}
		claims, known := q.said(p, func(p *pass) time.Time { return p.until })
		from := p.since()
		if last.IsZero() { // the first check: all that came up before is explained by it
			from = earliest(v.rule, v.DueOn).AddDays(-1)
		}
		for day := from.AddDays(1); !day.After(p.day); day = day.AddDays(1) {
			hearings := v.addressed(day)
			if len(hearings) == 0 {
				continue
			}
			e := Explained{Day: day, Hearings: hearings, As: capacities(hearings, x.Person.ID)}
			claim := claims[promise{x.Person.ID, day}]
			e.Messages = said.traces(q, promise{x.Person.ID, day}, claim, used)
			e.Cause = v.cause(e, x.Person.ID, claim, known, last.IsZero())
			if len(e.Messages) > 0 {
				e.Cause = causeOf(said.best(q, notifications(e.Messages)))
			}
			x.Past = append(x.Past, e)
		}
		last = p.day
	}
	x.unswept(q, said, last, used)
	for _, n := range said.said[pair{q.duty.ID, x.Person.ID}] {
		if !used[n.ID] && n.FallbackOf == 0 {
			x.Others = append(x.Others, said.trace(n, 0))
		}
	}
}

// unswept explains the days since the last sweep. Where none has ever come, all
// days are such.
func (x *Explanation) unswept(q *inquiry, said *proofs, last calendar.Date, used map[int64]bool) {
	v := q.look(q.now, x.Day)
	if last.IsZero() {
		last = earliest(v.rule, v.DueOn)
	}
	for day := last.AddDays(1); !day.After(x.Day); day = day.AddDays(1) {
		if hearings := v.addressed(day); len(hearings) > 0 {
			e := Explained{Day: day, Hearings: hearings, As: capacities(hearings, x.Person.ID), Cause: CauseUnswept}
			if why, ok := v.unaddressed(e, x.Person.ID); ok {
				e.Cause = why
			}
			if e.Messages = said.traces(q, promise{x.Person.ID, day}, nil, used); len(e.Messages) > 0 {
				e.Cause = causeOf(said.best(q, notifications(e.Messages)))
			}
			x.Past = append(x.Past, e)
		}
	}
}

// cause says why there is no message to a person on a day of a pass.
func (v view) cause(e Explained, person int64, c *claim, known, first bool) Cause {
	why, unaddressed := v.unaddressed(e, person)
	switch {
	case v.State == models.StateWaived:
		return CauseWaived
	case unaddressed:
		return why
	case first && c == nil && v.CreatedAt.After(e.Day.AddDays(1).At(0, 0)):
		return CauseEarlier
	case v.finding.Fulfilled:
		return CauseFulfilled
	case c == nil || c.stale:
		return CauseSuperseded
	case !known:
		return CauseUnproven
	}
	return CauseMissing
}

// unaddressed says why a person was not to be told of an occasion in any
// capacity, whether a sweep has come to it or not.
func (v view) unaddressed(e Explained, person int64) (Cause, bool) {
	switch {
	case len(e.As) > 0:
		return "", false
	case !v.active(person):
		return CauseInactive, true
	}
	return CauseNotAddressed, true
}

// causeOf says in one code what became of a message.
func causeOf(p proof) Cause {
	switch p.verdict {
	case models.SaidSent, models.SaidDelivered:
		return CauseTold
	case models.SaidPending, models.GapLate:
		return CauseWaiting
	case models.SaidSuppressed, models.GapUnexplained:
		return CauseWithheld
	case models.GapDead, models.GapUnknown, models.GapMissing, models.GapUnrecorded, models.ChangedSince:
	}
	return CauseFailed
}

// traces returns the messages to a person about a day, and notes that they
// belong to one. Those that stand in for others are shown with them.
func (ev *proofs) traces(q *inquiry, key promise, c *claim, used map[int64]bool) []Trace {
	if c == nil {
		c = &claim{}
	}
	var traces []Trace
	for _, n := range ev.messages(q, key, c) {
		if used[n.ID] {
			continue
		}
		used[n.ID] = true
		if n.FallbackOf == 0 {
			traces = append(traces, ev.trace(n, 0))
		}
	}
	return traces
}

func notifications(traces []Trace) []models.Notification {
	all := make([]models.Notification, len(traces))
	for i, t := range traces {
		all[i] = t.Notification
	}
	return all
}

// addressed returns whom the rule wants to be told on a day, in the order of
// its steps.
func (v view) addressed(day calendar.Date) []Addressed {
	var project *models.Project
	if v.Project.ID != 0 {
		project = &v.Project
	}
	var all []Addressed
	for _, h := range hearingsOn(v.rule, v.DueOn, day, v.Calendar) {
		a := Addressed{Audience: h.audience, Distance: h.urgency, Workdays: h.workdays}
		a.People = v.directory.Recipients(h.audience, v.UnitID, project)
		a.StandIns = len(a.People) > 0 && !holds(a.People[0], h.audience, project)
		all = append(all, a)
	}
	return all
}

// holds reports whether a person is whom an audience means, and does not only
// stand in.
func holds(u models.User, a models.Audience, p *models.Project) bool {
	switch a {
	case models.ToOwner:
		return p != nil && p.OwnerID == u.ID
	case models.ToManager:
		return p != nil && p.ManagerID == u.ID
	case models.ToFinance, models.ToOffice, models.ToLeader:
	}
	return u.Has(models.Role(a))
}

// capacities returns as what a person is addressed.
func capacities(hearings []Addressed, person int64) []models.Audience {
	var as []models.Audience
	for _, h := range hearings {
		in := slices.ContainsFunc(h.People, func(u models.User) bool { return u.ID == person })
		if in && !slices.Contains(as, h.Audience) {
			as = append(as, h.Audience)
		}
	}
	return as
}

// active reports whether a person was in use.
func (v view) active(person int64) bool {
	return slices.ContainsFunc(v.Users, func(u models.User) bool { return u.ID == person && u.Active })
}
