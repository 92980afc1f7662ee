package notifier_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/modelstest"
	"duban/notifier"
)

// stepping is a channel that takes everything, and each message takes its time.
type stepping struct {
	clock *clockwork.FakeClock
	takes time.Duration
	said  []int64 // the ids of the messages
	then  func()  // called after each; may be nil
}

func (s *stepping) Send(_ context.Context, m notifier.Message) (string, error) {
	s.said = append(s.said, m.NotificationID)
	s.clock.Advance(s.takes)
	if s.then != nil {
		s.then()
	}
	return m.Key, nil
}

func (*stepping) Close() error { return nil }

// inOrder fails unless the messages of each person were said in the order in
// which they were created, all of them.
func (o *outbox) inOrder(said []int64) {
	o.t.Helper()
	rows := o.rows()
	if len(said) != len(rows) {
		o.t.Errorf("%d messages were said, want %d", len(said), len(rows))
	}
	theirs := map[int64][]int64{}
	for _, n := range rows {
		if slices.Contains(said, n.ID) {
			theirs[n.RecipientID] = append(theirs[n.RecipientID], n.ID)
		}
	}
	for _, ids := range theirs {
		heard := slices.DeleteFunc(slices.Clone(said), func(id int64) bool { return !slices.Contains(ids, id) })
		if !slices.Equal(heard, ids) {
			o.t.Errorf("one person heard %v, want %v", heard, ids)
		}
	}
}

// A program that stops puts back what it has not sent. Whoever comes next says
// that first.
func TestWhatIsPutBackKeepsItsPlace(t *testing.T) {
	clock := clockwork.NewFakeClockAt(start)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		o := newOutbox(t, s, clock)
		o.add(o.user(), 4)
		ctx, stop := context.WithCancel(t.Context())
		ch := &stepping{clock: clock, takes: time.Second, then: stop}
		if _, err := o.dispatcher(ch, func(c *notifier.Config) { c.Batch = 3 }).Drain(ctx); err != nil {
			t.Fatal(err)
		}
		o.want("1 sent, 3 pending")
		o.drain(o.dispatcher(ch, func(c *notifier.Config) { c.Batch = 1 }))
		o.inOrder(ch.said)
	})
}

// While the first message of a person waits for a limit, the second one may
// not take the place that becomes free, whether it is in the same batch or in
// a later one.
func TestALimitKeepsTheOrder(t *testing.T) {
	for name, batch := range map[string]int{"one batch": 20, "small batches": 2} {
		t.Run(name, func(t *testing.T) {
			clock := clockwork.NewFakeClockAt(start)
			modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
				o := newOutbox(t, s, clock)
				a, b := o.user(), o.user()
				bySMS := func(n *models.Notification) { n.Channel = models.ChannelSMS }
				o.add(a, 2, bySMS)
				o.add(b, 2)
				o.add(a, 3, bySMS)
				o.add(b, 2, bySMS)
				ch := &stepping{clock: clock, takes: 700 * time.Millisecond}
				d := o.dispatcher(ch, func(c *notifier.Config) {
					c.Batch = batch
					c.Channels[models.ChannelSMS] = ch
					c.Quotas = map[models.Channel]models.Quota{models.ChannelSMS: {PerSecond: 1}}
				})
				for range 20 {
					o.drain(d)
					clock.Advance(400 * time.Millisecond)
				}
				o.inOrder(ch.said)
			})
		})
	}
}

// A message that failed is due again when many others are due before it.
func TestARetryComesBeforeWhatWasSaidLater(t *testing.T) {
	clock := clockwork.NewFakeClockAt(start)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		o := newOutbox(t, s, clock)
		u := o.user()
		o.add(u, 1)
		refusing := newGate(&stepping{clock: clock})
		go func() {
			<-refusing.entered
			refusing.open <- &notifier.SendError{Class: notifier.Retry, Code: "busy"}
		}()
		o.drain(o.dispatcher(refusing))
		o.want("1 failed")
		o.add(u, 3)
		clock.Advance(3 * time.Hour) // nobody was there
		ch := &stepping{clock: clock}
		o.drain(o.dispatcher(ch, func(c *notifier.Config) { c.Batch = 1 }))
		o.inOrder(ch.said)
	})
}

// One person with a long queue must not keep everybody else waiting, while the
// first of it is being sent or its sender has died.
func TestALongQueueHoldsUpNobodyElse(t *testing.T) {
	clock := clockwork.NewFakeClockAt(start)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		o := newOutbox(t, s, clock)
		o.add(o.user(), 10)
		small := func(c *notifier.Config) { c.Batch = 3 }
		slow := newGate(&stepping{clock: clock})
		done := make(chan struct{})
		go func() {
			defer close(done)
			o.drain(o.dispatcher(slow, small))
		}()
		<-slow.entered
		clock.Advance(time.Second)
		o.add(o.user(), 1)
		ch := &stepping{clock: clock}
		if stats := o.drain(o.dispatcher(ch, small)); stats.Sent != 1 {
			t.Errorf("the other person's message waits: %+v", stats)
		}
		close(slow.open)
		go func() {
			for range slow.entered {
				continue
			}
		}()
		<-done
		o.want("11 sent")
	})
}

// What comes after a message that keeps failing waits for it half an hour, and
// not until it is given up after three days.
func TestAMessageThatKeepsFailingIsNotWaitedForForever(t *testing.T) {
	for name, batch := range map[string]int{"one batch": 20, "batches of one": 1} {
		t.Run(name, func(t *testing.T) {
			eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
				c := newChain(t, s, clock)
				c.d = c.dispatcher(c.sms, func(cfg *notifier.Config) {
					cfg.Batch = batch
					cfg.Channels[models.ChannelSMS] = c.sms
				})
				first := c.text(failing(notifier.Retry), alone)
				same := func(n *models.Notification) { n.RecipientID = c.byID([]int64{first})[0].RecipientID }
				second, third := c.text(script{}, alone, same), c.text(script{}, alone, same)
				if took := c.becomes(third, isSent, time.Minute, 45*time.Minute); took < 3*time.Minute {
					t.Errorf("the third was sent after %s, and did not wait", took)
				}
				c.wants(second, isSent, "", false)
				c.wants(first, models.NotificationFailed, "", false)
			})
		})
	}
}
