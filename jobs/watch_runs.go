package jobs

import (
	"context"
	"time"

	"duban/models"
)

// The problems of a run.
const (
	runMissed  = "missed"
	runFailed  = "failed"
	runStuck   = "stuck"
	runRefused = "refused" // its schedule cannot be used
)

// runs returns the jobs that do not run as they should.
func (w *Watchman) runs(ctx context.Context) ([]models.Alarm, error) {
	schedules, err := w.Store.Schedules(ctx)
	if err != nil {
		return nil, err
	}
	var found []models.Alarm
	for _, sc := range schedules {
		if _, ours := w.Jobs[sc.Job]; !ours || !sc.Enabled {
			continue
		}
		alarm, wrong, err := w.runsOf(ctx, sc)
		if err != nil {
			return nil, err
		}
		if wrong {
			alarm.Kind, alarm.Subject = models.AlarmRun, sc.Job
			found = append(found, alarm)
		}
	}
	return found, nil
}

// runsOf judges the last fire of a schedule, or the one before as long as
// nothing is known of the last.
func (w *Watchman) runsOf(ctx context.Context, sc models.Schedule) (alarm models.Alarm, wrong bool, err error) {
	spec, err := ParseCron(sc.Cron, sc.TimeZone)
	if err != nil {
		return models.Alarm{Problem: runRefused, Detail: err.Error()}, true, nil //nolint:nilerr // what is wrong is the schedule, and that is the answer
	}
	until := w.Clock.Now().Add(time.Second) // a fire of this very moment counts
	for range 2 {
		fire := spec.Latest(until.Add(-time.Second))
		if fire.IsZero() {
			break
		}
		runs, err := w.Store.RunsBetween(ctx, sc.Job, fire, until)
		if err != nil {
			return alarm, false, err
		}
		alarm, verdict := w.judgeRuns(sc, fire, runs)
		if verdict != runUndecided {
			return alarm, verdict == runWrong, nil
		}
		until = fire
	}
	return models.Alarm{}, false, nil
}

// runVerdict is what can be said of a fire.
type runVerdict int

const (
	runUndecided runVerdict = iota
	runRight
	runWrong
)

// judgeRuns says what became of one fire. The runs after the first are those
// by which a failed one was made up for.
func (w *Watchman) judgeRuns(sc models.Schedule, fire time.Time, runs []models.JobRun) (models.Alarm, runVerdict) {
	var failed, running *models.JobRun
	for i, r := range runs {
		switch r.State {
		case models.RunDone, models.RunSkipped:
			return models.Alarm{}, runRight
		case models.RunFailed:
			failed = &runs[i]
		case models.RunRunning:
			running = &runs[i]
		}
	}
	now := w.Clock.Now()
	switch {
	case failed != nil:
		return models.Alarm{Problem: runFailed, Detail: failed.Error, Since: fire}, runWrong
	case running != nil && running.StartedAt != nil && now.Sub(*running.StartedAt) > abandonedAfter:
		return models.Alarm{Problem: runStuck, Since: *running.StartedAt}, runWrong
	case running != nil:
		return models.Alarm{}, runUndecided
	}
	// A server that has just begun makes up for what it missed, and a schedule
	// that has just been changed owes nothing of before.
	owed := fire
	for _, from := range []time.Time{w.since, sc.UpdatedAt} {
		if from.After(owed) {
			owed = from
		}
	}
	if now.Sub(owed) >= runGrace {
		return models.Alarm{Problem: runMissed, Since: fire}, runWrong
	}
	return models.Alarm{}, runUndecided
}
