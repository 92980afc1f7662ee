package jobs

import (
	"context"
	"log/slog"

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
	Day      calendar.Date
	Stats    Stats
	Messages []models.Notification // in the order of their creation; none was sent
}

// Simulate lives through the days from one to another on a scratch copy of the
// database, which it changes, and calls fn after each day on which something
// would be said or change. The copy must have been opened with clock. It runs
// the very sweep that the server runs, so it says what the server would say if
// no further payment came in and nobody decided anything.
func Simulate(ctx context.Context, scratch *models.Store, clock *clockwork.FakeClock, routing models.Routing, from, to calendar.Date, fn func(SimulatedDay) error) error {
	engine := &workflows.Engine{Store: scratch, Clock: clock, Routing: routing}
	sw := &Sweeper{Store: scratch, Clock: clock, Routing: routing, Log: slog.New(slog.DiscardHandler), Engine: engine}
	// Whoever imported a document late may still ask what would have been said.
	if err := scratch.Tx(ctx, "system", func(tx *models.Tx) error { return tx.ExpectFrom(from) }); err != nil {
		return err
	}
	last, err := scratch.LastNotificationID(ctx)
	if err != nil {
		return err
	}
	for day := from; !day.After(to); day = day.AddDays(1) {
		clock.Advance(day.At(SweepHour, SweepMinute).Sub(clock.Now()))
		stats, err := sw.Sweep(ctx, day)
		if err != nil {
			return err
		}
		if _, err := engine.FireTimers(ctx); err != nil {
			return err
		}
		messages, err := scratch.NotificationsAfter(ctx, last)
		if err != nil {
			return err
		}
		if len(messages) > 0 {
			last = messages[len(messages)-1].ID
		}
		if len(messages) > 0 || stats.Changed > 0 {
			if err := fn(SimulatedDay{Day: day, Stats: stats, Messages: messages}); err != nil {
				return err
			}
		}
	}
	return nil
}
