package api

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"duban/models"
)

// What a calendar holds: due dates of so many days around today, settled ones
// for a month after they were, and no more than a program bears.
const (
	feedBack    = 90
	feedAhead   = 400
	feedSettled = 30
	feedLimit   = 5000
)

// followers are the roles that see the duties of a whole unit.
var followers = []models.Role{models.RoleOffice, models.RoleFinance, models.RoleLeader, models.RoleHead, models.RoleAdmin}

// mayFollow reports whether a person may subscribe to the duties of a unit.
func mayFollow(person models.User, unit int64) bool {
	return slices.ContainsFunc(followers, person.Has) && serves(person, unit)
}

// feedCalendar is the calendar of a feed, as its owner may see it now. It
// returns errNoPage if they may see the unit no longer.
func (s *server) feedCalendar(ctx context.Context, r *request, f models.CalendarFeed, owner models.User) ([]byte, error) {
	r.person, r.language = owner, owner.Language
	filter := models.DutyFilter{
		From: r.today.AddDays(-feedBack), To: r.today.AddDays(feedAhead), Current: r.today.AddDays(-feedSettled),
	}
	title := say(r.language, "ics.own", owner.Name)
	if f.UnitID == 0 {
		filter.PersonID = owner.ID
	} else {
		if !mayFollow(owner, f.UnitID) {
			return nil, errNoPage
		}
		unit, err := s.unit(ctx, f.UnitID)
		if err != nil {
			return nil, err
		}
		filter.UnitID, title = f.UnitID, say(r.language, "ics.unit", unit.Name)
	}
	duties, more, err := readDuties(ctx, r, filter, feedLimit)
	if err != nil {
		return nil, err
	}
	about := say(r.language, "ics.about")
	if more {
		about += say(r.language, "ics.more", feedLimit)
	}
	days := make([]calendarDay, 0, len(duties))
	for _, d := range duties {
		days = append(days, s.dutyDay(d, r.language))
	}
	if f.UnitID == 0 {
		tasks, err := s.taskDays(ctx, r, filter)
		if err != nil {
			return nil, err
		}
		days = append(days, tasks...)
	}
	return encodeCalendar(title, about, days), nil
}

// dutyDay is a duty as an event of its due date.
func (s *server) dutyDay(d dutyView, language models.Language) calendarDay {
	whose := d.ProjectName
	if whose == "" {
		whose = d.UnitName
	}
	day := calendarDay{
		UID: fmt.Sprintf("obligation-%d@duban", d.ID), Sequence: d.Version, ChangedAt: d.UpdatedAt, Day: d.DueOn,
		Summary: say(language, "ics.summary", word(language, "kind", d.Kind), whose, d.Title), URL: s.absolute(dutyPath(d.ID)),
	}
	var lines []string
	tell := func(label, value string) {
		if value != "" {
			lines = append(lines, say(language, label)+say(language, "colon")+value)
		}
	}
	tell("silence.unit", d.UnitName)
	tell("col.project", strings.TrimSpace(d.ProjectName+" "+d.ProjectCode))
	tell("col.owner", d.OwnerName)
	state := word(language, "state", d.State)
	switch {
	case !d.Unsettled():
		day.Summary = "✓ " + day.Summary
		if d.State == models.StateMissed {
			state = say(language, "state.settled_late")
		}
	case d.State == models.StateMissed:
		state = say(language, "state.late")
	}
	tell("col.state", state)
	if d.Unsettled() {
		day.Category = word(language, "light", d.Light)
		tell("col.light", day.Category)
	}
	if d.Spending() {
		tell("col.plan", d.Percent.String())
		if d.Share().Defined() {
			tell("col.actual", d.Share().Percent().String())
		}
		if missing := d.Missing(); missing > 0 {
			tell("missing", wan(missing)+" "+say(language, "wan"))
		}
	}
	tell("obligation.source", d.Source)
	day.Description = strings.Join(lines, "\n")
	return day
}

// taskDays are the time limits of what waits for the owner's decision.
func (s *server) taskDays(ctx context.Context, r *request, f models.DutyFilter) ([]calendarDay, error) {
	entries, err := s.Store.OpenTasksOf(ctx, []int64{r.person.ID}, maxWaiting)
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, func(e models.Entry) bool { return e.DueOn.Before(f.From) || e.DueOn.After(f.To) })
	views, err := newLister(r).views(ctx, entries)
	days := make([]calendarDay, len(views))
	for i, v := range views {
		days[i] = calendarDay{
			UID: fmt.Sprintf("task-%d-%d@duban", v.ID, v.Task), Sequence: v.TaskVersion, ChangedAt: v.UpdatedAt, Day: v.DueOn,
			Summary:     say(r.language, "ics.task", v.Workflow, v.Title),
			Description: strings.TrimSpace(v.StepTitle + "\n" + v.ProjectName), URL: s.absolute(instancePath(v.ID)),
		}
	}
	return days, err
}

// absolute returns the address of a page for whoever is elsewhere, "" if there
// is none.
func (s *server) absolute(path string) string {
	if s.BaseURL == "" {
		return ""
	}
	return strings.TrimRight(s.BaseURL, "/") + path
}

// unit returns a unit, or errNoPage.
func (s *server) unit(ctx context.Context, id int64) (models.Unit, error) {
	units, err := s.Store.Units(ctx)
	for _, u := range units {
		if u.ID == id {
			return u, nil
		}
	}
	if err == nil {
		err = errNoPage
	}
	return models.Unit{}, err
}
