package jobs

import (
	"context"
	"log/slog"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/workflows"
)

// Timekeeper acts upon the time limits of workflows (时限) when they come.
type Timekeeper struct {
	Engine *workflows.Engine
	Clock  clockwork.Clock
	Log    *slog.Logger
	// Done, if set, is called after time limits were acted upon, so that new
	// messages leave at once.
	Done func()
}

// Run fires timers until ctx ends. An error is logged, and the next round
// tries again.
func (k *Timekeeper) Run(ctx context.Context) {
	for ctx.Err() == nil {
		stats, err := k.Engine.FireTimers(ctx)
		if err != nil && ctx.Err() == nil {
			k.Log.ErrorContext(ctx, "time limits not acted upon", "error", err)
		}
		if stats != (workflows.TimerStats{}) {
			k.Log.InfoContext(ctx, "time limits acted upon", "counts", stats.Counts())
			if k.Done != nil {
				k.Done()
			}
		}
		timer := k.Clock.NewTimer(k.pause(ctx))
		select {
		case <-ctx.Done():
		case <-timer.Chan():
		}
		timer.Stop()
	}
}

// pause returns how long there is nothing to do: at most as long as schedules
// are left alone, because another replica may set a timer.
func (k *Timekeeper) pause(ctx context.Context) time.Duration {
	at, ok, err := k.Engine.Store.NextTimerAt(ctx)
	if err != nil || !ok {
		return watchEvery
	}
	return min(watchEvery, max(time.Second, at.Sub(k.Clock.Now())))
}
