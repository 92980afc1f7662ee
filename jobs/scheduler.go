package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/go-co-op/gocron/v2"
	"github.com/jonboulle/clockwork"

	"duban/models"
)

// Job is what a schedule runs. It is told the moment for which it was
// scheduled and returns what it counted.
type Job func(ctx context.Context, scheduledAt time.Time) (map[string]int, error)

// watchEvery is how often the wall clock is compared with the schedules. The
// timers of a suspended machine stand still; its wall clock does not.
const watchEvery = 30 * time.Second

// misfireGrace is how late a fire may be before it counts as missed.
const misfireGrace = 10 * time.Minute

// Scheduler runs jobs by the schedules in the database. gocron is the alarm
// clock that wakes it, the database is the judge: of any number of replicas
// that wake, the one that inserts the run's row runs the job.
type Scheduler struct {
	Store *models.Store
	Clock clockwork.Clock
	Log   *slog.Logger
	Jobs  map[string]Job
}

// Run wakes the jobs until ctx ends, and returns when the last one has. Fires
// that were missed while nothing ran are made up for, or recorded as skipped,
// as each schedule says.
func (s *Scheduler) Run(ctx context.Context) error {
	alarm, err := gocron.NewScheduler(gocron.WithClock(s.Clock), gocron.WithLocation(time.UTC))
	if err != nil {
		return fmt.Errorf("start the scheduler: %w", err)
	}
	w := &watch{Scheduler: s, alarm: alarm, armed: map[string]armed{}}
	alarm.Start()
	defer func() {
		if err := alarm.Shutdown(); err != nil {
			s.Log.Error("scheduler did not stop cleanly", "error", err)
		}
		w.running.Wait()
	}()
	ticker := s.Clock.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		if err := w.look(ctx); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "schedules could not be read", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.Chan():
		}
	}
}

// watch is one Run of a scheduler.
type watch struct {
	*Scheduler
	alarm   gocron.Scheduler
	armed   map[string]armed
	running sync.WaitGroup
}

// armed is a schedule that gocron has been told of.
type armed struct {
	version int64
	job     gocron.Job
}

// look arms what changed in the database and wakes every job once, which
// finds fires that its alarm missed.
func (w *watch) look(ctx context.Context) error {
	schedules, err := w.Store.Schedules(ctx)
	if err != nil {
		return err
	}
	for _, sc := range schedules {
		if _, ok := w.Jobs[sc.Job]; !ok {
			continue
		}
		spec, err := ParseCron(sc.Cron, sc.TimeZone)
		if err == nil {
			err = w.arm(ctx, sc, spec)
		}
		if err != nil {
			w.Log.ErrorContext(ctx, "schedule cannot be used", "job", sc.Job, "error", err)
			continue
		}
		if sc.Enabled {
			w.wake(ctx, sc, spec)
		}
	}
	return nil
}

// arm makes gocron's job equal to the schedule.
func (w *watch) arm(ctx context.Context, sc models.Schedule, spec CronSpec) error {
	have, ok := w.armed[sc.Job]
	if ok && have.version == sc.Version {
		return nil
	}
	if ok && have.job != nil {
		if err := w.alarm.RemoveJob(have.job.ID()); err != nil && !errors.Is(err, gocron.ErrJobNotFound) {
			return err
		}
	}
	w.armed[sc.Job] = armed{version: sc.Version}
	if !sc.Enabled {
		return nil
	}
	job, err := w.alarm.NewJob(
		gocron.CronJob(spec.withZone(), false),
		gocron.NewTask(func() { w.wake(ctx, sc, spec) }),
		gocron.WithName(sc.Job),
	)
	if err != nil {
		return fmt.Errorf("arm %s: %w", sc.Job, err)
	}
	w.armed[sc.Job] = armed{version: sc.Version, job: job}
	return nil
}

// wake runs the job for its latest fire, unless that has been claimed already.
func (w *watch) wake(ctx context.Context, sc models.Schedule, spec CronSpec) {
	now := w.Clock.Now()
	fire := spec.Latest(now)
	if fire.IsZero() || ctx.Err() != nil {
		return
	}
	last, ok, err := w.Store.LastRun(ctx, sc.Job)
	if err != nil || (ok && !last.ScheduledAt.Before(fire)) {
		w.logFailure(ctx, sc.Job, err)
		return
	}
	state := models.RunRunning
	if sc.Misfire == models.MisfireSkip && now.Sub(fire) > misfireGrace {
		state = models.RunSkipped
	}
	run, mine, err := w.Store.StartRun(ctx, sc.Job, fire, state)
	if err != nil || !mine || state == models.RunSkipped {
		w.logFailure(ctx, sc.Job, err)
		return
	}
	w.running.Add(1)
	go func() {
		defer w.running.Done()
		w.run(ctx, run)
	}()
}

func (w *watch) logFailure(ctx context.Context, job string, err error) {
	if err != nil {
		w.Log.ErrorContext(ctx, "job could not be claimed", "job", job, "error", err)
	}
}

// run runs a claimed job and records how it ended, even if ctx has ended.
func (w *watch) run(ctx context.Context, run *models.JobRun) {
	began := w.Clock.Now()
	counts, err := w.guarded(ctx, run)
	if err != nil {
		w.Log.ErrorContext(ctx, "job failed", "job", run.Job, "run", run.ID, "error", err)
	} else {
		w.Log.InfoContext(ctx, "job done", "job", run.Job, "run", run.ID, "counts", counts, "took", w.Clock.Since(began).String())
	}
	if err := w.Store.FinishRun(context.WithoutCancel(ctx), run, counts, err); err != nil {
		w.Log.ErrorContext(ctx, "run could not be recorded", "job", run.Job, "run", run.ID, "error", err)
	}
}

// guarded keeps a panicking job from ending the server.
func (w *watch) guarded(ctx context.Context, run *models.JobRun) (counts map[string]int, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
			w.Log.ErrorContext(ctx, "job panicked", "job", run.Job, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		}
	}()
	return w.Jobs[run.Job](ctx, run.ScheduledAt)
}

// SweepJob returns the job that sweeps the current day and then calls done, if
// it is set, so that new messages leave at once.
func SweepJob(sw *Sweeper, done func()) Job {
	return func(ctx context.Context, _ time.Time) (map[string]int, error) {
		stats, err := sw.Sweep(ctx, sw.Store.Today())
		if done != nil {
			done()
		}
		return stats.Counts(), err
	}
}
