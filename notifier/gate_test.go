package notifier_test

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/calendar"
	"duban/notifier"
)

var (
	friday   = calendar.DateOf(start) // 2025-06-20, nine in the morning
	tomorrow = func(n *models.Notification) { n.Day = friday.AddDays(1) }
)

// situations are what may hold a message back.
var situations = []struct {
	name   string
	set    func(*situation)
	state  models.NotificationState
	reason string
	until  time.Time
}{
	{name: "nothing", set: func(*situation) {}, state: models.NotificationSent},

	// What is not worth saying any more.
	{name: "fulfilled", set: func(s *situation) {
		s.change(func(o *models.Obligation) { o.State, o.SettledOn = models.StateMet, friday })
	}, state: models.NotificationSuppressed, reason: models.SuppressedSettled},
	{name: "fulfilled late", set: func(s *situation) {
		s.change(func(o *models.Obligation) { o.State, o.SettledOn = models.StateMissed, friday })
	}, state: models.NotificationSuppressed, reason: models.SuppressedSettled},
	{name: "waived", set: func(s *situation) {
		s.change(func(o *models.Obligation) { o.State = models.StateWaived })
	}, state: models.NotificationSuppressed, reason: models.SuppressedSettled},
	{name: "missed, and still to be done", set: func(s *situation) {
		s.change(func(o *models.Obligation) { o.State = models.StateMissed })
	}, state: models.NotificationSent},
	{name: "decided", set: func(s *situation) { s.task("approved") }, state: models.NotificationSuppressed, reason: models.SuppressedSettled},
	{name: "not decided, about a fulfilled duty", set: func(s *situation) {
		s.task("open")
		s.change(func(o *models.Obligation) { o.State, o.SettledOn = models.StateMet, friday })
	}, state: models.NotificationSent},
	{name: "a later one is there", set: func(s *situation) { s.other(tomorrow) }, state: models.NotificationSuppressed, reason: models.SuppressedStale},
	{name: "a later one was told in a digest", set: func(s *situation) {
		s.other(func(n *models.Notification) {
			tomorrow(n)
			n.State, n.Reason = models.NotificationSuppressed, models.SuppressedDigest
		})
	}, state: models.NotificationSuppressed, reason: models.SuppressedStale},
	{name: "a later one was never said", set: func(s *situation) {
		s.other(func(n *models.Notification) {
			tomorrow(n)
			n.State, n.Reason = models.NotificationSuppressed, models.SuppressedNoAddress
		})
	}, state: models.NotificationSent},
	{name: "a later one is for somebody else", set: func(s *situation) {
		somebody := s.outbox.user()
		s.other(func(n *models.Notification) {
			tomorrow(n)
			n.RecipientID = somebody.ID
		})
	}, state: models.NotificationSent},
	{name: "another of the same day", set: func(s *situation) { s.other(func(*models.Notification) {}) }, state: models.NotificationSent},

	// Silences and mutes.
	{name: "silence", set: func(s *situation) { s.silence(models.Silencing, 5) }, state: models.NotificationSuppressed, reason: models.SuppressedSilenced},
	{name: "silence of the unit", set: func(s *situation) {
		s.silence(models.Silencing, 5, instead(func(x *models.Silence) { x.UnitID = s.duty.UnitID }))
	}, state: models.NotificationSuppressed, reason: models.SuppressedSilenced},
	{name: "silence of the person", set: func(s *situation) {
		s.silence(models.Silencing, 5, instead(func(x *models.Silence) { x.RecipientID = s.user.ID }))
	}, state: models.NotificationSuppressed, reason: models.SuppressedSilenced},
	{name: "silence of another kind of duty", set: func(s *situation) {
		s.silence(models.Silencing, 5, func(x *models.Silence) { x.DutyKind = models.Procurement })
	}, state: models.NotificationSent},
	{name: "silence of another unit", set: func(s *situation) {
		s.silence(models.Silencing, 5, instead(func(x *models.Silence) { x.UnitID = s.duty.UnitID + 100_000 }))
	}, state: models.NotificationSent},
	{name: "silence that is over", set: func(s *situation) { s.silence(models.Silencing, 0) }, state: models.NotificationSent},
	{name: "silence that has not begun", set: func(s *situation) {
		s.silence(models.Silencing, 5, func(x *models.Silence) { x.StartsAt = start.Add(time.Minute) })
	}, state: models.NotificationSent},
	{name: "silence, but a decision is asked for", set: func(s *situation) {
		s.task("open")
		s.silence(models.Silencing, 5)
	}, state: models.NotificationSent},
	{name: "mute", set: func(s *situation) { s.mute() }, state: models.NotificationSuppressed, reason: models.SuppressedMuted},
	{name: "mute in a window", set: func(s *situation) {
		s.silence(models.Window, 5)
		s.mute()
	}, state: models.NotificationSuppressed, reason: models.SuppressedMuted},

	// Windows.
	{
		name: "window", set: func(s *situation) { s.silence(models.Window, 5) },
		state: models.NotificationPending, reason: models.WaitsMaintenance, until: start.Add(5 * time.Hour),
	},
	{name: "three windows: the longest counts", set: func(s *situation) {
		s.silence(models.Window, 2)
		s.silence(models.Window, 7)
		s.silence(models.Window, 5)
	}, state: models.NotificationPending, reason: models.WaitsMaintenance, until: start.Add(7 * time.Hour)},
	{name: "window, and a decision is asked for", set: func(s *situation) {
		s.task("open")
		s.silence(models.Window, 5)
	}, state: models.NotificationPending, reason: models.WaitsMaintenance, until: start.Add(5 * time.Hour)},
	{name: "window of the channel", set: func(s *situation) {
		s.silence(models.Window, 5, func(x *models.Silence) { x.Channel = models.ChannelEmail })
	}, state: models.NotificationPending, reason: models.WaitsMaintenance, until: start.Add(5 * time.Hour)},
	{name: "window of another channel", set: func(s *situation) {
		s.silence(models.Window, 5, func(x *models.Silence) { x.Channel = models.ChannelSMS })
	}, state: models.NotificationSent},
	{name: "window of a fulfilled duty", set: func(s *situation) {
		s.silence(models.Window, 5)
		s.change(func(o *models.Obligation) { o.State, o.SettledOn = models.StateMet, friday })
	}, state: models.NotificationSuppressed, reason: models.SuppressedSettled},

	// 已阅.
	{
		name: "acknowledged by the recipient", set: func(s *situation) { s.ack(s.user.ID, models.ToOwner) },
		state: models.NotificationPending, reason: models.WaitsAcknowledged, until: friday.AddDays(4).At(8, 30),
	},
	{name: "acknowledged by the rung below", set: func(s *situation) {
		s.message.Payload.Audience = models.ToManager
		s.ack(s.outbox.user().ID, models.ToOwner)
	}, state: models.NotificationPending, reason: models.WaitsAcknowledged, until: friday.AddDays(4).At(8, 30)},
	{name: "acknowledged two rungs below", set: func(s *situation) {
		s.message.Payload.Audience = models.ToLeader
		s.ack(s.outbox.user().ID, models.ToOwner)
	}, state: models.NotificationPending, reason: models.WaitsAcknowledged, until: friday.AddDays(4).At(8, 30)},
	{name: "acknowledged by the rung above", set: func(s *situation) { s.ack(s.outbox.user().ID, models.ToManager) }, state: models.NotificationSent},
	{name: "acknowledged beside", set: func(s *situation) { s.ack(s.outbox.user().ID, models.ToFinance) }, state: models.NotificationSent},
	{name: "acknowledged, but a decision is asked for", set: func(s *situation) {
		s.task("open")
		s.ack(s.user.ID, models.ToOwner)
	}, state: models.NotificationSent},
	{name: "acknowledged until yesterday", set: func(s *situation) {
		s.put(&models.Acknowledgement{
			ObligationID: s.duty.ID, UserID: s.user.ID, Audience: models.ToOwner, AckedOn: friday.AddDays(-3), UntilOn: friday.AddDays(-1),
		})
	}, state: models.NotificationSent},

	// Quiet hours.
	{
		name: "quiet hours", set: func(s *situation) { s.quiet("08:00", "10:15") },
		state: models.NotificationPending, reason: models.WaitsQuiet, until: friday.At(10, 15),
	},
	{
		name: "quiet hours over midnight", set: func(s *situation) { s.quiet("20:00", "09:30") },
		state: models.NotificationPending, reason: models.WaitsQuiet, until: friday.At(9, 30),
	},
	{name: "quiet hours that are over", set: func(s *situation) { s.quiet("20:00", "09:00") }, state: models.NotificationSent},
	{name: "quiet hours, urgent", set: func(s *situation) {
		s.message.Urgency = models.Urgent
		s.quiet("08:00", "10:15")
	}, state: models.NotificationPending, reason: models.WaitsQuiet, until: friday.At(10, 15)},

	// A code that somebody waits for.
	{name: "a code in quiet hours and a window", set: func(s *situation) {
		s.login(time.Minute)
		s.quiet("08:00", "10:15")
		s.silence(models.Window, 5, instead(func(x *models.Silence) { x.RecipientID = s.user.ID }))
	}, state: models.NotificationSent},
	{
		name: "a code that has expired", set: func(s *situation) { s.login(models.LoginLife) },
		state: models.NotificationSuppressed, reason: models.SuppressedExpired,
	},
}

func TestWhatHoldsAMessageBack(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		o := newOutbox(t, s, clock)
		ids := make([]int64, len(situations))
		for i, tc := range situations {
			ids[i] = o.situation(int64(1000+i), tc.set)
		}
		ch := &stepping{clock: clock}
		d := o.dispatcher(ch, func(c *notifier.Config) {
			c.Templates = c.Templates.WithLinks(models.LinkKey("0123456789abcdef0123456789abcdef"))
		})
		o.drain(d)
		for i, n := range o.byID(ids) {
			want := situations[i]
			if n.State != want.state || n.Reason != want.reason {
				t.Errorf("%s: %s (%s) %s, want %s (%s)", want.name, n.State, n.Reason, n.LastError, want.state, want.reason)
			}
			if n.State == models.NotificationPending && !n.NextAttemptAt.Equal(want.until) {
				t.Errorf("%s: waits until %s, want %s", want.name, n.NextAttemptAt, want.until)
			}
			if (n.SilenceID != 0) != (n.Reason == models.SuppressedSilenced || n.Reason == models.SuppressedMuted) {
				t.Errorf("%s: silence %d", want.name, n.SilenceID)
			}
			if n.State != models.NotificationSent && n.Attempts != 0 {
				t.Errorf("%s: %d attempts are held against it", want.name, n.Attempts)
			}
		}
		said := len(ch.said)
		clock.Advance(30*24*time.Hour + 2*time.Hour)
		o.drain(d)
		waited := 0
		for i, n := range o.byID(ids) {
			if situations[i].state == models.NotificationPending {
				waited++
				if n.State != models.NotificationSent || n.Reason != "" {
					t.Errorf("%s: %s (%s) when the wait is over", situations[i].name, n.State, n.Reason)
				}
			}
		}
		if len(ch.said) != said+waited {
			t.Errorf("%d were said when the waits were over, want %d", len(ch.said)-said, waited)
		}
	})
}
