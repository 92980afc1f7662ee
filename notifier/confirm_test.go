package notifier_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/modelstest"
	"duban/notifier"
)

// mute is a provider whose interface for questions does not answer.
type mute struct {
	notifier.Careful
	asked chan struct{} // receives at every question

	mu sync.Mutex
	n  int
}

func (m *mute) Settle(ctx context.Context, _ notifier.Message, _ string, _ time.Time) (notifier.Fate, error) {
	m.mu.Lock()
	m.n++
	m.mu.Unlock()
	if m.asked == nil {
		return notifier.Fate{}, context.DeadlineExceeded
	}
	m.asked <- struct{}{}
	<-ctx.Done()
	return notifier.Fate{}, ctx.Err()
}

// A provider that does not say what became of messages keeps nothing from
// being sent, neither by itself nor by another channel.
func TestAQuestionHoldsUpNoMessage(t *testing.T) {
	clock := clockwork.NewFakeClockAt(start)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		c := newChain(t, s, clock)
		c.sms.wait = time.Hour
		m := &mute{Careful: c.sms, asked: make(chan struct{})}
		ch := newGate(&stepping{clock: clock})
		d := c.dispatcher(ch, func(cfg *notifier.Config) {
			cfg.Channels[models.ChannelSMS] = m
			cfg.Grace = 50 * time.Millisecond
		})
		c.text(script{}, alone)
		close(ch.open)
		c.drain(d)
		clock.Advance(20 * time.Minute) // a receipt is due
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			d.Run(ctx)
		}()
		<-m.asked
		c.add(c.user(), 1)
		d.Wake()
		<-ch.entered
		stop()
		<-done
		c.want("2 sent")
	})
}

// It is not asked for ever either, and those for whom no word comes in time
// hear by another channel.
func TestAProviderThatDoesNotAnswerIsLeftAlone(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		c.sms.wait = time.Hour
		m := &mute{Careful: c.sms}
		d := c.dispatcher(struct{ notifier.Channel }{c.mail}, func(cfg *notifier.Config) { cfg.Channels[models.ChannelSMS] = m })
		var ids []int64
		for range 8 {
			ids = append(ids, c.text(script{}))
		}
		c.drain(d)
		clock.Advance(20 * time.Minute)
		c.drain(d)
		if m.n == 0 || m.n > 3 {
			t.Errorf("asked %d times", m.n)
		}
		for range 5 {
			clock.Advance(20 * time.Minute)
			c.drain(d)
		}
		for _, id := range ids {
			c.wants(id, isSent, models.NoReceipt, true)
		}
	})
}
