package jobs_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"duban/jobs"
	"duban/models"
)

// watched is a corner with a watchman.
type watched struct {
	*corner
	*jobs.Watchman
}

func newWatched(t *testing.T, driver models.Driver) *watched {
	t.Helper()
	w := &watched{corner: newCorner(t, driver)}
	w.Watchman = w.watchman()
	// The server has been up for a day, and has swept each morning.
	w.ran(day(6, 20).At(8, 30), models.RunDone)
	w.clock.Advance(40 * time.Minute)
	if wrong, err := w.Check(t.Context()); wrong || err != nil {
		t.Fatalf("at first: %v, %v", wrong, err)
	}
	return w
}

// watchman returns another one, as another replica has.
func (w *watched) watchman() *jobs.Watchman {
	return &jobs.Watchman{
		Store: w.corner.Store, Clock: w.clock, Routing: w.routing, Log: slog.New(slog.DiscardHandler),
		Jobs: map[string]jobs.Job{models.JobSweep: nil},
	}
}

// ran records a run of the sweep.
func (w *watched) ran(at time.Time, state models.RunState) *models.JobRun {
	w.t.Helper()
	run, mine, err := w.StartRun(w.t.Context(), models.JobSweep, at, models.RunRunning)
	if err != nil || !mine {
		w.t.Fatalf("%v, %v", mine, err)
	}
	switch state {
	case models.RunDone:
		err = w.FinishRun(w.t.Context(), run, nil, nil)
	case models.RunFailed:
		err = w.FinishRun(w.t.Context(), run, nil, errors.New("disk full"))
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return run
}

// after lets time pass and checks, and returns what the administrator is told
// by it, and whether something is wrong.
func (w *watched) after(d time.Duration) (told []string, wrong bool) {
	w.t.Helper()
	had := len(w.of("admin"))
	w.clock.Advance(d)
	wrong, err := w.Check(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, n := range w.of("admin")[had:] {
		a := n.Payload.Alarm
		if n.Template != "alarm" || n.Urgency != models.Urgent || n.State != models.NotificationPending {
			w.t.Errorf("%s: %s %s", n.DedupKey, n.Urgency, n.State)
		}
		word := fmt.Sprint(a.Kind, " ", a.Subject, " ", a.Problem)
		if a.Count > 0 {
			word += fmt.Sprint(" ", a.Count)
		}
		if a.Over {
			word += " over"
		}
		told = append(told, strings.Join(strings.Fields(word), " "))
	}
	w.set(map[string]any{"state": models.NotificationSent}, "template = 'alarm' AND state = 'pending'")
	return told, wrong
}

// expect checks once and compares.
func (w *watched) expect(when string, d time.Duration, wrong bool, want ...string) {
	w.t.Helper()
	got, is := w.after(d)
	if !slices.Equal(got, want) || is != wrong {
		w.t.Errorf("%s: told %q, wrong %v; want %q, %v", when, got, is, want, wrong)
	}
}

// set changes messages in the outbox, as a dispatcher would.
func (w *watched) set(columns map[string]any, where string, args ...any) {
	w.t.Helper()
	if err := w.corner.Read(w.t.Context()).Model(&models.Notification{}).Where(where, args...).UpdateColumns(columns).Error; err != nil {
		w.t.Fatal(err)
	}
}

func TestAMissedRunRaisesAnAlarmAndItsRecoveryIsTold(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		w := newWatched(t, driver)
		tomorrow := day(6, 21).At(8, 30)
		w.clock.Advance(tomorrow.Sub(w.clock.Now()))
		w.expect("on time", 0, false)
		w.expect("29 minutes late", 29*time.Minute, false)
		w.expect("30 minutes late", time.Minute, true, "run sweep missed")
		w.expect("once a day", time.Minute, true)
		w.ran(tomorrow, models.RunDone)
		w.expect("made up for", time.Minute, false, "run sweep missed over")
		w.expect("once", time.Minute, false)
	})
}

func TestARunThatFailsOrHangs(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		w := newWatched(t, driver)
		fire := day(6, 21).At(8, 30)
		w.clock.Advance(fire.Sub(w.clock.Now()))
		w.ran(fire, models.RunFailed)
		w.expect("failed", time.Second, true, "run sweep failed")
		again := w.ran(fire.Add(time.Minute), models.RunRunning)
		w.expect("is being tried again", time.Minute, true)
		w.expect("still wrong the next morning", 24*time.Hour, true, "run sweep failed")
		if err := w.FinishRun(t.Context(), again, nil, nil); err != nil {
			t.Fatal(err)
		}
		w.expect("made up for, and today's is not late", time.Minute, false, "run sweep failed over")
		w.ran(day(6, 22).At(8, 30), models.RunRunning)
		w.expect("for an hour", time.Hour, false)
		w.expect("for longer", time.Minute, true, "run sweep stuck")
	})
}

func TestAScheduleThatCannotBeUsedAndOthersThatAreNotWatched(t *testing.T) {
	w := newWatched(t, models.SQLite)
	change := func(job string, fn func(*models.Schedule)) {
		schedules, err := w.Schedules(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, sc := range schedules {
			if sc.Job == job {
				fn(&sc)
				w.tx(func(tx *models.Tx) error { return tx.SaveSchedule(&sc) })
			}
		}
	}
	change(models.JobSweep, func(sc *models.Schedule) { sc.Cron = "whenever" })
	w.expect("refused", 0, true, "run sweep refused")
	change(models.JobSweep, func(sc *models.Schedule) { sc.Enabled = false })
	w.expect("switched off", 48*time.Hour, false)
	// A schedule that is switched on again owes nothing of before.
	change(models.JobSweep, func(sc *models.Schedule) { sc.Enabled, sc.Cron = true, "30 8 * * *" })
	w.expect("switched on", 29*time.Minute, false)
	w.expect("and not run", time.Minute, true, "run sweep missed")
}

func TestMessagesThatDoNotLeave(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		w := newWatched(t, driver)
		w.duty(0, day(6, 23), models.Custom)
		w.duty(1, day(6, 24), models.Custom)
		w.reads("owner", models.Reach{Digest: models.DigestOff})
		if _, err := w.sweeper().Sweep(t.Context(), day(6, 20)); err != nil {
			t.Fatal(err)
		}
		w.expect("for an hour less a minute", 59*time.Minute, false)
		w.expect("for an hour", time.Minute, true, "queue file 2")
		// One is put off on purpose, the other has left.
		w.set(map[string]any{"next_attempt_at": w.clock.Now().Add(time.Hour).UTC(), "reason": models.WaitsQuiet}, "obligation_id = 1")
		w.set(map[string]any{"state": models.NotificationSent}, "obligation_id = 2")
		w.expect("on purpose", time.Minute, false, "queue file over")
		// It comes and goes: at most one of each in an hour.
		w.set(map[string]any{"next_attempt_at": w.clock.Now().Add(-2 * time.Hour).UTC()}, "obligation_id = 1")
		w.expect("again too soon", time.Minute, true)
		w.expect("again", 58*time.Minute, true, "queue file 1")
		w.set(map[string]any{"state": models.NotificationSent}, "state = 'pending'")
		w.expect("over", time.Minute, false, "queue file over")
		// A message that fails is late since it began to.
		w.set(map[string]any{
			"state": models.NotificationFailed, "failing_since": w.clock.Now().Add(-2 * time.Hour).UTC(), "next_attempt_at": w.clock.Now().Add(time.Hour).UTC(),
		}, "obligation_id = 1")
		w.expect("fails, too soon", 0, true)
		w.expect("fails", time.Hour, true, "queue file 1")
	})
}

func TestMessagesThatAreLostOrUnknown(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		w := newWatched(t, driver)
		w.reads("owner", models.Reach{Digest: models.DigestOff})
		for i := range 4 {
			w.duty(i, day(6, 23), models.Custom)
		}
		if _, err := w.sweeper().Sweep(t.Context(), day(6, 20)); err != nil {
			t.Fatal(err)
		}
		w.set(map[string]any{"state": models.NotificationSent}, "state = 'pending'")
		dies := func(duty int) {
			w.set(map[string]any{"state": models.NotificationDead, "updated_at": w.clock.Now().UTC()}, "obligation_id = ?", duty)
		}
		dies(1)
		w.expect("one is lost", time.Minute, false, "dead file 1")
		dies(2)
		dies(3)
		w.set(map[string]any{"state": models.NotificationDead, "updated_at": w.clock.Now().UTC()}, "template = 'alarm'")
		w.expect("two more, too soon", time.Minute, false)
		w.expect("those two, and no alarm about an alarm", time.Hour, false, "dead file 2")
		w.expect("nothing new", 2*time.Hour, false)

		w.set(map[string]any{"state": models.NotificationUnknown, "handed_at": w.clock.Now().UTC(), "next_attempt_at": w.clock.Now().Add(24 * time.Hour).UTC(), "failing_since": w.clock.Now().UTC()}, "obligation_id = 4")
		w.expect("unknown", 59*time.Minute, false)
		w.QueueAge = 48 * time.Hour
		w.expect("for an hour", time.Minute, true, "unknown file 1")
		w.set(map[string]any{"state": models.NotificationDelivered}, "obligation_id = 4")
		w.expect("it had arrived", time.Minute, false, "unknown file over")
	})
}

// Nobody can mend a channel that is not used any more.
func TestAChannelThatIsNotConfiguredRaisesNoAlarm(t *testing.T) {
	o := newCorner(t, models.SQLite)
	if err := o.ChannelFails(t.Context(), models.ChannelSMS, "down"); err != nil {
		t.Fatal(err)
	}
	w := &jobs.Watchman{Store: o.Store, Clock: o.clock, Routing: o.routing, Log: slog.New(slog.DiscardHandler), QueueAge: time.Hour}
	o.clock.Advance(24 * time.Hour)
	if wrong, err := w.Check(t.Context()); wrong || err != nil {
		t.Errorf("wrong %v, %v", wrong, err)
	}
	w.Routing.Configured = append(w.Routing.Configured, models.ChannelSMS)
	if wrong, err := w.Check(t.Context()); !wrong || err != nil {
		t.Errorf("once it is: wrong %v, %v", wrong, err)
	}
}

func TestChannelsTimersAndGaps(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		w := newWatched(t, driver)
		w.Routing.Configured = append(slices.Clone(w.Routing.Configured), models.ChannelSMS)
		if err := w.ChannelFails(t.Context(), models.ChannelSMS, "balance"); err != nil {
			t.Fatal(err)
		}
		w.QueueAge = 20 * time.Minute
		w.expect("fails", 19*time.Minute, false)
		w.expect("for 20 minutes", time.Minute, true, "channel sms")
		if a := w.of("admin")[0].Payload.Alarm; a.Detail != "balance" || !a.Since.Equal(w.clock.Now().Add(-20*time.Minute)) {
			t.Errorf("%+v", a)
		}
		if err := w.ChannelWorks(t.Context(), models.ChannelSMS); err != nil {
			t.Fatal(err)
		}
		w.expect("works", time.Minute, false, "channel sms over")

		w.tx(func(tx *models.Tx) error {
			return tx.Create(&models.WorkflowTimer{InstanceID: 1, Task: 1, State: models.TimerDead, FireAt: w.clock.Now().UTC(), LastError: "panic"})
		})
		w.gaps(3)
		w.expect("timers and gaps", time.Minute, true, "timers 1", "gaps 3")
		w.gaps(0)
		w.expect("gaps are closed", time.Minute, true, "gaps over")
	})
}

func TestAnAlarmIsForEveryAdministratorOnceWhateverReplicasWatch(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		w := newWatched(t, driver)
		w.hire(models.User{Account: "admin2", Roles: []models.Role{models.RoleAdmin, models.RoleFinance}})
		w.gaps(1)
		check := func(want bool) {
			t.Helper()
			var wg sync.WaitGroup
			for range 6 {
				wg.Go(func() {
					if wrong, err := w.watchman().Check(t.Context()); err != nil || wrong != want {
						t.Error(wrong, err)
					}
				})
			}
			wg.Wait()
			w.set(map[string]any{"state": models.NotificationSent}, "template = 'alarm' AND state = 'pending'")
		}
		check(true)
		if a, b, c := len(w.of("admin")), len(w.of("admin2")), len(w.of("finance")); a != 1 || b != 1 || c != 0 {
			t.Errorf("%d, %d and %d messages", a, b, c)
		}
		w.gaps(0)
		check(false)
		if a, b := w.of("admin"), w.of("admin2"); len(a) != 2 || len(b) != 2 || !a[1].Payload.Alarm.Over {
			t.Errorf("over: %d and %d messages", len(a), len(b))
		}
		// Without an administrator it is for those who can name one.
		for _, account := range []string{"admin", "admin2"} {
			u := w.people[account]
			u.Active = false
			w.tx(func(tx *models.Tx) error { _, _, err := tx.SaveUser(&u); return err })
		}
		w.gaps(2)
		w.clock.Advance(2 * time.Hour)
		check(true)
		if c := w.of("finance"); len(c) != 1 || c[0].Payload.Alarm.Count != 2 {
			t.Errorf("finance: %+v", c)
		}
	})
}

func TestAFreshServerIsNotAccusedOfWhatItMissed(t *testing.T) {
	o := newCorner(t, models.SQLite)
	o.clock.Advance(5 * time.Hour)
	w := &jobs.Watchman{
		Store: o.Store, Clock: o.clock, Routing: o.routing, Log: slog.New(slog.DiscardHandler),
		Jobs: map[string]jobs.Job{models.JobSweep: nil, models.JobReport: nil},
	}
	for _, c := range []struct {
		after time.Duration
		wrong bool
	}{{0, false}, {29 * time.Minute, false}, {time.Minute, true}} {
		o.clock.Advance(c.after)
		if wrong, err := w.Check(t.Context()); wrong != c.wrong || err != nil {
			t.Errorf("after %s: %v, %v", c.after, wrong, err)
		}
	}
}
