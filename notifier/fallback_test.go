package notifier_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/notifier"
)

// scripted is a channel that answers as each message's script says. It stands
// in for a provider that does not know a repeat, so what it takes is counted.
type scripted struct {
	scripts map[int64]script // by message; others are taken
	given   map[int64]int    // how often each was handed over
	asked   map[int64]int    // how often its fate was asked for
	wait    time.Duration    // for receipts
}

// script is what a channel makes of one message.
type script struct {
	id    string // the provider's
	err   *notifier.SendError
	fate  notifier.FateState
	while func() // called while it is being handed over
}

func newScripted() *scripted {
	return &scripted{scripts: map[int64]script{}, given: map[int64]int{}, asked: map[int64]int{}}
}

func (c *scripted) Send(_ context.Context, m notifier.Message) (string, error) {
	c.given[m.NotificationID]++
	s := c.scripts[m.NotificationID]
	if s.while != nil {
		s.while()
	}
	if s.err != nil {
		return s.id, s.err // the ids of what was taken all the same
	}
	return s.id, nil
}

func (c *scripted) Settle(_ context.Context, m notifier.Message, _ string, _ time.Time) (notifier.Fate, error) {
	c.asked[m.NotificationID]++
	return notifier.Fate{State: c.scripts[m.NotificationID].fate, Code: "ASKED"}, nil
}

func (c *scripted) ReceiptWait() time.Duration            { return c.wait }
func (c *scripted) Measure(notifier.Message) (int, int64) { return 1, 45 }
func (c *scripted) Close() error                          { return nil }

// chain is an outbox with a text message that may fall back on e-mail.
type chain struct {
	*outbox
	clock *clockwork.FakeClock
	sms   *scripted
	mail  *scripted
	d     *notifier.Dispatcher
}

func newChain(t *testing.T, s *models.Store, clock *clockwork.FakeClock) *chain {
	t.Helper()
	c := &chain{outbox: newOutbox(t, s, clock), clock: clock, sms: newScripted(), mail: newScripted()}
	c.limit(models.Quota{})
	return c
}

// limit makes the dispatcher keep to a limit of text messages.
func (c *chain) limit(q models.Quota) {
	c.t.Helper()
	c.d = c.dispatcher(struct{ notifier.Channel }{c.mail}, func(cfg *notifier.Config) { // its repeats do no harm
		cfg.Channels[models.ChannelSMS] = c.sms
		cfg.Quotas = map[models.Channel]models.Quota{models.ChannelSMS: q}
		cfg.Templates = cfg.Templates.WithLinks(models.LinkKey("0123456789abcdef0123456789abcdef"))
	})
}

// text adds a text message with the script.
func (c *chain) text(s script, change ...func(*models.Notification)) int64 {
	c.t.Helper()
	c.add(c.user(), 1, append([]func(*models.Notification){func(n *models.Notification) {
		n.Channel, n.Route = models.ChannelSMS, []models.Channel{models.ChannelEmail}
	}}, change...)...)
	id, err := c.store.LastNotificationID(context.Background())
	if err != nil {
		c.t.Fatal(err)
	}
	c.sms.scripts[id] = s
	return id
}

// becomes drains the outbox until a message is in the state, and returns how
// long that took.
func (c *chain) becomes(id int64, state models.NotificationState, step, limit time.Duration) time.Duration {
	c.t.Helper()
	for began := c.clock.Now(); ; c.clock.Advance(step) {
		c.drain(c.d)
		n, _ := c.one(id)
		switch took := c.clock.Now().Sub(began); {
		case n.State == state:
			return took
		case took > limit:
			c.t.Fatalf("%s (%s) after %s, want %s", n.State, n.Reason, took, state)
		}
	}
}

// pass lets time pass, in steps after each of which the outbox is drained.
func (c *chain) pass(d, step time.Duration) {
	c.t.Helper()
	for at := c.clock.Now().Add(d); c.clock.Now().Before(at); {
		c.clock.Advance(min(step, at.Sub(c.clock.Now())))
		c.drain(c.d)
	}
}

// one returns a message and the one that stands in for it, zero if none does.
func (c *chain) one(id int64) (n, standIn models.Notification) {
	c.t.Helper()
	n = c.byID([]int64{id})[0]
	standIn, _, err := c.store.FellBackTo(context.Background(), id)
	if err != nil {
		c.t.Fatal(err)
	}
	return n, standIn
}

func alone(n *models.Notification)   { n.Route = nil }
func urgent(n *models.Notification)  { n.Urgency = models.Urgent }
func instant(n *models.Notification) { n.Urgency = models.Instant }

func failing(class notifier.Class) script {
	return script{err: &notifier.SendError{Class: class, Code: "x_" + class.String()}}
}

// fallbacks are what becomes of a message that its channel does not simply
// take.
var fallbacks = []struct {
	name    string
	script  script
	change  []func(*models.Notification)
	after   time.Duration // at the earliest; 0 is at once
	late    time.Duration // by how much it may be later
	state   models.NotificationState
	reason  string
	givenAt most // how often the channel was given it
}{
	{name: "refused", script: failing(notifier.Reject), state: models.NotificationSuppressed, reason: models.SuppressedFellBack, givenAt: 1},
	{name: "refused, no other way", script: failing(notifier.Reject), change: fns(alone), state: models.NotificationDead, givenAt: 1},
	{name: "fails", script: failing(notifier.Retry), after: 2 * time.Hour, late: 4 * time.Minute, state: models.NotificationSuppressed, reason: models.SuppressedFellBack, givenAt: many},
	{name: "fails, urgent", script: failing(notifier.Retry), change: fns(urgent), after: 15 * time.Minute, late: 2 * time.Minute, state: models.NotificationSuppressed, reason: models.SuppressedFellBack, givenAt: many},
	{name: "fails, instant", script: failing(notifier.Retry), change: fns(instant), state: models.NotificationSuppressed, reason: models.SuppressedFellBack, givenAt: 1},
	{name: "unknown for good", script: failing(notifier.Unknown), after: time.Hour, late: 31 * time.Minute, state: models.NotificationSuppressed, reason: models.SuppressedFellBack, givenAt: 1},
	{name: "unknown for good, urgent", script: failing(notifier.Unknown), change: fns(urgent), after: time.Hour, late: 31 * time.Minute, state: models.NotificationSuppressed, reason: models.SuppressedFellBack, givenAt: 1},
	{name: "unknown, instant", script: failing(notifier.Unknown), change: fns(instant), state: models.NotificationSuppressed, reason: models.SuppressedFellBack, givenAt: 1},
	{name: "unknown for good, no other way", script: failing(notifier.Unknown), change: fns(alone), after: 72 * time.Hour, late: 3 * time.Hour, state: models.NotificationDead, reason: models.NoReceipt, givenAt: 1},
	{name: "unknown, then known to be taken", script: asked(notifier.FateTaken), after: time.Minute, late: 2 * time.Minute, state: models.NotificationSent, givenAt: 1},
	{name: "unknown, then known to have arrived", script: asked(notifier.FateDelivered), after: time.Minute, late: 2 * time.Minute, state: models.NotificationDelivered, givenAt: 1},
	{name: "unknown, then known to have failed", script: asked(notifier.FateFailed), after: time.Minute, late: 2 * time.Minute, state: models.NotificationSuppressed, reason: models.SuppressedFellBack, givenAt: 1},
	{name: "unknown, then known to have failed, no other way", script: asked(notifier.FateFailed), change: fns(alone), after: time.Minute, late: 2 * time.Minute, state: models.NotificationDead, givenAt: 1},
}

// most is how often a channel may have been given a message: once, or more.
type most int

const many most = -1

func fns(all ...func(*models.Notification)) []func(*models.Notification) { return all }

// asked is the script of a message whose fate becomes known when it is asked
// for.
func asked(fate notifier.FateState) script {
	s := failing(notifier.Unknown)
	s.fate = fate
	return s
}

func TestWhenAMessageFallsBack(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		for _, tc := range fallbacks {
			t.Run(tc.name, func(t *testing.T) {
				id := c.text(tc.script, tc.change...)
				took := c.becomes(id, tc.state, max(time.Minute, tc.after/40), tc.after+tc.late)
				if took < tc.after {
					t.Errorf("after %s, want %s", took, tc.after)
				}
				n, _ := c.one(id)
				if n.Reason != tc.reason {
					t.Errorf("%s (%s) %s, want %s (%s)", n.State, n.Reason, n.LastError, tc.state, tc.reason)
				}
				c.drain(c.d) // for the one that stands in
				_, standIn := c.one(id)
				if given := c.sms.given[id]; tc.givenAt != many && given != int(tc.givenAt) || given == 0 {
					t.Errorf("handed over %d times", given)
				}
				switch {
				case n.Reason != models.SuppressedFellBack && standIn.ID != 0:
					t.Errorf("%s stands in for it", standIn.State)
				case n.Reason == models.SuppressedFellBack && (standIn.State != models.NotificationSent || standIn.Channel != models.ChannelEmail || c.mail.given[standIn.ID] != 1):
					t.Errorf("stood in for by %s, %s, sent %d times", standIn.Channel, standIn.State, c.mail.given[standIn.ID])
				}
			})
		}
	})
}

// While nobody knew whether a message was taken, it may have become needless,
// or the night may have come. It was not taken: what holds for any other
// message holds for it.
func TestWhatWasNotTakenIsJudgedAnew(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		var ids []int64
		add := func(number int64, set func(*situation)) {
			id := c.situation(number, func(s *situation) {
				s.message.Channel = models.ChannelSMS
				set(s)
			})
			c.sms.scripts[id] = asked(notifier.FateNotTaken)
			ids = append(ids, id)
		}
		var settled *situation
		add(1, func(s *situation) { settled = s })
		add(2, func(s *situation) { s.quiet("09:01", "17:00") })
		add(3, func(s *situation) { s.login(models.LoginLife - time.Minute) })
		add(4, func(*situation) {})
		c.drain(c.d)
		settled.change(func(o *models.Obligation) { o.State, o.SettledOn = models.StateMet, friday })
		for _, id := range ids {
			c.wants(id, models.NotificationUnknown, "", false)
			c.sms.scripts[id] = script{fate: notifier.FateNotTaken}
		}
		c.pass(5*time.Minute, time.Minute)
		c.wants(ids[0], models.NotificationSuppressed, models.SuppressedSettled, false)
		c.wants(ids[1], models.NotificationPending, models.WaitsQuiet, false)
		c.wants(ids[2], models.NotificationSuppressed, models.SuppressedExpired, false)
		c.wants(ids[3], models.NotificationSent, "", false)
		for i, id := range ids {
			if want := 1 + i/3; c.sms.given[id] != want {
				t.Errorf("message %d was handed over %d times, want %d", i, c.sms.given[id], want)
			}
		}
		c.pass(8*time.Hour, time.Hour)
		c.wants(ids[1], models.NotificationSent, "", false)
	})
}

// A code that another channel takes over is sent before all that nobody waits
// for in front of a screen.
func TestACodeThatFallsBackIsSentFirst(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		ch := &stepping{clock: clock}
		d := c.dispatcher(ch, func(cfg *notifier.Config) {
			cfg.Batch = 5
			cfg.Channels[models.ChannelSMS] = c.sms
			cfg.Templates = cfg.Templates.WithLinks(models.LinkKey("0123456789abcdef0123456789abcdef"))
		})
		for range 30 {
			c.add(c.user(), 1)
		}
		clock.Advance(time.Second)
		id := c.text(failing(notifier.Reject), instant)
		c.drain(d)
		_, standIn := c.one(id)
		if place := slices.Index(ch.said, standIn.ID); place < 0 || place > 5 {
			t.Errorf("the stand-in was sent as number %d of %d", place+1, len(ch.said))
		}
	})
}
