package jobs

import (
	"context"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

const (
	dueWithin      = 14   // days that a report looks ahead
	worstShown     = 15   // rows of each table
	dueShown       = 15   //
	settledShown   = 10   //
	flowsShown     = 10   //
	mutesShown     = 10   //
	situationLimit = 1000 // of what is read to be counted
)

// survey finds out how the duties of units stand, each unit once.
type survey struct {
	store *models.Store
	day   calendar.Date
	users []models.User
	units map[int64]*models.Situation
}

// of returns the situation of a unit, of all units for 0, and nil if there is
// nothing to supervise.
func (s *survey) of(ctx context.Context, unitID int64) (*models.Situation, error) {
	if have, ok := s.units[unitID]; ok {
		return have, nil
	}
	situation, err := s.read(ctx, unitID)
	if err == nil {
		s.units[unitID] = situation
	}
	return situation, err
}

func (s *survey) read(ctx context.Context, unitID int64) (*models.Situation, error) {
	total, err := s.store.CountDuties(ctx, models.DutyFilter{UnitID: unitID})
	if err != nil || total == 0 {
		return nil, err
	}
	var st models.Situation
	if st.UnitName, err = s.store.UnitName(ctx, unitID); err != nil {
		return nil, err
	}
	if st.Lights, err = s.store.UnsettledLights(ctx, unitID); err != nil {
		return nil, err
	}
	week := models.DutyFilter{UnitID: unitID, SettledFrom: s.day.AddDays(-7), SettledTo: s.day.AddDays(-1)}
	if st.Settled, err = s.duties(ctx, week, settledShown); err != nil {
		return nil, err
	}
	if st.Worst, err = s.duties(ctx, models.DutyFilter{UnitID: unitID, Grave: true}, worstShown); err != nil {
		return nil, err
	}
	if st.Due, err = s.due(ctx, unitID); err != nil {
		return nil, err
	}
	if st.Flows, err = s.flows(ctx, unitID); err != nil {
		return nil, err
	}
	mutes, err := s.store.MutesInForce(ctx, unitID)
	if err != nil {
		return nil, err
	}
	st.Mutes = models.First(mutes, mutesShown)
	st.Trend, err = s.trend(ctx, unitID)
	return &st, err
}

// duties returns the first of the selected duties.
func (s *survey) duties(ctx context.Context, f models.DutyFilter, shown int) (e models.Excerpt[models.DigestItem], err error) {
	if e.Total, err = s.store.CountDuties(ctx, f); err != nil {
		return e, err
	}
	f.Limit = shown
	duties, err := s.store.Duties(ctx, f, s.day)
	for _, d := range duties {
		e.Items = append(e.Items, s.item(d))
	}
	return e, err
}

// due returns what is due soon and not reached yet.
func (s *survey) due(ctx context.Context, unitID int64) (e models.Excerpt[models.DigestItem], err error) {
	f := models.DutyFilter{UnitID: unitID, State: models.StateOpen, From: s.day, To: s.day.AddDays(dueWithin), Limit: situationLimit}
	duties, err := s.store.Duties(ctx, f, s.day)
	if err != nil {
		return e, err
	}
	var open []models.DigestItem
	for _, d := range duties {
		if item := s.item(d); d.Kind != models.SpendingTarget || item.Missing > 0 {
			open = append(open, item)
		}
	}
	return models.First(open, dueShown), nil
}

// item is a duty as a table shows it.
func (s *survey) item(d models.Duty) models.DigestItem {
	item := models.DigestItem{
		ObligationID: d.ID, Kind: d.Kind, Title: d.Title, UnitName: d.UnitName, ProjectName: d.ProjectName,
		DueOn: d.DueOn, DaysLeft: s.day.DaysUntil(d.DueOn), Light: d.Light, SettledOn: d.SettledOn,
	}
	if d.Kind == models.SpendingTarget {
		share := money.Share{Paid: d.Paid, Budget: d.Budget}
		item.Budget, item.Plan, item.Actual = d.Budget, d.Percent, share.Percent()
		if !share.Reaches(d.Percent) {
			item.Missing = share.Missing(d.Percent)
		}
	}
	return item
}

// flows returns the workflows in which a decision is overdue.
func (s *survey) flows(ctx context.Context, unitID int64) (models.Excerpt[models.OverdueFlow], error) {
	tasks, err := s.store.OverdueTasks(ctx, unitID, situationLimit)
	if err != nil {
		return models.Excerpt[models.OverdueFlow]{}, err
	}
	names := map[int64]string{}
	for _, u := range s.users {
		names[u.ID] = u.Name
	}
	flows := make([]models.OverdueFlow, len(tasks))
	for i, t := range tasks {
		flows[i] = models.OverdueFlow{
			InstanceID: t.ID, Title: t.Title, ProjectName: t.ProjectName, Assignee: names[t.AssigneeID],
			DueOn: t.DueOn, DaysLeft: s.day.DaysUntil(t.DueOn),
		}
	}
	return models.First(flows, flowsShown), nil
}

// trend is that of the unit's active projects of the year.
func (s *survey) trend(ctx context.Context, unitID int64) (*models.Trend, error) {
	asOf, err := s.store.RecordsAsOf(ctx, unitID)
	if err != nil || asOf.IsZero() {
		return nil, err
	}
	if asOf.After(s.day) {
		asOf = s.day
	}
	budget, err := s.store.UnitBudget(ctx, asOf.Year(), unitID)
	if err != nil {
		return nil, err
	}
	plan, err := s.store.YearPlan(ctx, asOf.Year(), unitID)
	if err != nil {
		return nil, err
	}
	paid, err := s.store.YearSpending(ctx, asOf.Year(), unitID, asOf)
	return trendOf(budget, plan, paid, asOf), err
}
