package notifier_test

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/calendar"
	"duban/notifier"
)

// What a channel did not take counts against no limit: else the message that
// finds out whether it is back would use up what its reader may get in a day.
func TestOnlyWhatWasTakenCountsAgainstALimit(t *testing.T) {
	for name, class := range map[string]notifier.Class{"down": notifier.Down, "busy": notifier.Retry} {
		t.Run(name, func(t *testing.T) {
			eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
				c := newChain(t, s, clock)
				c.limit(models.Quota{PerNumberDay: 2})
				id := c.text(failing(class), alone)
				c.drain(c.d)
				c.pass(4*time.Hour, 20*time.Minute)
				if c.sms.given[id] < 4 {
					t.Fatalf("tried %d times", c.sms.given[id])
				}
				c.sms.scripts[id] = script{}
				c.pass(3*time.Hour, 20*time.Minute)
				c.wants(id, models.NotificationSent, "", false)
			})
		})
	}
}

func TestWhatMayHaveBeenTakenCountsAgainstALimit(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		c.limit(models.Quota{PerNumberHour: 1})
		first := c.text(failing(notifier.Unknown), alone)
		same := func(n *models.Notification) { n.RecipientID = c.byID([]int64{first})[0].RecipientID }
		c.drain(c.d)
		second := c.text(script{}, alone, same)
		c.drain(c.d)
		c.wants(first, models.NotificationUnknown, "", false)
		c.wants(second, models.NotificationPending, models.WaitsLimit, false)
		c.pass(time.Hour, time.Hour)
		c.wants(second, models.NotificationSent, "", false)
	})
}

// A code does not wait for an hour, if there is another way.
func TestACodeDoesNotWaitForALimit(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		c.limit(models.Quota{PerSecond: 1, PerNumberHour: 1})
		first := c.text(script{}, alone)
		same := func(n *models.Notification) { n.RecipientID = c.byID([]int64{first})[0].RecipientID }
		c.drain(c.d)
		soon, stuck := c.text(script{}, instant), c.text(script{}, instant, same)
		c.drain(c.d)
		c.wants(soon, models.NotificationPending, models.WaitsLimit, false)
		c.wants(stuck, models.NotificationSuppressed, models.SuppressedFellBack, true)
		clock.Advance(time.Second)
		c.drain(c.d)
		c.wants(soon, models.NotificationSent, "", false)
		if _, standIn := c.one(stuck); standIn.State != models.NotificationSent {
			t.Errorf("the one that stands in is %s", standIn.State)
		}
	})
}

// While the database does not say whether a limit permits a message, what comes
// after it to the same person waits as well.
func TestALimitThatCannotBeAskedKeepsTheOrder(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		c.limit(models.Quota{PerNumberHour: 5})
		alter := func(from, to string) {
			t.Helper()
			if err := s.Read(t.Context()).Exec("ALTER TABLE " + from + " RENAME TO " + to).Error; err != nil {
				t.Fatal(err)
			}
		}
		first := c.text(script{}, alone)
		same := func(n *models.Notification) { n.RecipientID = c.byID([]int64{first})[0].RecipientID }
		mends := c.text(script{}, func(n *models.Notification) { n.Channel, n.Route = models.ChannelEmail, nil })
		c.mail.scripts[mends] = script{while: func() { alter("broken", "channel_uses") }}
		second := c.text(script{}, alone, same)
		alter("channel_uses", "broken")
		c.drain(c.d)
		c.wants(mends, isSent, "", false)
		c.wants(first, models.NotificationFailed, "", false)
		c.wants(second, models.NotificationFailed, "", false)
		c.pass(5*time.Minute, time.Minute)
		c.wants(first, isSent, "", false)
		c.wants(second, isSent, "", false)
	})
}

// A day's limit is used up. What is urgent goes by another channel if there is
// one, and else, like all the rest, in the morning, when people are awake.
func TestWhatADaysLimitPutsOff(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		c.limit(models.Quota{PerNumberDay: 1})
		first := c.text(script{}, alone)
		same := func(n *models.Notification) { n.RecipientID = c.byID([]int64{first})[0].RecipientID }
		waiting, pressing, other := c.text(script{}, alone, same, urgent), c.text(script{}, same, urgent), c.text(script{}, same)
		c.drain(c.d)
		c.wants(first, isSent, "", false)
		c.wants(waiting, models.NotificationPending, models.WaitsLimit, false)
		c.wants(pressing, isFellBack, models.SuppressedFellBack, true)
		c.wants(other, isFellBack, models.SuppressedFellBack, true)
		c.pass(24*time.Hour, 10*time.Minute)
		n, _ := c.one(waiting)
		if at := calendar.DateOf(start).AddDays(1).At(8, 30); n.SentAt == nil || n.SentAt.Sub(at).Abs() > 10*time.Minute {
			t.Errorf("sent at %v, want about %s", n.SentAt, at)
		}
	})
}
