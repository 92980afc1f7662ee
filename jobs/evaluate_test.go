package jobs_test

import (
	"testing"
	"time"

	"duban/jobs"
	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

func day(month time.Month, d int) calendar.Date { return calendar.MustDate(2025, month, d) }

func pct(n int64) money.Percent { return money.PercentOf(n) }

func paid(month time.Month, d int, amount money.Fen) models.Spending {
	return models.Spending{PaidOn: day(month, d), Amount: amount}
}

// usual is the rule with the usual lights: over 0, 10 and 30 points.
var usual = models.Rule{BlueOver: 0, YellowOver: pct(10), RedOver: pct(30)}

// plan has a blank cell at 3月底 and one in the middle, at 10月底.
var plan = []models.Target{
	{DueOn: day(6, 30), Percent: pct(50)},
	{DueOn: day(12, 31), Percent: pct(100)},
}

func TestSpendingTargets(t *testing.T) {
	for _, c := range []struct {
		name     string
		target   models.Target
		plan     []models.Target
		spending []models.Spending
		budget   money.Fen
		on       calendar.Date

		state     models.State
		light     models.Light
		settled   calendar.Date
		fulfilled bool
	}{
		{name: "nothing is expected before the first stated checkpoint", on: day(5, 1), state: models.StateOpen, light: models.Green},
		{
			name: "reaching a target early leaves it open, and silent", spending: []models.Spending{paid(2, 3, 50)}, on: day(2, 3),
			state: models.StateOpen, light: models.Green, fulfilled: true,
		},
		{
			name: "a payment on the day counts", spending: []models.Spending{paid(6, 30, 50)}, on: day(7, 1),
			state: models.StateMet, light: models.Green, settled: day(6, 30), fulfilled: true,
		},
		{name: "one 分 less does not", spending: []models.Spending{paid(6, 30, 49)}, on: day(7, 1), state: models.StateMissed, light: models.Blue},
		{name: "on its day it is not missed yet", on: day(6, 30), state: models.StateOpen, light: models.Green},
		{name: "ten points behind is still 关注", spending: []models.Spending{paid(3, 1, 40)}, on: day(7, 1), state: models.StateMissed, light: models.Blue},
		{name: "more than ten is 预警", spending: []models.Spending{paid(3, 1, 39)}, on: day(7, 1), state: models.StateMissed, light: models.Yellow},
		{name: "thirty points behind is still 预警", spending: []models.Spending{paid(3, 1, 20)}, on: day(7, 1), state: models.StateMissed, light: models.Yellow},
		{name: "more than thirty is red", spending: []models.Spending{paid(3, 1, 19)}, on: day(7, 1), state: models.StateMissed, light: models.Red},
		{
			name: "made up for later: missed, and settled on that day", spending: []models.Spending{paid(3, 1, 20), paid(8, 5, 30)}, on: day(9, 1),
			state: models.StateMissed, light: models.Green, settled: day(8, 5), fulfilled: true,
		},
		{
			name: "what is paid after the day of the check is not known yet", spending: []models.Spending{paid(3, 1, 20), paid(8, 5, 30)}, on: day(8, 4),
			state: models.StateMissed, light: models.Yellow,
		},
		{
			name: "a refund before the day undoes a target that was reached", spending: []models.Spending{paid(2, 1, 60), paid(6, 29, -20)}, on: day(7, 1),
			state: models.StateMissed, light: models.Blue,
		},
		{
			name: "a refund after the day does not", spending: []models.Spending{paid(2, 1, 60), paid(7, 2, -20)}, on: day(8, 1),
			state: models.StateMet, light: models.Green, settled: day(2, 1), fulfilled: true,
		},
		{
			name: "a refund after it was made up opens it again", spending: []models.Spending{paid(7, 5, 50), paid(8, 1, -1)}, on: day(8, 2),
			state: models.StateMissed, light: models.Blue,
		},
		{
			name: "the last stated target holds through a blank one", target: plan[1], spending: []models.Spending{paid(3, 1, 30)}, on: day(11, 30),
			state: models.StateOpen, light: models.Yellow,
		},
		{
			name: "an explicit 0% is a target, and met", target: models.Target{DueOn: day(3, 31), Percent: 0}, on: day(4, 1),
			state: models.StateMet, light: models.Green, settled: day(1, 1), fulfilled: true,
		},
		{name: "without a budget nothing is required", budget: -1, on: day(7, 1), state: models.StateMet, light: models.Green, settled: day(1, 1), fulfilled: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			target, budget := c.target, money.Fen(100)
			if target.DueOn.IsZero() {
				target = plan[0]
			}
			if c.budget < 0 {
				budget = 0
			}
			o := models.Obligation{Kind: models.SpendingTarget, DueOn: target.DueOn, Percent: target.Percent, State: models.StateOpen}
			f := jobs.Evaluate(o, jobs.Records{Budget: budget, Targets: plan, Spending: c.spending}, c.on, usual)
			if f.State != c.state || f.Light != c.light || f.SettledOn != c.settled || f.Fulfilled != c.fulfilled {
				t.Errorf("got %s %s settled %q fulfilled %v; want %s %s settled %q fulfilled %v",
					f.State, f.Light, f.SettledOn, f.Fulfilled, c.state, c.light, c.settled, c.fulfilled)
			}
		})
	}
}

func TestDutiesThatAPersonReports(t *testing.T) {
	for _, c := range []struct {
		name    string
		done    calendar.Date
		on      calendar.Date
		state   models.State
		light   models.Light
		settled calendar.Date
	}{
		{"not done and not due", calendar.Date{}, day(12, 15), models.StateOpen, models.Green, calendar.Date{}},
		{"not done the day after", calendar.Date{}, day(12, 16), models.StateMissed, models.Red, calendar.Date{}},
		{"done early", day(11, 1), day(11, 2), models.StateMet, models.Green, day(11, 1)},
		{"done on the day", day(12, 15), day(12, 20), models.StateMet, models.Green, day(12, 15)},
		{"done late", day(12, 18), day(12, 20), models.StateMissed, models.Green, day(12, 18)},
		{"reported for a day that has not come", day(12, 1), day(11, 1), models.StateOpen, models.Green, calendar.Date{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := models.Obligation{Kind: models.Completion, DueOn: day(12, 15), DoneOn: c.done, State: models.StateOpen}
			f := jobs.Evaluate(o, jobs.Records{}, c.on, usual)
			if f.State != c.state || f.Light != c.light || f.SettledOn != c.settled {
				t.Errorf("got %s %s %s; want %s %s %s", f.State, f.Light, f.SettledOn, c.state, c.light, c.settled)
			}
		})
	}
}

// monthly returns the duties of 每月10日前.
func monthly() []models.Obligation {
	var all []models.Obligation
	from := day(1, 1)
	for _, due := range models.MonthlyOn(10).Occurrences(2025) {
		all = append(all, models.Obligation{Kind: models.Recurring, PeriodFrom: from, DueOn: due, State: models.StateOpen})
		from = due.AddDays(1)
	}
	return all
}

func TestRecurringPayments(t *testing.T) {
	all := monthly()
	for _, c := range []struct {
		name     string
		month    time.Month
		spending []models.Spending
		on       calendar.Date
		state    models.State
		settled  calendar.Date
	}{
		{"paid in time", 3, []models.Spending{paid(3, 8, 5)}, day(3, 11), models.StateMet, day(3, 8)},
		{"paid in two parts: the first one counts", 3, []models.Spending{paid(3, 5, 5), paid(3, 8, 5)}, day(3, 11), models.StateMet, day(3, 5)},
		{"not paid", 1, nil, day(1, 11), models.StateMissed, calendar.Date{}},
		{"not due yet", 1, nil, day(1, 10), models.StateOpen, calendar.Date{}},
		{"paid late", 1, []models.Spending{paid(1, 12, 5)}, day(1, 13), models.StateMissed, day(1, 12)},
		{"a late payment does not pass for the next month's", 2, []models.Spending{paid(1, 12, 5)}, day(2, 11), models.StateMissed, calendar.Date{}},
		{"unless that is paid too", 2, []models.Spending{paid(1, 12, 5), paid(2, 9, 5)}, day(2, 11), models.StateMet, day(2, 9)},
		{"nor does one of which nobody can tell", 1, []models.Spending{paid(1, 27, 5)}, day(2, 1), models.StateMissed, calendar.Date{}},
		{"a payment late in the period is the next month's", 2, []models.Spending{paid(1, 27, 5)}, day(2, 11), models.StateMet, day(1, 27)},
		{"a refund is no payment", 1, []models.Spending{paid(1, 5, -5)}, day(1, 11), models.StateMissed, calendar.Date{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := jobs.Evaluate(all[c.month-1], jobs.Records{Spending: c.spending, Recurring: all}, c.on, usual)
			if f.State != c.state || f.SettledOn != c.settled {
				t.Errorf("got %s %q; want %s %q", f.State, f.SettledOn, c.state, c.settled)
			}
		})
	}
}

func TestTwoRecurringDutiesOfOneProjectAreSeparate(t *testing.T) {
	wages := monthly()
	for i := range wages {
		wages[i].Source = "每月10日前"
	}
	rent := monthly()
	from := day(1, 1)
	for i, due := range models.MonthlyEnd.Occurrences(2025) {
		rent[i].DueOn, rent[i].PeriodFrom, rent[i].Source = due, from, "按月发放"
		from = due.AddDays(1)
	}
	all := append(wages, rent...)
	f := jobs.Evaluate(rent[0], jobs.Records{Spending: []models.Spending{paid(1, 12, 5)}, Recurring: all}, day(2, 1), usual)
	if f.State != models.StateMet || f.SettledOn != day(1, 12) {
		t.Errorf("money paid within the month is %s %q for the month's end", f.State, f.SettledOn)
	}
}

func TestWhatAPersonReportedOfARecurringDutyStands(t *testing.T) {
	all := monthly()
	all[0].DoneOn = day(1, 9) // booked elsewhere
	records := jobs.Records{Spending: []models.Spending{paid(1, 20, 5)}, Recurring: all}
	if f := jobs.Evaluate(all[0], records, day(3, 1), usual); f.State != models.StateMet || f.SettledOn != day(1, 9) {
		t.Errorf("January is %s %q", f.State, f.SettledOn)
	}
	if f := jobs.Evaluate(all[1], records, day(3, 1), usual); f.State != models.StateMet || f.SettledOn != day(1, 20) {
		t.Errorf("February, paid early, is %s %q", f.State, f.SettledOn)
	}
}

func TestWaivedStaysWaived(t *testing.T) {
	o := models.Obligation{Kind: models.Completion, DueOn: day(1, 1), State: models.StateWaived}
	if f := jobs.Evaluate(o, jobs.Records{}, day(6, 1), usual); f.State != models.StateWaived || f.Light != models.Green || !f.Fulfilled {
		t.Errorf("got %+v", f)
	}
}
