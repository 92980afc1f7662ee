package jobs

import (
	"context"

	"duban/models"
	"duban/models/calendar"
)

// HeldBack counts the reminders due after one day and up to another that a
// silence would keep from being sent, if nothing is paid, reported or changed
// until then. It writes nothing.
func HeldBack(ctx context.Context, store *models.Store, silence models.Silence, after, upTo calendar.Date) (int, error) {
	f, err := newForecast(ctx, store, silence)
	if err != nil {
		return 0, err
	}
	count := 0
	err = store.EachCovered(ctx, silence, func(batch []models.Obligation) error {
		ev, err := store.EvidenceFor(ctx, batch)
		if err != nil {
			return err
		}
		for _, o := range batch {
			count += f.held(o, ev, after, upTo)
		}
		return nil
	})
	return count, err
}

// forecast is what counting the reminders of many duties shares.
type forecast struct {
	rules     RuleSet
	directory Directory
	calendar  *calendar.Calendar
	silence   models.Silence
}

func newForecast(ctx context.Context, store *models.Store, silence models.Silence) (forecast, error) {
	rules, err := store.Rules(ctx)
	if err != nil {
		return forecast{}, err
	}
	users, err := store.Users(ctx)
	if err != nil {
		return forecast{}, err
	}
	cal, err := store.Calendar(ctx)
	return forecast{NewRuleSet(rules), NewDirectory(users), cal, silence}, err
}

// morning is the hour by which the reminders of a day have been said, on
// schedules as they usually are.
const morning = 9

// held counts the reminders of one duty: one a day for each person.
func (f forecast) held(o models.Obligation, ev models.Evidence, after, upTo calendar.Date) int {
	rule := f.rules.For(o)
	if Evaluate(o, recordsOf(o, ev), after, rule).Fulfilled {
		return 0
	}
	var project *models.Project
	if p, ok := ev.Projects[o.ProjectID]; ok {
		project = &p
	}
	type hearing struct {
		day  calendar.Date
		user int64
	}
	heard := map[hearing]bool{}
	for _, oc := range occasionsBetween(rule, o.DueOn, after, upTo, f.calendar) {
		if !f.silence.At(oc.Day.At(morning, 0)) {
			continue
		}
		for _, u := range f.directory.Recipients(oc.Audience, o.UnitID, project) {
			if f.silence.Covers(models.Notification{RecipientID: u.ID}, o) {
				heard[hearing{oc.Day, u.ID}] = true
			}
		}
	}
	return len(heard)
}
