// Package jobs answers what is due. It evaluates obligations against the
// records, sweeps the database on a schedule, puts reminders into the outbox,
// and rehearses a year without sending anything.
//
// Evaluation is pure: the same obligation, records and day always give the
// same finding. So a day may be swept late, twice, or by several replicas, and
// one jump over a year ends where 365 daily sweeps end.
package jobs

import (
	"slices"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

// Records are what an evaluation looks at: the current budget, the spending
// plan, what was paid on each day, and the sibling duties of a recurring one.
// All slices are in the order of their days.
type Records struct {
	Budget    money.Fen
	Targets   []models.Target
	Spending  []models.Spending
	Recurring []models.Obligation
}

// Finding is what an evaluation found about an obligation on a day.
type Finding struct {
	State     models.State
	Light     models.Light
	SettledOn calendar.Date // the day on which it was fulfilled, late or not

	// Fulfilled means that nothing needs to be said: settled, or a spending
	// target that is reached before its day, although refunds may undo that.
	Fulfilled bool

	Share money.Share   // what was paid up to the day, of the current budget
	Plan  money.Percent // SpendingTarget: the share that the light is measured by
}

// Evaluate decides the state and the light of an obligation at the end of the
// given day. Records of later days are ignored.
func Evaluate(o models.Obligation, r Records, day calendar.Date, rule models.Rule) Finding {
	if o.State == models.StateWaived {
		return Finding{State: models.StateWaived, Light: models.Green, Fulfilled: true}
	}
	f := Finding{Share: money.Share{Paid: r.paid(day), Budget: r.Budget}}
	switch o.Kind {
	case models.SpendingTarget:
		evaluateSpending(&f, o, r, day, rule)
	case models.Recurring:
		done := paidFor(o, r, day)
		if said := reported(o, day); done.IsZero() || (!said.IsZero() && said.Before(done)) {
			done = said
		}
		settle(&f, o, day, done)
	default:
		settle(&f, o, day, reported(o, day))
	}
	return f
}

// evaluateSpending applies to a checkpoint of the spending plan. It is decided
// by what was paid up to and including its day: money that comes later makes
// up for it (补齐) but was late.
func evaluateSpending(f *Finding, o models.Obligation, r Records, day calendar.Date, rule models.Rule) {
	if !day.After(o.DueOn) {
		f.State = models.StateOpen
		f.Plan = r.expected(day)
		f.Light = light(f.Share, f.Plan, rule)
		f.Fulfilled = f.Share.Reaches(o.Percent)
		return
	}
	f.Plan = o.Percent
	f.State, f.SettledOn = models.StateMet, r.reachedOn(o.Percent, o.DueOn)
	if f.SettledOn.IsZero() {
		f.State, f.SettledOn = models.StateMissed, r.reachedOn(o.Percent, day)
	}
	f.Fulfilled = !f.SettledOn.IsZero()
	f.Light = models.Green
	if !f.Fulfilled {
		f.Light = light(f.Share, f.Plan, rule)
	}
}

// light tells how many percentage points execution is behind the plan. The
// steps are the rule's: 关注 up to 10 points, 预警 over 10, red over 30.
func light(s money.Share, plan money.Percent, rule models.Rule) models.Light {
	switch {
	case s.Behind(plan, rule.RedOver):
		return models.Red
	case s.Behind(plan, rule.YellowOver):
		return models.Yellow
	case s.Behind(plan, rule.BlueOver):
		return models.Blue
	}
	return models.Green
}

// settle applies to duties that are done on one day, done, or not yet.
func settle(f *Finding, o models.Obligation, day, done calendar.Date) {
	f.SettledOn, f.Light = done, models.Green
	f.Fulfilled = !done.IsZero()
	switch {
	case f.Fulfilled && !done.After(o.DueOn):
		f.State = models.StateMet
	case f.Fulfilled:
		f.State = models.StateMissed
	case day.After(o.DueOn):
		f.State, f.Light = models.StateMissed, models.Red
	default:
		f.State = models.StateOpen
	}
}

// reported returns the day on which a person says that the duty was done.
func reported(o models.Obligation, day calendar.Date) calendar.Date {
	if o.DoneOn.After(day) {
		return calendar.Date{}
	}
	return o.DoneOn
}

// paidFor returns the day of the payment that answers for one occurrence of a
// recurring duty. Every payment inside its period does. If there is none, one
// in the first half of the next period was late for this one, and then no
// longer answers for its own period: March's wages paid on 12 March must not
// pass for April's. Later than that nobody can tell from the records which
// month was meant; a person reports it.
func paidFor(o models.Obligation, r Records, day calendar.Date) calendar.Date {
	var late []calendar.Date // days that make up for an earlier occurrence
	for i, sibling := range r.Recurring {
		if !sameSeries(sibling, o) {
			continue
		}
		until := lastLateDay(sibling, r.Recurring[i+1:])
		if !sibling.DoneOn.IsZero() { // a person has said when; later money is not for it
			until = sibling.DueOn
		}
		paid := r.firstPaid(sibling.PeriodFrom, until, late)
		if sibling.DueOn == o.DueOn {
			if paid.After(day) {
				return calendar.Date{}
			}
			return paid
		}
		if paid.After(sibling.DueOn) {
			late = append(late, paid)
		}
	}
	return calendar.Date{}
}

// sameSeries reports whether two recurring duties come from one indicator: a
// project may pay wages by the 10th and rent by each month's end.
func sameSeries(a, b models.Obligation) bool { return a.Source == b.Source }

// lastLateDay returns the day up to which a payment still counts as late for
// an occurrence: the middle of the next one's period, or half a month later.
func lastLateDay(o models.Obligation, later []models.Obligation) calendar.Date {
	for _, next := range later {
		if sameSeries(next, o) {
			return o.DueOn.AddDays(o.DueOn.DaysUntil(next.DueOn) / 2)
		}
	}
	return o.DueOn.AddDays(15)
}

// firstPaid returns the first day from one day to another, but none of those
// to skip, on which more was paid than returned.
func (r Records) firstPaid(from, to calendar.Date, skip []calendar.Date) calendar.Date {
	for _, s := range r.Spending {
		if !s.PaidOn.Before(from) && !s.PaidOn.After(to) && s.Amount > 0 && !slices.Contains(skip, s.PaidOn) {
			return s.PaidOn
		}
	}
	return calendar.Date{}
}

// paid sums the payments up to and including day.
func (r Records) paid(day calendar.Date) money.Fen {
	var sum money.Fen
	for _, s := range r.Spending {
		if s.PaidOn.After(day) {
			break
		}
		sum += s.Amount
	}
	return sum
}

// expected is the plan's last checkpoint that has passed by day. Nothing is
// interpolated, and a blank checkpoint leaves the one before it in force.
func (r Records) expected(day calendar.Date) money.Percent {
	var p money.Percent
	for _, t := range r.Targets {
		if t.DueOn.Before(day) {
			p = t.Percent
		}
	}
	return p
}

// reachedOn returns the day since which the executed share has reached p
// without interruption until the given day, or no date if it does not reach it
// then. A target that nothing has to be paid for is reached from the first day
// of the year.
func (r Records) reachedOn(p money.Percent, until calendar.Date) calendar.Date {
	since := calendar.Date{}
	if (money.Share{Budget: r.Budget}).Reaches(p) {
		since = calendar.MustDate(until.Year(), 1, 1)
	}
	share := money.Share{Budget: r.Budget}
	for _, s := range r.Spending {
		if s.PaidOn.After(until) {
			break
		}
		share.Paid += s.Amount
		switch reached := share.Reaches(p); {
		case !reached:
			since = calendar.Date{}
		case since.IsZero():
			since = s.PaidOn
		}
	}
	return since
}

// nextChange returns the first day after day on which the records alone can
// change the finding, or no date. A spending target that was made up for late
// is still undone by a later refund; nothing else that is settled changes.
func nextChange(o models.Obligation, r Records, day calendar.Date) calendar.Date {
	var next calendar.Date
	consider := func(d calendar.Date) { next = earlier(next, d, day) }
	spending := o.Kind == models.SpendingTarget
	if !o.Settled() {
		consider(o.DoneOn)
		if !day.After(o.DueOn) {
			consider(o.DueOn.AddDays(1))
		}
		if spending {
			for _, t := range r.Targets {
				consider(t.DueOn.AddDays(1))
			}
		}
	}
	if (spending && o.State != models.StateMet) || (o.Kind == models.Recurring && !o.Settled()) {
		for _, s := range r.Spending {
			if s.PaidOn.After(day) {
				consider(s.PaidOn)
				break
			}
		}
	}
	return next
}

// earlier returns the earlier of two dates that lie after day; "no date" and
// dates that do not lie after day lose.
func earlier(a, b, day calendar.Date) calendar.Date {
	if b.IsZero() || !b.After(day) || (!a.IsZero() && a.Before(b)) {
		return a
	}
	return b
}
