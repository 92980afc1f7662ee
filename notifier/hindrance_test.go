package notifier_test

import (
	"context"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/notifier"
)

// sameReader makes a message one to the reader of another.
func (c *chain) sameReader(as int64) func(*models.Notification) {
	return func(n *models.Notification) { n.RecipientID = c.byID([]int64{as})[0].RecipientID }
}

// One message that its provider will never take holds up what comes after it
// for about half an hour, whether or not both are claimed together.
func TestAMessageThatKeepsFailingHoldsUpTheNextForAWhileOnly(t *testing.T) {
	for _, batch := range []int{1, 10} {
		eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
			c := newChain(t, s, clock)
			d := c.dispatcher(c.mail, func(cfg *notifier.Config) {
				cfg.Channels[models.ChannelSMS], cfg.Batch = c.sms, batch
			})
			first := c.text(failing(notifier.Retry), alone)
			second := c.text(script{}, alone, c.sameReader(first))
			third := c.text(script{}, alone, c.sameReader(first))
			for range 12 {
				c.drain(d)
				clock.Advance(5 * time.Minute)
			}
			for _, id := range []int64{second, third} {
				if n, _ := c.one(id); n.State != models.NotificationSent {
					t.Errorf("in batches of %d, message %d is %s after an hour: %+v", batch, id, n.State, n)
				}
			}
		})
	}
}

// What may be out already is asked for, also while an earlier message to the
// same reader waits for a limit.
func TestWhatMayBeOutIsNotSentAgainBehindALimit(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		c.limit(models.Quota{PerNumberHour: 1})
		first := c.text(script{}, alone, func(n *models.Notification) {
			n.NextAttemptAt, n.Reason = clock.Now().Add(2*time.Minute).UTC(), models.WaitsMaintenance
		})
		second := c.text(failing(notifier.Unknown), alone, c.sameReader(first))
		c.drain(c.d)
		c.wants(second, models.NotificationUnknown, "", false)
		c.pass(150*time.Minute, time.Minute)
		if n, _ := c.one(first); n.State != models.NotificationSent {
			t.Errorf("the first is %s", n.State)
		}
		if n, _ := c.one(second); n.HandedAt == nil || c.sms.given[second] != 1 {
			t.Errorf("handed over %d times, now %s", c.sms.given[second], n.State)
		}
	})
}

// hanging is a provider whose queries time out.
type hanging struct {
	*scripted
	clock *clockwork.FakeClock
	asks  int
}

func (h *hanging) Settle(context.Context, notifier.Message, string, time.Time) (notifier.Fate, error) {
	h.asks++
	h.clock.Advance(15 * time.Second)
	return notifier.Fate{}, context.DeadlineExceeded
}

func TestAProviderThatDoesNotAnswerIsNotAskedOnAndOn(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		h := &hanging{scripted: newScripted(), clock: clock}
		h.wait = time.Hour
		d := c.dispatcher(c.mail, func(cfg *notifier.Config) { cfg.Channels[models.ChannelSMS] = h })
		for range 100 {
			c.text(script{}, alone)
		}
		c.drain(d)
		clock.Advance(16 * time.Minute)
		c.add(c.user(), 1)
		rows := c.rows()
		mail := rows[len(rows)-1].ID
		c.drain(d)
		if n, _ := c.one(mail); n.State != models.NotificationSent || h.asks != 1 {
			t.Errorf("after %d questions the mail is %s", h.asks, n.State)
		}
	})
}

// An interim word says that a message was taken, and no more: the receipt is
// awaited as that of any other.
func TestAnInterimReceiptDoesNotEndTheWait(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		c.sms.wait = time.Hour
		id := c.text(failing(notifier.Unknown))
		c.drain(c.d)
		n, _ := c.one(id)
		if err := s.ApplyReceipt(t.Context(), models.Receipt{Channel: models.ChannelSMS, State: models.ReceiptPending, Code: "8"}, n.Key()); err != nil {
			t.Fatal(err)
		}
		c.pass(2*time.Hour, 10*time.Minute)
		if n, standIn := c.one(id); n.Reason != models.NoReceipt || standIn.State != models.NotificationSent {
			t.Errorf("%s %s, stand-in %+v", n.State, n.Reason, standIn)
		}
	})
}

// orderly keeps the order of what it took.
type orderly struct{ ids []int64 }

func (o *orderly) Send(_ context.Context, m notifier.Message) (string, error) {
	o.ids = append(o.ids, m.NotificationID)
	return m.Key, nil
}

func (*orderly) Close() error { return nil }

// Whoever waits for a code in front of a screen does not queue, by whatever
// channel it comes.
func TestACodeThatFallsBackGoesFirst(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		mail := &orderly{}
		d := c.dispatcher(mail, func(cfg *notifier.Config) {
			cfg.Channels[models.ChannelSMS], cfg.Batch, cfg.Workers = c.sms, 5, 1
			cfg.Templates = cfg.Templates.WithLinks(models.LinkKey("0123456789abcdef0123456789abcdef"))
		})
		for range 100 {
			c.add(c.user(), 1)
		}
		clock.Advance(time.Second)
		id := c.text(failing(notifier.Reject), instant)
		c.drain(d)
		_, standIn := c.one(id)
		for i, sent := range mail.ids {
			if sent == standIn.ID && i < 10 {
				return
			}
		}
		t.Errorf("the code %d is not among the first of %v", standIn.ID, mail.ids)
	})
}

// A provider that takes a request and never answers has taken no message.
func TestWhatIsNotAnsweredDoesNotProveThatAChannelWorks(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		c.text(failing(notifier.Unknown), alone)
		c.drain(c.d)
		states, err := s.ChannelStates(t.Context())
		if err != nil || len(states) != 0 {
			t.Errorf("%+v, %v", states, err)
		}
	})
}
