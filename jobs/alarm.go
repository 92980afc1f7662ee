package jobs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"duban/models"
	"duban/models/calendar"
)

// alarmSubject tells alarms apart.
type alarmSubject struct {
	kind    models.AlarmKind
	subject string
}

func subjectOf(a models.Alarm) alarmSubject { return alarmSubject{a.Kind, a.Subject} }

// told is what has been said about a subject lately.
type told struct {
	last           models.Alarm // the latest, whether alarm or all-clear
	on             calendar.Date
	raised, solved time.Time // when each was said last
	today          int       // alarms raised today
}

// raise tells the administrators of what is wrong, once a day, and of what was
// and is no longer. What was said is read in the transaction that says more,
// and the keys follow from it, so any number of replicas say it once.
func (w *Watchman) raise(ctx context.Context, found []models.Alarm) (raised []models.Alarm, err error) {
	err = w.Store.Tx(ctx, "system", func(tx *models.Tx) error {
		raised = nil
		today := w.Store.Today()
		said, err := w.said(tx, today)
		if err != nil {
			return err
		}
		lost, err := w.givenUp(ctx, said)
		if err != nil {
			return err
		}
		due := slices.Concat(w.due(found, said, today), lost, w.solved(found, said))
		if len(due) == 0 {
			return nil
		}
		to, err := administrators(tx)
		if err != nil {
			return err
		}
		for _, a := range due {
			n, err := tx.Enqueue(w.messages(a, said[subjectOf(a)], to, today))
			if err != nil {
				return err
			}
			if n > 0 {
				raised = append(raised, a)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("raise alarms: %w", err)
	}
	return raised, nil
}

// said reads the alarms of yesterday and today.
func (w *Watchman) said(tx *models.Tx, today calendar.Date) (map[alarmSubject]told, error) {
	rows, err := tx.Messages("alarm|", today.AddDays(-1))
	said := map[alarmSubject]told{}
	counted := map[string]bool{} // one alarm is a row for each administrator
	for _, n := range rows {
		a := n.Payload.Alarm
		if a == nil {
			continue
		}
		t := said[subjectOf(*a)]
		t.last, t.on = *a, n.Day
		if a.Over {
			t.solved = n.CreatedAt
		} else {
			t.raised = n.CreatedAt
		}
		key := strings.Join(strings.SplitN(n.DedupKey, "|", 7)[:6], "|")
		if !a.Over && n.Day == today && !counted[key] {
			counted[key] = true
			t.today++
		}
		said[subjectOf(*a)] = t
	}
	return said, err
}

// due returns the alarms that have to be raised: those of which nothing was
// said today, or that were said to be over.
func (w *Watchman) due(found []models.Alarm, said map[alarmSubject]told, today calendar.Date) []models.Alarm {
	var due []models.Alarm
	for _, a := range found {
		t, ok := said[subjectOf(a)]
		if !ok || w.Clock.Since(t.raised) >= alarmPause && (t.last.Over || t.on != today) {
			due = append(due, a)
		}
	}
	return due
}

// solved returns the alarms that are over and have not been said to be.
func (w *Watchman) solved(found []models.Alarm, said map[alarmSubject]told) []models.Alarm {
	wrong := map[alarmSubject]bool{}
	for _, a := range found {
		wrong[subjectOf(a)] = true
	}
	var solved []models.Alarm
	for s, t := range said {
		if wrong[s] || t.last.Over || s.kind == models.AlarmDead || w.Clock.Since(t.solved) < alarmPause {
			continue
		}
		solved = append(solved, models.Alarm{Kind: s.kind, Subject: s.subject, Problem: t.last.Problem, Since: t.last.Since, Over: true})
	}
	slices.SortFunc(solved, func(a, b models.Alarm) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Subject, b.Subject))
	})
	return solved
}

// givenUp returns the channels by which messages were given up since the last
// alarm about that, or in the last day. Those of the last minute may not be
// committed yet; they are counted the next time.
func (w *Watchman) givenUp(ctx context.Context, said map[alarmSubject]told) ([]models.Alarm, error) {
	until := w.Clock.Now().Add(-checkEvery)
	since := until.Add(-24 * time.Hour)
	var raised time.Time
	for s, t := range said {
		if s.kind == models.AlarmDead && t.raised.After(raised) {
			raised, since = t.raised, t.last.Until
		}
	}
	if w.Clock.Since(raised) < alarmPause {
		return nil, nil
	}
	list, err := w.Store.DeadMessages(ctx, since, until, templateAlarm)
	found := alarms(models.AlarmDead, list)
	for i := range found {
		found[i].Until = until.UTC()
	}
	return found, err
}

// administrators are those whom an alarm is for: if there are none, those who
// can find one.
func administrators(tx *models.Tx) ([]models.User, error) {
	users, err := tx.Users()
	if err != nil {
		return nil, err
	}
	directory := NewDirectory(users)
	for _, role := range []models.Role{models.RoleAdmin, models.RoleOffice, models.RoleFinance} {
		if to := directory.byRole[role]; len(to) > 0 {
			return to, nil
		}
	}
	return []models.User{{Language: models.Chinese}}, nil // it is recorded that there was nobody
}

// messages returns the outbox rows of one alarm. Its number of the day tells
// it from the one before.
func (w *Watchman) messages(a models.Alarm, t told, to []models.User, today calendar.Date) []models.Notification {
	what := "raised"
	if a.Over {
		what = "over"
	}
	messages := make([]models.Notification, len(to))
	for i, u := range to {
		n := models.Notification{
			DedupKey: fmt.Sprintf("alarm|%s|%s|%s|%s|%d|%d", today, a.Kind, a.Subject, what, t.today, u.ID),
			Day:      today, Template: templateAlarm, Urgency: models.Urgent, State: models.NotificationPending, NextAttemptAt: w.Clock.Now().UTC(),
			Payload: models.Reminder{AsOf: today, Alarm: &a},
		}
		w.Routing.Address(&n, u, false)
		messages[i] = n
	}
	return messages
}
