package jobs

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/calendar"
	"duban/workflows"
)

// SweepHour and SweepMinute are when a rehearsed day is swept.
const (
	SweepHour   = 8
	SweepMinute = 30
)

// SimulatedDay is what one day of a rehearsal would say.
type SimulatedDay struct {
	Day   calendar.Date
	Stats Stats
	// Messages are in the order of their creation; none was sent. A reminder
	// that waited for days stands both on its own day, as held, and on the one
	// on which it is said by itself.
	Messages []models.Notification
}

// rehearsal is one run of Simulate.
type rehearsal struct {
	store    *models.Store
	clock    *clockwork.FakeClock
	sweeper  *Sweeper
	reporter *Reporter
	weekly   CronSpec
	reports  bool           // whether the weekly report is switched on
	last     int64          // the latest message that was told
	waiting  map[int64]bool // the reminders that are held
}

// Simulate lives through the days from one to another on a scratch copy of the
// database, which it changes, and calls fn after each day on which something
// would be said or change. The copy must have been opened with clock. It runs
// the very sweep and weekly report that the server runs, so it says what the
// server would say if no further payment came in and nobody decided anything.
func Simulate(ctx context.Context, scratch *models.Store, clock *clockwork.FakeClock, routing models.Routing, from, to calendar.Date, fn func(SimulatedDay) error) error {
	engine := &workflows.Engine{Store: scratch, Clock: clock, Routing: routing}
	r := &rehearsal{
		store: scratch, clock: clock, waiting: map[int64]bool{},
		sweeper:  &Sweeper{Store: scratch, Clock: clock, Routing: routing, Log: slog.New(slog.DiscardHandler), Engine: engine},
		reporter: &Reporter{Store: scratch, Clock: clock, Routing: routing},
	}
	// Whoever imported a document late may still ask what would have been said.
	if err := scratch.Tx(ctx, "system", func(tx *models.Tx) error { return tx.ExpectFrom(from) }); err != nil {
		return err
	}
	if err := r.begin(ctx); err != nil {
		return err
	}
	for day := from; !day.After(to); day = day.AddDays(1) {
		stats, err := r.live(ctx, day)
		if err != nil {
			return err
		}
		messages, err := r.said(ctx)
		if err != nil {
			return err
		}
		if len(messages) > 0 || stats.Changed > 0 {
			if err := fn(SimulatedDay{Day: day, Stats: stats, Messages: messages}); err != nil {
				return err
			}
		}
	}
	return nil
}

// begin notes what was there before, and when reports are written.
func (r *rehearsal) begin(ctx context.Context) (err error) {
	if r.last, err = r.store.LastNotificationID(ctx); err != nil {
		return err
	}
	held, err := r.store.MessagesIn(ctx, models.NotificationHeld)
	if err != nil {
		return err
	}
	for _, n := range held {
		r.waiting[n.ID] = true
	}
	schedules, err := r.store.Schedules(ctx)
	if err != nil {
		return err
	}
	for _, sc := range schedules {
		if sc.Job == models.JobReport && sc.Enabled {
			r.weekly, err = ParseCron(sc.Cron, sc.TimeZone)
			r.reports = err == nil // one that the server refuses never fires
		}
	}
	return nil
}

// live goes through one day: the sweep in the morning, and the report before
// or after it if it is that day's.
func (r *rehearsal) live(ctx context.Context, day calendar.Date) (stats Stats, err error) {
	sweepAt := day.At(SweepHour, SweepMinute)
	var reportAt time.Time
	if r.reports {
		reportAt = r.weekly.Next(day.At(0, 0).Add(-time.Second))
	}
	report := func() error {
		r.clock.Advance(reportAt.Sub(r.clock.Now()))
		_, err := r.reporter.Report(ctx, day)
		return err
	}
	due := !reportAt.IsZero() && calendar.DateOf(reportAt) == day
	if due && reportAt.Before(sweepAt) {
		if err := report(); err != nil {
			return stats, err
		}
	}
	r.clock.Advance(sweepAt.Sub(r.clock.Now()))
	if stats, err = r.sweeper.Sweep(ctx, day); err != nil {
		return stats, err
	}
	if _, err := r.sweeper.Engine.FireTimers(ctx); err != nil {
		return stats, err
	}
	if due && !reportAt.Before(sweepAt) {
		return stats, report()
	}
	return stats, nil
}

// said returns the new messages, and the reminders of earlier days that are
// held no longer and go out by themselves.
func (r *rehearsal) said(ctx context.Context) ([]models.Notification, error) {
	messages, err := r.store.NotificationsAfter(ctx, r.last)
	if err != nil {
		return nil, err
	}
	if len(messages) > 0 {
		r.last = messages[len(messages)-1].ID
	}
	held, err := r.store.MessagesIn(ctx, models.NotificationHeld)
	if err != nil {
		return nil, err
	}
	still := make(map[int64]bool, len(held))
	for _, n := range held {
		still[n.ID] = true
	}
	var freed []int64
	for id := range r.waiting {
		if !still[id] {
			freed = append(freed, id)
		}
	}
	r.waiting = still
	if len(freed) == 0 {
		return messages, nil
	}
	slices.Sort(freed)
	released, err := r.store.NotificationsByID(ctx, freed)
	released = slices.DeleteFunc(released, func(n models.Notification) bool { return n.State != models.NotificationPending })
	return append(released, messages...), err
}
