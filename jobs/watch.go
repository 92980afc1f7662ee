package jobs

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
)

const templateAlarm = "alarm"

const (
	checkEvery = time.Minute
	// runGrace is how late a job may be before it counts as missed.
	runGrace = 30 * time.Minute
	// unknownGrace is how long nobody may know what became of a message.
	unknownGrace = time.Hour
	// alarmPause is the least time between two alarms about the same thing, and
	// between two that it is over: what comes and goes must not flood anybody.
	alarmPause = time.Hour
)

// defaultQueueAge is how long a message may wait, and a channel fail.
const defaultQueueAge = time.Hour

// Watchman looks after duban itself: jobs that do not run, messages that do
// not leave, channels that fail. It raises alarms (告警) through the outbox and
// tells when they are over.
type Watchman struct {
	Store   *models.Store
	Clock   clockwork.Clock
	Routing models.Routing
	Log     *slog.Logger
	// QueueAge is how long a message may wait, and a channel fail; 0 is 1 h.
	QueueAge time.Duration
	// Jobs are those that this server runs; others' schedules are not its business.
	Jobs map[string]Job
	// Done, if set, is called after alarms were raised, so that they leave at once.
	Done func()
	// Heartbeat, if set, tells somebody outside whether all is well: what watches
	// itself does not notice that it is dead.
	Heartbeat *Heartbeat

	since time.Time // the first check
}

// Run checks each minute until ctx ends.
func (w *Watchman) Run(ctx context.Context) {
	ticker := w.Clock.NewTicker(checkEvery)
	defer ticker.Stop()
	var beat time.Time
	for {
		wrong, err := w.Check(ctx)
		if err != nil && ctx.Err() == nil {
			w.Log.ErrorContext(ctx, "the watchman could not look after everything", "error", err)
		}
		// Half a minute early rather than late: a check takes a while.
		if now := w.Clock.Now(); w.Heartbeat != nil && now.Sub(beat) >= w.Heartbeat.Every-checkEvery/2 && ctx.Err() == nil {
			beat = now
			if err := w.Heartbeat.Beat(ctx, wrong); err != nil && ctx.Err() == nil {
				w.Log.WarnContext(ctx, "heartbeat not taken", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.Chan():
		}
	}
}

// Check looks once, raises the alarms that are due, and reports whether
// anything is wrong. That it could not look is wrong, too.
func (w *Watchman) Check(ctx context.Context) (wrong bool, err error) {
	if w.since.IsZero() {
		w.since = w.Clock.Now()
	}
	found, err := w.look(ctx)
	if err != nil {
		return true, err
	}
	raised, err := w.raise(ctx, found)
	if err == nil && len(raised) > 0 {
		for _, a := range raised {
			w.Log.ErrorContext(ctx, "alarm", "kind", a.Kind, "subject", a.Subject, "problem", a.Problem, "count", a.Count, "over", a.Over)
		}
		if w.Done != nil {
			w.Done()
		}
	}
	return len(found) > 0 || err != nil, err
}

// look returns what is wrong now.
func (w *Watchman) look(ctx context.Context) ([]models.Alarm, error) {
	var found []models.Alarm
	for _, part := range []func(context.Context) ([]models.Alarm, error){w.runs, w.queues, w.channels, w.unsettled, w.timers, w.gaps} {
		alarms, err := part(ctx)
		if err != nil {
			return nil, err
		}
		found = append(found, alarms...)
	}
	return found, nil
}

func (w *Watchman) queueAge() time.Duration {
	if w.QueueAge <= 0 {
		return defaultQueueAge
	}
	return w.QueueAge
}

// queues returns the channels whose messages wait for too long.
func (w *Watchman) queues(ctx context.Context) ([]models.Alarm, error) {
	late, err := w.Store.LateMessages(ctx, w.Clock.Now().Add(-w.queueAge()))
	return alarms(models.AlarmQueue, late), err
}

// unsettled returns the channels of which nobody knows what they did with
// messages.
func (w *Watchman) unsettled(ctx context.Context) ([]models.Alarm, error) {
	unknown, err := w.Store.UnsettledMessages(ctx, w.Clock.Now().Add(-unknownGrace))
	return alarms(models.AlarmUnknown, unknown), err
}

func alarms(kind models.AlarmKind, list []models.Backlog) []models.Alarm {
	found := make([]models.Alarm, len(list))
	for i, b := range list {
		found[i] = models.Alarm{Kind: kind, Subject: string(b.Channel), Since: b.Since, Count: b.Count}
	}
	return found
}

// channels returns those that have been failing for too long.
func (w *Watchman) channels(ctx context.Context) ([]models.Alarm, error) {
	states, err := w.Store.ChannelStates(ctx)
	if err != nil {
		return nil, err
	}
	var found []models.Alarm
	for _, s := range states {
		if !slices.Contains(w.Routing.Configured, s.Channel) {
			continue // nobody can mend what is not used any more
		}
		if s.FailingSince != nil && w.Clock.Since(*s.FailingSince) >= w.queueAge() {
			found = append(found, models.Alarm{Kind: models.AlarmChannel, Subject: string(s.Channel), Detail: s.Error, Since: *s.FailingSince})
		}
	}
	return found, nil
}

// timers returns whether time limits of workflows were given up.
func (w *Watchman) timers(ctx context.Context) ([]models.Alarm, error) {
	dead, err := w.Store.DeadTimers(ctx)
	if err != nil || len(dead) == 0 {
		return nil, err
	}
	oldest := slices.MinFunc(dead, func(a, b models.WorkflowTimer) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
	return []models.Alarm{{Kind: models.AlarmTimers, Since: oldest.UpdatedAt, Count: len(dead), Detail: oldest.LastError}}, nil
}

// gaps returns whether the audit found reminders missing.
func (w *Watchman) gaps(ctx context.Context) ([]models.Alarm, error) {
	n, err := w.Store.CountOpenGaps(ctx)
	if err != nil || n == 0 {
		return nil, err
	}
	return []models.Alarm{{Kind: models.AlarmGaps, Count: n}}, nil
}
