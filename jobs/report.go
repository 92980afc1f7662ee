package jobs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/calendar"
)

const templateReport = "report"

// Reporter writes the weekly reports (周报): to leaders how the duties of their
// unit stand, and to whoever wants reminders once a week those reminders.
type Reporter struct {
	Store   *models.Store
	Clock   clockwork.Clock
	Routing models.Routing
}

// ReportStats counts what a reporter did.
type ReportStats struct {
	Reports  int // new messages in the outbox
	Digested int // reminders that they tell
}

// Counts returns the stats by name, as a job run records them.
func (s ReportStats) Counts() map[string]int {
	return map[string]int{"reports": s.Reports, "digested": s.Digested}
}

// ReportJob returns the job that reports as of the current day and then calls
// done, if it is set, so that the reports leave at once.
func ReportJob(r *Reporter, done func()) Job {
	return func(ctx context.Context, _ time.Time) (map[string]int, error) {
		stats, err := r.Report(ctx, r.Store.Today())
		if done != nil {
			done()
		}
		return stats.Counts(), err
	}
}

// Report puts the reports of the week of a day into the outbox, for everybody
// who has none yet. Each person's is one transaction, so one that was killed
// goes on where it was. Where there is neither a project nor a duty, there is
// nothing to report.
func (r *Reporter) Report(ctx context.Context, day calendar.Date) (ReportStats, error) {
	var stats ReportStats
	users, err := r.Store.Users(ctx)
	if err != nil {
		return stats, err
	}
	survey := &survey{store: r.Store, day: day, users: users, units: map[int64]*models.Situation{}}
	for _, u := range users {
		weekly := u.Reach.Digest == models.DigestWeekly
		if !u.Active || !leads(u) && !weekly {
			continue
		}
		situation, err := survey.of(ctx, u.UnitID)
		if err != nil {
			return stats, fmt.Errorf("report of %s: %w", day, err)
		}
		if situation == nil {
			continue
		}
		if !leads(u) {
			situation = nil
		}
		var did ReportStats
		err = r.Store.Tx(ctx, "system", func(tx *models.Tx) (err error) {
			did, err = r.reportTo(tx, day, u, situation)
			return err
		})
		if err != nil {
			return stats, fmt.Errorf("report of %s to user %d: %w", day, u.ID, err)
		}
		stats.Reports += did.Reports
		stats.Digested += did.Digested
	}
	return stats, nil
}

// leads reports whether somebody answers for what others do.
func leads(u models.User) bool { return u.Has(models.RoleLeader) || u.Has(models.RoleHead) }

// monday returns the first day of the week of a day.
func monday(day calendar.Date) calendar.Date { return day.AddDays(-(int(day.Weekday()) + 6) % 7) }

// reportTo puts one person's report of the week into the outbox.
func (r *Reporter) reportTo(tx *models.Tx, day calendar.Date, to models.User, situation *models.Situation) (ReportStats, error) {
	week := monday(day)
	if had, err := tx.SaidSince(to.ID, templateReport, week); err != nil || had {
		return ReportStats{}, err
	}
	var rows []models.Notification
	if to.Reach.Digest == models.DigestWeekly {
		var err error
		if rows, err = tx.Held([]int64{to.ID}); err != nil {
			return ReportStats{}, err
		}
	}
	rnd, err := readRound(tx, day, r.Routing, r.Clock)
	if err != nil {
		return ReportStats{}, err
	}
	t, err := rnd.telling(tx, rows)
	if err != nil {
		return ReportStats{}, err
	}
	worth, err := t.worthTelling(to, rows)
	if err != nil {
		return ReportStats{}, err
	}
	first := worth[:min(digestSize, len(worth))]
	n := t.message(templateReport, fmt.Sprintf("report|%s|%d", week, to.ID), first)
	n.Payload.Weekly = &models.WeeklyReport{From: day.AddDays(-7), To: day.AddDays(-1), Situation: situation}
	switch {
	case situation == nil:
		n.Payload.Digest.Trend = t.trend(first)
	case to.Reach.Digest != models.DigestWeekly:
		n.Payload.Digest = nil
	}
	if err := t.tellIn(n, to, first); err != nil {
		return ReportStats{}, err
	}
	for chunk := range slices.Chunk(worth[len(first):], digestSize) {
		if err := t.tell(to, chunk); err != nil {
			return ReportStats{}, err
		}
	}
	return ReportStats{Reports: 1, Digested: len(worth)}, nil
}
