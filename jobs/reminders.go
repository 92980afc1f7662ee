package jobs

import (
	"slices"

	"duban/models"
	"duban/models/calendar"
)

// Names of the message templates.
const (
	templateBefore  = "reminder_before"
	templateToday   = "reminder_today"
	templateOverdue = "reminder_overdue"
)

// said is one occasion on which one person is to hear about an obligation.
type said struct {
	Occasion
	to models.User
}

// reminders returns the messages about an unfulfilled obligation for the
// occasions after since and up to day. To each person goes the most urgent one
// only. Earlier ones that an outage has made stale are recorded as suppressed,
// so that it can be shown why they were not sent; there are none before the
// obligation's first check, when nobody had promised to say anything yet.
func (r *round) reminders(o models.Obligation, f Finding, rule models.Rule, since, day calendar.Date, ev models.Evidence) []models.Notification {
	facts := r.facts(o, f, rule, day, ev)
	var project *models.Project
	if p, ok := ev.Projects[o.ProjectID]; ok {
		project = &p
	}
	perPerson := map[int64][]said{}
	var order []int64
	for _, oc := range occasionsBetween(rule, o.DueOn, since, day, r.calendar) {
		people := r.directory.Recipients(oc.Audience, o.UnitID, project)
		if len(people) == 0 {
			people = []models.User{{Language: models.Chinese}}
		}
		for _, u := range people {
			if _, ok := perPerson[u.ID]; !ok {
				order = append(order, u.ID)
			}
			perPerson[u.ID] = append(perPerson[u.ID], said{oc, u})
		}
	}
	var messages []models.Notification
	for _, id := range order {
		messages = append(messages, r.mostUrgent(o, rule, facts, perPerson[id], !since.IsZero())...)
	}
	return messages
}

// mostUrgent turns what one person would have heard into one message, and into
// records of what is stale, if asked.
func (r *round) mostUrgent(o models.Obligation, rule models.Rule, facts models.Reminder, all []said, recordStale bool) []models.Notification {
	slices.SortStableFunc(all, func(a, b said) int {
		if c := b.Day.Compare(a.Day); c != 0 {
			return c
		}
		return b.urgency() - a.urgency()
	})
	messages := []models.Notification{r.message(o, rule, facts, all[0])}
	if !recordStale {
		return messages
	}
	last := all[0]
	for _, s := range all[1:] {
		// Occasions that a weekend brought to the same day are one, and so are
		// those that a person hears of in two capacities.
		if s.Day == last.Day {
			continue
		}
		last = s
		m := r.message(o, rule, facts, s)
		m.State, m.Reason = models.NotificationSuppressed, models.SuppressedStale
		messages = append(messages, m)
	}
	return messages
}

// message makes the outbox row for one occasion and person.
func (r *round) message(o models.Obligation, rule models.Rule, facts models.Reminder, s said) models.Notification {
	facts.Audience = s.Audience
	m := models.Notification{
		DedupKey:     dedupKey(o, rule, s.Occasion, s.to.ID),
		ObligationID: o.ID, Day: s.Day, Template: templateFor(facts.DaysLeft), Payload: facts,
		Urgency: urgencyOf(facts), State: models.NotificationPending, NextAttemptAt: r.clock.Now().UTC(),
	}
	r.routing.Address(&m, s.to, false)
	if m.State == models.NotificationPending && held(m, s.to) {
		m.State = models.NotificationHeld
	}
	return m
}

// held reports whether a reminder waits to be told with others. Whoever reads
// them once a week still hears at once of what is urgent: in a week it is too
// late.
func held(m models.Notification, to models.User) bool {
	switch to.Reach.Digest {
	case models.DigestOff:
		return false
	case models.DigestWeekly:
		return m.Urgency != models.Urgent
	case models.DigestDaily:
	}
	return true
}

// escalated reports whether a reminder goes to somebody above the owner.
func escalated(a models.Audience) bool { return a == models.ToManager || a == models.ToLeader }

// urgencyOf says how soon a reminder must be read: at once from the day before
// the due date on, or from the last working day, and whenever somebody above the
// owner has to be told.
func urgencyOf(facts models.Reminder) models.Urgency {
	if facts.DaysLeft <= 1 || facts.DueDay || escalated(facts.Audience) {
		return models.Urgent
	}
	return models.Normal
}

func templateFor(daysLeft int) string {
	switch {
	case daysLeft > 0:
		return templateBefore
	case daysLeft == 0:
		return templateToday
	}
	return templateOverdue
}

// facts are what a message about the obligation states.
func (r *round) facts(o models.Obligation, f Finding, rule models.Rule, day calendar.Date, ev models.Evidence) models.Reminder {
	p := ev.Projects[o.ProjectID]
	facts := models.Reminder{
		Kind: o.Kind, Title: o.Title, UnitName: ev.Units[o.UnitID].Name,
		ProjectName: p.Name, ProjectCode: p.Code, ProjectID: p.ID, FiscalYear: o.FiscalYear,
		DueOn: o.DueOn, AsOf: day, DaysLeft: day.DaysUntil(o.DueOn), DueOnHoliday: dayOff(o.DueOn, r.calendar),
		DueDay: isDueDay(day, o.DueOn, r.calendar),
		Light:  f.Light, Source: o.Source, PauseDays: rule.PauseDays,
	}
	if facts.DaysLeft < 0 {
		facts.Workflow = rule.Workflow
	}
	if o.Kind == models.SpendingTarget || o.Kind == models.Recurring {
		facts.RecordsAsOf = ev.Units[o.UnitID].RecordsAsOf
	}
	if o.Kind == models.SpendingTarget {
		facts.Budget, facts.Paid = f.Share.Budget, f.Share.Paid
		facts.Plan, facts.Actual = o.Percent, f.Share.Percent()
		facts.Missing = max(0, f.Share.Missing(o.Percent))
	}
	return facts
}

// isDueDay reports whether what is said about a duty on a day is the last that is
// said up to its due date.
func isDueDay(day, due calendar.Date, cal *calendar.Calendar) bool {
	return !day.After(due) && !day.Before(cal.WorkdayOnOrBefore(due))
}

// dayOff says why a day is no working day: the holiday's name or the weekday;
// "" if it is one.
func dayOff(d calendar.Date, cal *calendar.Calendar) string {
	if cal.IsWorkday(d) {
		return ""
	}
	if name, ok := cal.Holiday(d); ok {
		return name
	}
	return [...]string{"星期日", "星期一", "星期二", "星期三", "星期四", "星期五", "星期六"}[d.Weekday()]
}
