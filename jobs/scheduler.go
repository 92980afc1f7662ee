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

// retryAfter is how soon a run that failed, or that a stop cut short, is tried
// again. After that it waits for as long again as it has been failing.
const retryAfter = time.Minute

// abandonedAfter is how long a run may be on record as running before it is
// taken for that of a server that was killed.
const abandonedAfter = time.Hour

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
	w := &watch{Scheduler: s, alarm: alarm, armed: map[string]armed{}, refused: map[string]terms{}, busy: map[string]int{}}
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
	refused map[string]terms // what has been complained about
	running sync.WaitGroup

	mu   sync.Mutex
	busy map[string]int // runs of a job under way in this process
}

// armed is a schedule that gocron has been told of.
type armed struct {
	terms terms
	job   gocron.Job
}

// terms are what a schedule says.
type terms struct {
	cron, zone string
	misfire    models.Misfire
}

// look arms what changed in the database and wakes every job once, which
// finds fires that its alarm missed.
func (w *watch) look(ctx context.Context) error {
	schedules, err := w.Store.Schedules(ctx)
	if err != nil {
		return err
	}
	stands := map[string]bool{}
	for _, sc := range schedules {
		if _, ok := w.Jobs[sc.Job]; !ok || !sc.Enabled {
			continue
		}
		spec, err := ParseCron(sc.Cron, sc.TimeZone)
		if err == nil {
			err = w.arm(ctx, sc, spec)
		}
		if err != nil {
			w.complain(ctx, sc, err)
			continue
		}
		stands[sc.Job] = true
		delete(w.refused, sc.Job)
		w.wake(ctx, sc, spec)
	}
	for job := range w.armed {
		if !stands[job] {
			w.disarm(ctx, job)
		}
	}
	return nil
}

func termsOf(sc models.Schedule) terms { return terms{sc.Cron, sc.TimeZone, sc.Misfire} }

// complain logs once that a schedule cannot be used.
func (w *watch) complain(ctx context.Context, sc models.Schedule, err error) {
	if w.refused[sc.Job] != termsOf(sc) {
		w.refused[sc.Job] = termsOf(sc)
		w.Log.ErrorContext(ctx, "schedule cannot be used", "job", sc.Job, "error", err)
	}
}

// disarm has gocron forget a job.
func (w *watch) disarm(ctx context.Context, job string) {
	have, ok := w.armed[job]
	if !ok {
		return
	}
	delete(w.armed, job)
	if err := w.alarm.RemoveJob(have.job.ID()); err != nil && !errors.Is(err, gocron.ErrJobNotFound) {
		w.Log.ErrorContext(ctx, "alarm could not be removed", "job", job, "error", err)
	}
}

// arm makes gocron's job equal to the schedule.
func (w *watch) arm(ctx context.Context, sc models.Schedule, spec CronSpec) error {
	if have, ok := w.armed[sc.Job]; ok && have.terms == termsOf(sc) {
		return nil
	}
	w.disarm(ctx, sc.Job)
	job, err := w.alarm.NewJob(
		gocron.CronJob(spec.withZone(), false),
		gocron.NewTask(func() { w.wake(ctx, sc, spec) }),
		gocron.WithName(sc.Job),
	)
	if err != nil {
		return fmt.Errorf("arm %s: %w", sc.Job, err)
	}
	w.armed[sc.Job] = armed{terms: termsOf(sc), job: job}
	return nil
}

// wake runs the job for its latest fire, unless that has been claimed already
// and does not have to be tried again.
func (w *watch) wake(ctx context.Context, sc models.Schedule, spec CronSpec) {
	now := w.Clock.Now()
	fire := spec.Latest(now)
	if fire.IsZero() || ctx.Err() != nil {
		return
	}
	last, ok, err := w.Store.LastRun(ctx, sc.Job)
	if err != nil {
		w.logFailure(ctx, sc.Job, err)
		return
	}
	state := models.RunRunning
	if ok && !last.ScheduledAt.Before(fire) {
		if fire = again(last, fire); fire.IsZero() || fire.After(now) || w.busyWith(sc.Job) {
			return
		}
	} else if sc.Misfire == models.MisfireSkip && now.Sub(fire) > misfireGrace {
		state = models.RunSkipped
	}
	run, mine, err := w.Store.StartRun(ctx, sc.Job, fire, state)
	if err != nil || !mine || state == models.RunSkipped {
		w.logFailure(ctx, sc.Job, err)
		return
	}
	w.begin(sc.Job, 1)
	w.running.Go(func() {
		defer w.begin(sc.Job, -1)
		w.run(ctx, run)
	})
}

// again returns when a fire that has been run is to be run again, or the zero
// time if it was a success. It follows from the record of the last run alone,
// so that all replicas compute the same moment and one of them can claim it.
func again(last models.JobRun, fire time.Time) time.Time {
	switch {
	case last.State == models.RunFailed && last.EndedAt != nil:
		return last.EndedAt.Add(max(retryAfter, last.EndedAt.Sub(fire)))
	case last.State == models.RunRunning && last.StartedAt != nil:
		return last.StartedAt.Add(abandonedAfter)
	}
	return time.Time{}
}

// begin counts the runs of a job that are under way.
func (w *watch) begin(job string, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy[job] += n
}

func (w *watch) busyWith(job string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.busy[job] > 0
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
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		w.Log.InfoContext(ctx, "job cut short by the stop, will be run again", "job", run.Job, "run", run.ID)
	} else if err != nil {
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

// RunOnce runs a job now, whatever its schedule says, and puts the run on
// record as the scheduler does. A fire of the schedule that it came after is
// made up for by it.
func RunOnce(ctx context.Context, store *models.Store, clock clockwork.Clock, name string, job Job) error {
	now := clock.Now()
	run, mine, err := store.StartRun(ctx, name, now, models.RunRunning)
	if err != nil {
		return err
	}
	if !mine {
		return fmt.Errorf("%s runs already", name)
	}
	counts, err := job(ctx, now)
	return errors.Join(err, store.FinishRun(context.WithoutCancel(ctx), run, counts, err))
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
