package jobs

import (
	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

// trendWeeks is how many weeks a trend goes back.
const trendWeeks = 8

// trendOf returns how the executed share went against the plan in the weeks up
// to the day on which the records end, none if there is nothing to compare.
// Plan holds by how much the promised amount rises on each checkpoint; one
// counts from the day after, as for the lights. Weeks of the year before are
// left out: they were another budget's.
func trendOf(budget money.Fen, plan, paid []models.AmountOn, asOf calendar.Date) *models.Trend {
	if budget <= 0 || asOf.IsZero() {
		return nil
	}
	t := &models.Trend{AsOf: asOf}
	for week := trendWeeks - 1; week >= 0; week-- {
		on := asOf.AddDays(-7 * week)
		if on.Year() != asOf.Year() {
			continue
		}
		actual := money.Share{Paid: sumUntil(paid, on), Budget: budget}.Percent()
		t.Weeks = append(t.Weeks, models.TrendWeek{On: on, Plan: rounded(sumUntil(plan, on.AddDays(-1)), budget), Actual: actual})
	}
	return t
}

func sumUntil(list []models.AmountOn, day calendar.Date) money.Fen {
	var sum money.Fen
	for _, a := range list {
		if !a.Day.After(day) {
			sum += a.Amount
		}
	}
	return sum
}

// rounded is the share that a plan makes of a budget, to 0.01 %. An executed
// share is cut off instead, but half of a budget, rounded to the 分, must not
// read 49.99 %.
func rounded(plan, budget money.Fen) money.Percent {
	const hundredth = money.Whole / 10_000
	return money.Percent((plan*10_000+budget/2)/budget) * hundredth
}

// trend is that of the projects of one fiscal year about which reminders are.
func (t *telling) trend(worth []models.Notification) *models.Trend {
	var asOf calendar.Date
	projects := map[int64]models.Project{}
	for _, n := range worth {
		o := t.gate.Standing.Duties[n.ObligationID]
		if on := t.evidence.Units[o.UnitID].RecordsAsOf; on.After(asOf) {
			asOf = on
		}
		if p, ok := t.evidence.Projects[o.ProjectID]; ok {
			projects[p.ID] = p
		}
	}
	if asOf.After(t.day) {
		asOf = t.day
	}
	var budget money.Fen
	var plan, paid []models.AmountOn
	for id, p := range projects {
		if p.FiscalYear != asOf.Year() {
			continue
		}
		budget += p.Budget
		var promised money.Fen
		for _, c := range t.evidence.Targets[id] {
			amount := c.Percent.Of(p.Budget)
			plan = append(plan, models.AmountOn{Day: c.DueOn, Amount: amount - promised})
			promised = amount
		}
		for _, s := range t.evidence.Spending[id] {
			paid = append(paid, models.AmountOn{Day: s.PaidOn, Amount: s.Amount})
		}
	}
	return trendOf(budget, plan, paid, asOf)
}
