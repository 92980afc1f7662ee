package api

import (
	"context"
	"slices"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

// Sizes of the overview's lists, and how far ahead it looks.
const (
	overviewRows     = 20
	overviewMessages = 8
	overviewDays     = 30
)

// tally is how many obligations have a light or a state.
type tally struct {
	Light models.Light
	State models.State
	Count int
}

// overviewData is the page that answers: where do we stand, and what is next?
type overviewData struct {
	Year   int
	Years  []int
	Totals models.YearTotals
	Paid   money.Fen // by the projects of the year, up to today
	Due    money.Fen // planned by the checkpoints that have passed
	Charts []drawing
	Table  []checkpoint

	Lights   []tally // of what is unsettled, of all years
	States   []tally // of the year
	Late     int
	DueSoon  int
	Next     []dutyView
	Overdue  []dutyView
	Messages []models.Message
	Problems int

	Checked     *models.JobRun // the last sweep, nil if there was none
	MissingYear int            // whose holidays are not known, 0 if none matters
	Horizon     calendar.Date
}

// Share returns the executed share of the year.
func (o overviewData) Share() money.Share {
	return money.Share{Paid: o.Paid, Budget: o.Totals.Budget}
}

// DueShare returns the planned share of the year so far.
func (o overviewData) DueShare() money.Percent {
	return planned(money.Share{Paid: o.Due, Budget: o.Totals.Budget})
}

// Missing returns by how much spending is behind the plan so far.
func (o overviewData) Missing() money.Fen { return max(o.Due-o.Paid, 0) }

func overview(ctx context.Context, r *request) (any, error) {
	o := overviewData{Horizon: r.today.AddDays(overviewDays)}
	for _, step := range []func(context.Context, *request) error{o.readYear, o.readCurve, o.readCounts, o.readDuties, o.readRest} {
		if err := step(ctx, r); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// readYear chooses the fiscal year: the one asked for, else this one, else the
// latest that has projects.
func (o *overviewData) readYear(ctx context.Context, r *request) (err error) {
	o.Year, o.Years, err = fiscalYear(ctx, r)
	if err != nil {
		return err
	}
	o.Totals, err = r.store.YearTotals(ctx, o.Year)
	return err
}

func fiscalYear(ctx context.Context, r *request) (year int, years []int, err error) {
	if years, err = r.store.FiscalYears(ctx); err != nil {
		return 0, nil, err
	}
	asked, err := number(r.query, "year")
	switch {
	case err != nil:
		return 0, nil, err
	case asked > 9998:
		return 0, nil, badValue("year", r.query.Get("year"), "2025")
	case asked != 0:
		return int(asked), years, nil
	case len(years) == 0 || slices.Contains(years, r.today.Year()):
		return r.today.Year(), years, nil
	}
	return years[len(years)-1], years, nil
}

func (o *overviewData) readCurve(ctx context.Context, r *request) error {
	plan, err := r.store.YearPlan(ctx, o.Year, 0)
	if err != nil {
		return err
	}
	paid, err := r.store.YearSpending(ctx, o.Year, 0, r.today)
	if err != nil {
		return err
	}
	c := curve{Year: o.Year, Today: r.today, Budget: o.Totals.Budget, Plan: cumulate(plan), Paid: cumulate(paid)}
	o.Paid, o.Due = last(c.Paid, r.today, true), last(c.Plan, r.today, false)
	o.Charts, o.Table = draw(c), c.checkpoints()
	return nil
}

func (o *overviewData) readCounts(ctx context.Context, r *request) error {
	counts, err := r.store.DutyCounts(ctx)
	if err != nil {
		return err
	}
	lights, states := map[models.Light]int{}, map[models.State]int{}
	for _, c := range counts {
		if c.Unsettled() {
			lights[c.Light] += c.Count
		}
		if c.Unsettled() && c.State == models.StateMissed {
			o.Late += c.Count
		}
		if c.FiscalYear == o.Year {
			states[c.State] += c.Count
		}
	}
	for _, l := range []models.Light{models.Red, models.Yellow, models.Blue, models.Green} {
		o.Lights = append(o.Lights, tally{Light: l, Count: lights[l]})
	}
	for _, st := range allStates {
		o.States = append(o.States, tally{State: st, Count: states[st]})
	}
	soon := models.DutyFilter{State: models.StateOpen, From: r.today, To: o.Horizon}
	o.DueSoon, err = r.store.CountDuties(ctx, soon)
	return err
}

func (o *overviewData) readDuties(ctx context.Context, r *request) (err error) {
	next := models.DutyFilter{State: models.StateOpen, From: r.today, To: o.Horizon}
	if o.Next, _, err = readDuties(ctx, r, next, overviewRows); err != nil {
		return err
	}
	late := models.DutyFilter{State: models.StateMissed, Unsettled: true}
	o.Overdue, _, err = readDuties(ctx, r, late, overviewRows)
	return err
}

func (o *overviewData) readRest(ctx context.Context, r *request) (err error) {
	if o.Messages, err = r.store.Messages(ctx, models.MessageFilter{Limit: overviewMessages}); err != nil {
		return err
	}
	if o.Problems, err = r.store.CountProblems(ctx, models.ProblemFilter{State: models.ProblemOpen}); err != nil {
		return err
	}
	cal, err := r.store.Calendar(ctx)
	if err != nil {
		return err
	}
	o.MissingYear = cal.MissingYear(r.today)
	run, ok, err := r.store.LastRun(ctx, models.JobSweep)
	if ok {
		o.Checked = &run
	}
	return err
}
