package api

import (
	"context"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

// dutyView is an obligation as a list shows it on a day.
type dutyView struct {
	models.Duty
	Days        int           // until it is due, negative when overdue
	DayOff      string        // the holiday on which it is due, or blank
	LastWorkday calendar.Date // the working day before, if it is due on none
}

// Spending reports whether the duty is about an amount.
func (d dutyView) Spending() bool { return d.Kind == models.SpendingTarget }

// Unsettled reports whether something remains to be done.
func (d dutyView) Unsettled() bool { return d.State != models.StateMet && !d.Settled() }

// Share returns the executed share of the duty's project.
func (d dutyView) Share() money.Share { return money.Share{Paid: d.Paid, Budget: d.Budget} }

// Missing returns what must still be paid to reach the target. It is never
// shown as nothing while the target is not reached.
func (d dutyView) Missing() money.Fen {
	if d.Share().Reaches(d.Percent) {
		return 0
	}
	return max(d.Amount-d.Paid, 1)
}

func viewDuties(duties []models.Duty, today calendar.Date, cal *calendar.Calendar) []dutyView {
	views := make([]dutyView, len(duties))
	for i, d := range duties {
		views[i] = dutyView{Duty: d, Days: today.DaysUntil(d.DueOn)}
		if !cal.IsWorkday(d.DueOn) {
			views[i].DayOff, _ = cal.Holiday(d.DueOn)
			views[i].LastWorkday = cal.WorkdayOnOrBefore(d.DueOn)
		}
	}
	return views
}

// readDuties reads a page of the ledger and reports whether there is more.
func readDuties(ctx context.Context, r *request, f models.DutyFilter, size int) ([]dutyView, bool, error) {
	cal, err := r.store.Calendar(ctx)
	if err != nil {
		return nil, false, err
	}
	f.Limit = size + 1
	duties, err := r.store.Duties(ctx, f, r.today)
	if err != nil {
		return nil, false, err
	}
	duties, more := rest(duties, size)
	return viewDuties(duties, r.today, cal), more, nil
}

// projectView is a project as it stands on a day.
type projectView struct {
	models.ProjectRow
	Expected *models.Target // the last stated target whose day has passed
	Next     *models.Target // the first whose day has not
}

func viewProject(p models.ProjectRow, today calendar.Date) projectView {
	v := projectView{ProjectRow: p}
	for i := range p.Targets {
		t := &p.Targets[i]
		switch {
		case t.DueOn.Before(today):
			v.Expected = t
		case v.Next == nil:
			v.Next = t
		}
	}
	return v
}

// Share returns the executed share.
func (p projectView) Share() money.Share { return money.Share{Paid: p.Paid, Budget: p.Budget} }

// Bar draws the executed share with a mark at the plan.
func (p projectView) Bar() bar {
	if p.Expected == nil {
		return newBar(p.Share(), 0, false)
	}
	return newBar(p.Share(), p.Expected.Percent, true)
}

// Behind returns by how many percentage points execution is behind the plan,
// rounded up to the 0.01 that is shown, or 0.
func (p projectView) Behind() money.Percent {
	if p.Expected == nil || p.Share().Reaches(p.Expected.Percent) {
		return 0
	}
	return p.Expected.Percent - p.Share().Percent()
}

// curve returns the project's plan and its spending.
func (p projectView) curve(ctx context.Context, store *models.Store, today calendar.Date) (curve, error) {
	paid, err := store.ProjectSpending(ctx, p.ID, today)
	c := curve{Year: p.FiscalYear, Today: today, Budget: p.Budget, Paid: cumulate(paid)}
	for _, t := range p.Targets {
		c.Plan = append(c.Plan, models.AmountOn{Day: t.DueOn, Amount: t.Percent.Of(p.Budget)})
	}
	return c, err
}

// planned returns the share of a plan for display, rounded up to 0.01 %: cut
// off like an executed share, a plan would look easier to reach than it is.
func planned(s money.Share) money.Percent {
	if !s.Defined() {
		return 0
	}
	n := s.Paid/s.Budget + 1 // budgets that are certainly enough
	unplanned := money.Share{Paid: n*s.Budget - s.Paid, Budget: s.Budget}
	return money.Percent(n)*money.Whole - unplanned.Percent()
}

// checkpoint is one row of the table beside a chart.
type checkpoint struct {
	Label  string // as published, "" in the sum of several projects
	Day    calendar.Date
	Plan   money.Fen
	Share  money.Percent // planned, of the budget
	Passed bool
	// Meaningless unless Passed: what was paid up to and including the day,
	// and whether that was enough.
	Paid    money.Fen
	Reached bool
}

// Missing returns what was not paid by the day although it was planned. Like
// dutyView.Missing it is never nothing while the plan is not reached.
func (c checkpoint) Missing() money.Fen {
	if c.Reached {
		return 0
	}
	return max(c.Plan-c.Paid, 1)
}

func (c curve) checkpoints() []checkpoint {
	rows := make([]checkpoint, len(c.Plan))
	for i, p := range c.Plan {
		paid := last(c.Paid, p.Day, true)
		rows[i] = checkpoint{
			Day: p.Day, Plan: p.Amount, Share: planned(money.Share{Paid: p.Amount, Budget: c.Budget}),
			Passed: p.Day.Before(c.Today), Paid: paid, Reached: paid >= p.Amount,
		}
	}
	return rows
}
