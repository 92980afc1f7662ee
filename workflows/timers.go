package workflows

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"duban/models"
	"duban/models/calendar"
)

const (
	timerBatch    = 50
	timerLease    = 2 * time.Minute
	timerAttempts = 8
)

// TimerStats counts what firing timers did.
type TimerStats struct {
	Fired  int // rungs climbed
	Moot   int // the task was decided, or the rung climbed, before
	Failed int // to be tried again
	Dead   int // given up
}

// Counts returns the stats by name, as a job run records them.
func (s TimerStats) Counts() map[string]int {
	return map[string]int{"fired": s.Fired, "moot": s.Moot, "failed": s.Failed, "dead": s.Dead}
}

// FireTimers acts upon every time limit whose time has come (时限), and returns
// when none is left. Each is one transaction. One that fails is tried again
// later and, after some attempts, given up for an administrator to look at; the
// others go on.
func (e *Engine) FireTimers(ctx context.Context) (TimerStats, error) {
	var stats TimerStats
	for ctx.Err() == nil {
		timers, err := e.Store.ClaimTimers(ctx, rand.Text(), timerBatch, timerLease)
		if err != nil || len(timers) == 0 {
			return stats, err
		}
		for _, t := range timers {
			if err := e.fire(ctx, t, &stats); err != nil {
				return stats, err
			}
		}
	}
	return stats, nil
}

// fire acts upon one timer, which goes in the same transaction.
func (e *Engine) fire(ctx context.Context, t models.WorkflowTimer, stats *TimerStats) error {
	err := e.Store.Tx(ctx, systemActor, func(tx *models.Tx) error {
		if _, err := e.ActIn(tx, t.InstanceID, Action{Kind: Deadline, Task: t.Task, Rung: t.Rung}); err != nil {
			return err
		}
		return tx.DropTimer(t.ID, t.LeaseToken)
	})
	refusal, refused := errors.AsType[*Error](err)
	switch {
	case err == nil:
		stats.Fired++
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case refused && refusal.Code == CodeTooSoon: // the clock was set back, or the calendar changed
		again := calendar.DateOf(refusal.Until).At(timerHour, timerMinute)
		return e.Store.PostponeTimer(ctx, t, models.TimerPending, again, err)
	case refused && slices.Contains([]Code{CodeAlreadyDecided, CodeWrongState, CodeUnknownTask}, refusal.Code):
		stats.Moot++
		return e.Store.Tx(ctx, systemActor, func(tx *models.Tx) error { return tx.DropTimer(t.ID, t.LeaseToken) })
	}
	state := models.TimerPending
	if t.Attempts >= timerAttempts {
		state = models.TimerDead
		stats.Dead++
	} else {
		stats.Failed++
	}
	again := e.Clock.Now().Add(time.Duration(t.Attempts*t.Attempts) * time.Minute)
	return e.Store.PostponeTimer(ctx, t, state, again, fmt.Errorf("fire the timer: %w", err))
}
