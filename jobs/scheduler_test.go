package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/jobs"
	"duban/models"
	"duban/models/modelstest"
)

// started is a Friday, 8:29:50 in Shanghai: ten seconds before the sweep.
var started = time.Date(2025, 6, 20, 0, 29, 50, 0, time.UTC)

// aLook is more than the time between two looks at the schedules.
const aLook = 31 * time.Second

// office is a database with schedules, and the clock by which they run.
type office struct {
	t     *testing.T
	store *models.Store
	clock *clockwork.FakeClock
	log   io.Writer
}

func newOffice(t *testing.T, driver models.Driver) *office {
	t.Helper()
	clock := clockwork.NewFakeClockAt(started)
	return &office{t, modelstest.Open(t, driver, clock), clock, io.Discard}
}

// schedule adds or changes a schedule.
func (o *office) schedule(job, cron string, change ...func(*models.Schedule)) {
	o.t.Helper()
	all, err := o.store.Schedules(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	sc := models.Schedule{Job: job, TimeZone: "Asia/Shanghai", Enabled: true, Misfire: models.MisfireRunOnce}
	if i := slices.IndexFunc(all, func(s models.Schedule) bool { return s.Job == job }); i >= 0 {
		sc = all[i]
	}
	sc.Cron = cron
	for _, c := range change {
		c(&sc)
	}
	if err := o.store.Tx(o.t.Context(), "tester", func(tx *models.Tx) error { saved := sc; return tx.SaveSchedule(&saved) }); err != nil {
		o.t.Fatal(err)
	}
}

func disabled(sc *models.Schedule) { sc.Enabled = false }
func enabled(sc *models.Schedule)  { sc.Enabled = true }
func skip(sc *models.Schedule)     { sc.Misfire = models.MisfireSkip }

// run starts a scheduler, and returns what stops it and waits for it.
func (o *office) run(work map[string]jobs.Job) (stop func()) {
	o.t.Helper()
	return o.runOn(o.store, o.clock, work)
}

func (o *office) runOn(store *models.Store, clock clockwork.Clock, work map[string]jobs.Job) (stop func()) {
	o.t.Helper()
	ctx, cancel := context.WithCancel(o.t.Context())
	s := &jobs.Scheduler{Store: store, Clock: clock, Log: slog.New(slog.NewTextHandler(o.log, nil)), Jobs: work}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				o.t.Errorf("Run: %v", err)
			}
		case <-time.After(30 * time.Second):
			o.t.Error("the scheduler does not end")
		}
	})
	o.t.Cleanup(stop)
	return stop
}

// runs returns the runs of a job that are on record, in the order of their fires.
func (o *office) runs(job string) []models.JobRun {
	o.t.Helper()
	var all []models.JobRun
	if err := o.store.Read(o.t.Context()).Where("job = ?", job).Order("scheduled_at").Find(&all).Error; err != nil {
		o.t.Fatal(err)
	}
	return all
}

// story tells the runs of a job: when each was due and what became of it.
func (o *office) story(job string) string {
	o.t.Helper()
	var told []string
	for _, r := range o.runs(job) {
		told = append(told, r.ScheduledAt.In(shanghai).Format("15:04:05")+" "+string(r.State))
	}
	return strings.Join(told, ", ")
}

var shanghai = time.FixedZone("CST", 8*60*60)

// until waits for the story of a job.
func (o *office) until(job, story string) {
	o.t.Helper()
	eventually(o.t, func() (string, bool) {
		got := o.story(job)
		return fmt.Sprintf("the runs of %s are [%s]; want [%s]", job, got, story), got == story
	})
}

// eventually waits until a condition holds, however slow the machine is.
func eventually(t *testing.T, condition func() (state string, ok bool)) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		state, ok := condition()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(state)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// fence is a job of every minute, looked at after all others: when it has run
// for a minute, the looks at the others are over.
const fence = "~fence"

// look has the scheduler look at its schedules once more. Only a look finds the
// fire of a schedule that is new.
func (o *office) look(n string) {
	o.t.Helper()
	o.schedule(fence+n, "0 0 * * *")
	o.clock.Advance(aLook)
	o.until(fence+n, "00:00:00 done")
}

func idle(context.Context, time.Time) (map[string]int, error) { return nil, nil }

func TestAFireRunsOnceHoweverManySchedulersWake(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		dsn := modelstest.NewDSN(t, driver)
		o := &office{t: t, clock: clockwork.NewFakeClockAt(started), log: io.Discard}
		var ran sync.Map // by the scheduled moment
		work := func(_ context.Context, at time.Time) (map[string]int, error) {
			n, _ := ran.LoadOrStore(at.Unix(), new(atomic.Int64))
			n.(*atomic.Int64).Add(1)
			return map[string]int{"checked": 7}, nil
		}
		const replicas, fires = 3, 6
		for i := range replicas {
			store, err := models.Open(t.Context(), models.Options{Driver: driver, DSN: dsn, Clock: o.clock})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = store.Close() })
			if err := store.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			if o.store = store; i == 0 {
				o.schedule("often", "* * * * *")
			}
			o.schedule(fmt.Sprint(fence, i), "* * * * *")
		}
		var stops []func()
		for i := range replicas {
			store, err := models.Open(t.Context(), models.Options{Driver: driver, DSN: dsn, Clock: o.clock})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = store.Close() })
			stops = append(stops, o.runOn(store, o.clock, map[string]jobs.Job{"often": work, fmt.Sprint(fence, i): idle}))
		}
		for n := 1; n <= fires; n++ {
			for i := range replicas {
				eventually(t, func() (string, bool) {
					have := len(o.runs(fmt.Sprint(fence, i)))
					return fmt.Sprintf("scheduler %d has looked %d times; want %d", i, have, n), have == n
				})
			}
			if n < fires {
				o.clock.Advance(time.Minute)
			}
		}
		for _, stop := range stops {
			stop()
		}
		runs := o.runs("often")
		if len(runs) != fires {
			t.Errorf("%d runs: %s", len(runs), o.story("often"))
		}
		for _, r := range runs {
			n, ok := ran.Load(r.ScheduledAt.Unix())
			if !ok || n.(*atomic.Int64).Load() != 1 || r.State != models.RunDone || r.Counts["checked"] != 7 || r.EndedAt == nil {
				t.Errorf("run %+v ran %v times", r, n)
			}
		}
	})
}

func TestTheAlarmWakesAJobOnTimeBetweenTwoLooks(t *testing.T) {
	o := newOffice(t, models.SQLite)
	o.schedule(fence, "0 0 * * *")
	o.run(map[string]jobs.Job{models.JobSweep: idle, fence: idle})
	o.until(fence, "00:00:00 done") // the first look is over, and it made up for midnight's
	o.until(models.JobSweep, "08:30:00 done")
	o.clock.Advance(10 * time.Second) // the next look is 20 seconds away
	o.until(models.JobSweep, "08:30:00 done, 08:30:00 done")
}

func TestAFireThatWasMissedWhileNothingRan(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*models.Schedule)
		late   time.Duration
		want   string
	}{
		"is made up for once":                 {enabled, 5*24*time.Hour + time.Hour, "08:30:00 done"},
		"is skipped where that is the policy": {skip, 5*24*time.Hour + time.Hour, "08:30:00 skipped"},
		"is run if it is just late":           {skip, 9 * time.Minute, "08:30:00 done"},
	} {
		t.Run(name, func(t *testing.T) {
			engines(t, func(t *testing.T, driver models.Driver) {
				o := newOffice(t, driver)
				o.schedule("late", "30 8 * * *", c.change)
				o.clock.Advance(10*time.Second + c.late)
				stop := o.run(map[string]jobs.Job{"late": idle})
				o.until("late", c.want)
				stop()
				// Nor does the next start find it again.
				o.schedule(fence, "* * * * *")
				o.run(map[string]jobs.Job{"late": idle, fence: idle})
				eventually(t, func() (string, bool) { return "no look", o.story(fence) != "" })
				o.until("late", c.want)
			})
		})
	}
}

func TestAJobThatFailsIsRecordedAndTheSchedulerLives(t *testing.T) {
	for name, c := range map[string]struct {
		job  jobs.Job
		want string
	}{
		"by an error": {func(context.Context, time.Time) (map[string]int, error) {
			return map[string]int{"checked": 3}, errors.New("the disk is full")
		}, "the disk is full"},
		"by a panic": {func(context.Context, time.Time) (map[string]int, error) { panic("no such index") }, "panic: no such index"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, models.SQLite)
			o.schedule("bad", "0 8 * * *")
			o.schedule(fence, "* * * * *")
			o.run(map[string]jobs.Job{"bad": c.job, fence: idle})
			o.until("bad", "08:00:00 failed")
			if r := o.runs("bad")[0]; r.Error != c.want || r.EndedAt == nil {
				t.Errorf("on record: %+v", r)
			}
			eventually(t, func() (string, bool) { return "no other job ran", o.story(fence) == "08:29:00 done" })
			o.clock.Advance(10 * time.Second)
			o.until(fence, "08:29:00 done, 08:30:00 done")
		})
	}
}

func TestARunThatFailedIsTriedAgainUntilItSucceeds(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		o := newOffice(t, driver)
		o.clock.Advance(10 * time.Second)
		var broken atomic.Bool
		broken.Store(true)
		o.run(map[string]jobs.Job{models.JobSweep: func(context.Context, time.Time) (map[string]int, error) {
			if broken.Load() {
				return nil, errors.New("the database is away")
			}
			return nil, nil
		}})
		o.until(models.JobSweep, "08:30:00 failed")
		o.clock.Advance(aLook)
		o.clock.Advance(aLook)
		o.until(models.JobSweep, "08:30:00 failed, 08:31:00 failed")
		broken.Store(false)
		o.clock.Advance(3 * time.Minute)
		eventually(t, func() (string, bool) {
			runs := o.runs(models.JobSweep)
			return o.story(models.JobSweep), len(runs) == 3 && runs[2].State == models.RunDone
		})
	})
}

func TestARunOfAServerThatWasKilledIsDoneAgain(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		o := newOffice(t, driver)
		o.clock.Advance(10 * time.Second)
		if _, mine, err := o.store.StartRun(t.Context(), models.JobSweep, o.clock.Now(), models.RunRunning); err != nil || !mine {
			t.Fatal(mine, err)
		}
		o.schedule(fence, "* * * * *")
		stop := o.run(map[string]jobs.Job{models.JobSweep: idle, fence: idle})
		eventually(t, func() (string, bool) { return "no look", o.story(fence) != "" })
		o.until(models.JobSweep, "08:30:00 running") // it may be alive on another machine
		stop()
		o.clock.Advance(time.Hour)
		o.run(map[string]jobs.Job{models.JobSweep: idle, fence: idle})
		o.until(models.JobSweep, "08:30:00 running, 09:30:00 done")
	})
}

func TestAChangedExpressionIsPickedUpAtTheNextLook(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		o := newOffice(t, driver)
		o.schedule("job", "0 7 * * *")
		o.schedule(fence, "0 0 * * *")
		o.run(map[string]jobs.Job{"job": idle, fence: idle})
		o.until("job", "07:00:00 done")
		o.until(fence, "00:00:00 done") // the first look is over
		o.schedule("job", "35 8 * * *")
		o.clock.Advance(aLook) // 8:30:21
		o.clock.Advance(5 * time.Minute)
		o.until("job", "07:00:00 done, 08:35:00 done")
		// In another zone it is earlier.
		o.schedule("job", "40 9 * * *", func(sc *models.Schedule) { sc.TimeZone = "Asia/Tokyo" })
		o.clock.Advance(5 * time.Minute)
		o.until("job", "07:00:00 done, 08:35:00 done, 08:40:00 done")
	})
}

func TestAScheduleThatIsDisabledOrGoneBadDoesNotRun(t *testing.T) {
	for name, off := range map[string]struct {
		cron   string
		change func(*models.Schedule)
	}{
		"disabled":          {"* * * * *", disabled},
		"not an expression": {"every morning", enabled},
		"a day called L":    {"0 9 L * *", enabled},
		"a zone inside":     {"TZ=Asia/Shanghai", enabled},
		"never":             {"0 9 31 2 *", enabled},
		"no such zone":      {"* * * * *", func(sc *models.Schedule) { sc.TimeZone = "Asia/Tangshan" }},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, models.SQLite)
			var log syncBuffer
			o.log = &log
			o.schedule("off", "* * * * *")
			o.schedule(fence, "* * * * *")
			o.run(map[string]jobs.Job{"off": idle, fence: idle, fence + "1": idle, fence + "2": idle, fence + "3": idle})
			o.until("off", "08:29:00 done")
			o.until(fence, "08:29:00 done")
			o.schedule("off", off.cron, off.change)
			o.look("1")
			o.look("2") // so the first is over
			had := o.story("off")
			o.clock.Advance(2 * time.Minute)
			eventually(t, func() (string, bool) {
				got := o.story(fence)
				return got, strings.HasSuffix(got, "08:32:00 done")
			})
			o.look("3")
			if got := o.story("off"); got != had {
				t.Errorf("ran all the same: %s, then %s", had, got)
			}
			complaints := strings.Count(log.String(), "schedule cannot be used")
			if want := map[bool]int{true: 0, false: 1}[name == "disabled"]; complaints != want {
				t.Errorf("%d complaints; want %d\n%s", complaints, want, log.String())
			}
			o.schedule("off", "* * * * *", enabled, func(sc *models.Schedule) { sc.TimeZone = "Asia/Shanghai" })
			o.clock.Advance(time.Minute)
			eventually(t, func() (string, bool) {
				got := o.story("off")
				return "after it was mended: " + got, got != had
			})
		})
	}
}

func TestRunReturnsOnlyAfterAJobUnderWayHasEnded(t *testing.T) {
	o := newOffice(t, models.SQLite)
	begun, release := make(chan struct{}), make(chan struct{})
	var ended atomic.Bool
	o.schedule("long", "0 8 * * *")
	s := &jobs.Scheduler{Store: o.store, Clock: o.clock, Log: slog.New(slog.DiscardHandler), Jobs: map[string]jobs.Job{
		"long": func(ctx context.Context, _ time.Time) (map[string]int, error) {
			close(begun)
			<-ctx.Done() // it is told to end
			<-release    // and takes its time
			ended.Store(true)
			return map[string]int{"checked": 1}, nil
		},
	}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	returned := make(chan bool, 1)
	go func() {
		_ = s.Run(ctx)
		returned <- ended.Load()
	}()
	<-begun
	cancel()
	select {
	case <-returned:
		t.Error("Run returned while its job was under way")
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	if !<-returned {
		t.Error("Run returned before its job had ended")
	}
	o.until("long", "08:00:00 done") // on record, although the context had ended
}

// suspendable is a clock whose timers stand still while the machine sleeps.
type suspendable struct {
	*clockwork.FakeClock
	slept atomic.Int64
}

func (c *suspendable) Now() time.Time {
	return c.FakeClock.Now().Add(time.Duration(c.slept.Load()))
}
func (c *suspendable) Since(t time.Time) time.Duration { return c.Now().Sub(t) }
func (c *suspendable) Until(t time.Time) time.Duration { return t.Sub(c.Now()) }

func TestASuspendedMachineRunsTheMissedFireAtTheNextLook(t *testing.T) {
	o := newOffice(t, models.SQLite)
	o.schedule("job", "0 9 * * *")
	clock := &suspendable{FakeClock: o.clock}
	o.runOn(o.store, clock, map[string]jobs.Job{"job": idle})
	o.until("job", "09:00:00 done") // yesterday's
	clock.slept.Store(int64(5 * time.Hour))
	o.clock.Advance(aLook)
	o.until("job", "09:00:00 done, 09:00:00 done")
	if r := o.runs("job")[1]; r.ScheduledAt.In(shanghai).Day() != 20 {
		t.Errorf("the run was for %s", r.ScheduledAt)
	}
}

// syncBuffer is a buffer for several goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
