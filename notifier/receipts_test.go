package notifier_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/notifier"
)

// says has the provider push a receipt.
func (c *chain) says(state models.ReceiptState, providerID, key string) {
	c.t.Helper()
	r := models.Receipt{Channel: models.ChannelSMS, ProviderID: providerID, State: state, Code: strings.ToUpper(string(state))}
	if err := c.store.ApplyReceipt(context.Background(), r, key); err != nil {
		c.t.Errorf("receipt %s for %q: %v", state, providerID, err)
	}
}

func (c *chain) keyOf(id int64) string {
	c.t.Helper()
	n, _ := c.one(id)
	return n.Key()
}

// wants checks the state of a message, and whether another stands in for it.
func (c *chain) wants(id int64, state models.NotificationState, reason string, fellBack bool) {
	c.t.Helper()
	n, standIn := c.one(id)
	if n.State != state || n.Reason != reason || (standIn.ID != 0) != fellBack {
		c.t.Errorf("message %d is %s (%s) %s, want %s (%s); fell back: %t", id, n.State, n.Reason, n.LastError, state, reason, standIn.ID != 0)
	}
}

const (
	isDelivered = models.NotificationDelivered
	isSent      = models.NotificationSent
	isFellBack  = models.NotificationSuppressed
	arrived     = models.ReceiptDelivered
	lost        = models.ReceiptFailed
)

// receipts are what a provider may say about a message that it has taken, and
// when.
var receipts = []struct {
	name  string
	id    string                   // that the provider gives, "" for none
	early func(c *chain, id int64) // before its answer is recorded
	late  func(c *chain, id int64) // after
	state models.NotificationState
	why   string
}{
	{name: "by its id, early", id: "p1", early: func(c *chain, _ int64) { c.says(arrived, "p1", "") }, state: isDelivered},
	{name: "by its id, late", id: "p2", late: func(c *chain, _ int64) { c.says(arrived, "p2", "") }, state: isDelivered},
	{name: "by our key, early", early: func(c *chain, id int64) { c.says(arrived, "", c.keyOf(id)) }, state: isDelivered},
	{name: "by our key, late", late: func(c *chain, id int64) { c.says(arrived, "", c.keyOf(id)) }, state: isDelivered},
	{name: "by both, early", id: "p3", early: func(c *chain, id int64) { c.says(arrived, "p3", c.keyOf(id)) }, state: isDelivered},
	{name: "by both, late", id: "p4", late: func(c *chain, id int64) { c.says(arrived, "p4", c.keyOf(id)) }, state: isDelivered},
	{name: "by both, late, and no id was given", late: func(c *chain, id int64) { c.says(arrived, "p5", c.keyOf(id)) }, state: isDelivered},
	{name: "by both, early, and no id was given", early: func(c *chain, id int64) { c.says(arrived, "p6", c.keyOf(id)) }, state: isDelivered},
	{name: "lost, early", id: "p7", early: func(c *chain, _ int64) { c.says(lost, "p7", "") }, state: isFellBack, why: models.SuppressedFellBack},
	{name: "lost, late", id: "p8", late: func(c *chain, _ int64) { c.says(lost, "p8", "") }, state: isFellBack, why: models.SuppressedFellBack},
	{name: "lost, told twice", id: "p9", late: func(c *chain, _ int64) {
		c.says(lost, "p9", "")
		c.says(lost, "p9", "")
	}, state: isFellBack, why: models.SuppressedFellBack},

	{name: "one part of two", id: "q1,q2", late: func(c *chain, _ int64) { c.says(arrived, "q1", "") }, state: isSent},
	{name: "both parts", id: "q3,q4", late: func(c *chain, _ int64) {
		c.says(arrived, "q4", "")
		c.says(arrived, "q3", "")
	}, state: isDelivered},
	{
		name: "both parts, one of them early", id: "q5,q6", early: func(c *chain, _ int64) { c.says(arrived, "q6", "") },
		late: func(c *chain, _ int64) { c.says(arrived, "q5", "") }, state: isDelivered,
	},
	{name: "one part is lost", id: "q7,q8", late: func(c *chain, _ int64) {
		c.says(arrived, "q7", "")
		c.says(lost, "q8", "")
	}, state: isFellBack, why: models.SuppressedFellBack},

	{name: "arrived, then lost", id: "r1", late: func(c *chain, _ int64) {
		c.says(arrived, "r1", "")
		c.says(lost, "r1", "")
	}, state: isDelivered},
	{name: "arrived, then awaited", id: "r2", late: func(c *chain, _ int64) {
		c.says(arrived, "r2", "")
		c.says(models.ReceiptPending, "r2", "")
	}, state: isDelivered},
	{name: "arrived, then lost by another id of the same key", id: "r3", late: func(c *chain, id int64) {
		c.says(arrived, "r3", "")
		c.says(lost, "r4", c.keyOf(id))
	}, state: isDelivered},

	{name: "about nothing", id: "s1", late: func(c *chain, _ int64) { c.says(lost, "", "") }, state: isSent},
	{name: "a key that was guessed", id: "s2", late: func(c *chain, id int64) {
		n, _, _ := strings.Cut(c.keyOf(id), "-")
		for _, key := range []string{n, n + "-", n + "-0123456789abcdef", "-1", "0-", "999999-0123456789abcdef", "x", n + "-" + strings.Repeat("f", 100)} {
			c.says(lost, "", key)
			c.says(lost, "s2'--", key)
		}
	}, state: isSent},
	{name: "another message's id", id: "s3", late: func(c *chain, id int64) { c.says(lost, "p1", c.keyOf(id)) }, state: isSent},
	{name: "another channel's", id: "s4", late: func(c *chain, id int64) {
		r := models.Receipt{Channel: models.ChannelEmail, ProviderID: "s4", State: lost}
		if err := c.store.ApplyReceipt(context.Background(), r, c.keyOf(id)); err != nil {
			c.t.Error(err)
		}
	}, state: isSent},
}

func TestAReceiptIsBelievedWheneverItComes(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		c.sms.wait = 24 * time.Hour
		for _, tc := range receipts {
			t.Run(tc.name, func(t *testing.T) {
				c := &chain{outbox: c.outbox, clock: clock, sms: c.sms, mail: c.mail, d: c.d}
				id := c.text(script{id: tc.id})
				if tc.early != nil {
					c.sms.scripts[id] = script{id: tc.id, while: func() { tc.early(c, id) }}
				}
				c.drain(c.d)
				if tc.late != nil {
					c.wants(id, isSent, "", false)
					tc.late(c, id)
				}
				c.wants(id, tc.state, tc.why, tc.state == isFellBack)
				c.drain(c.d)
				_, standIn := c.one(id)
				if c.sms.given[id] != 1 || c.mail.given[standIn.ID] > 1 || tc.state == isFellBack && standIn.State != isSent {
					t.Errorf("handed over %d times, and stood in for by %s", c.sms.given[id], standIn.State)
				}
			})
		}
	})
}

// A receipt that does not come is asked for, and then no longer waited for.
func TestAReceiptThatDoesNotCome(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		c.sms.wait = 8 * time.Hour
		told, unknown, only := c.text(script{id: "a", fate: notifier.FateDelivered}), c.text(script{id: "b"}), c.text(script{id: "c"}, alone)
		c.drain(c.d)
		c.pass(7*time.Hour, time.Hour)
		c.wants(told, isDelivered, "", false)
		c.wants(unknown, isSent, "", false)
		c.pass(3*time.Hour, time.Hour)
		c.wants(unknown, isSent, models.NoReceipt, true)
		c.wants(only, isSent, models.NoReceipt, false)
		if n := c.sms.asked[unknown]; n < 2 || n > 5 {
			t.Errorf("asked for %d times in eight hours", n)
		}
		asked := c.sms.asked[unknown]
		c.pass(48*time.Hour, 6*time.Hour)
		if c.sms.asked[unknown] != asked || c.sms.given[unknown] != 1 {
			t.Errorf("asked for %d times more, handed over %d times", c.sms.asked[unknown]-asked, c.sms.given[unknown])
		}
		c.says(arrived, "b", "")
		c.says(arrived, "c", "")
		c.wants(unknown, isDelivered, "", true)
		c.wants(only, isDelivered, "", false)
	})
}

// A message of which nobody knew whether it was taken is known to have been
// once its receipt comes.
func TestAReceiptSettlesWhatWasUnknown(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		c.sms.wait = 8 * time.Hour
		came, early := c.text(failing(notifier.Unknown)), c.text(failing(notifier.Unknown))
		broken := failing(notifier.Unknown)
		broken.while = func() { c.says(arrived, "", c.keyOf(early)) }
		c.sms.scripts[early] = broken
		c.drain(c.d)
		c.wants(came, models.NotificationUnknown, "", false)
		c.says(arrived, "", c.keyOf(came))
		c.wants(came, isDelivered, "", false)
		c.pass(5*time.Minute, time.Minute)
		c.wants(early, isDelivered, "", false)
		if c.sms.given[came] != 1 || c.sms.given[early] != 1 {
			t.Errorf("handed over %d and %d times", c.sms.given[came], c.sms.given[early])
		}
	})
}

// An administrator sends a message again that was given up. What was said about
// the first attempt says nothing about the second.
func TestAMessageIsSentAgainWhenSomebodyDecidesSo(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		c.sms.wait = 8 * time.Hour
		byID, byKey, unknown := c.text(script{id: "a"}, alone), c.text(script{}, alone), c.text(failing(notifier.Unknown), alone)
		c.drain(c.d)
		c.says(lost, "a", "")
		c.says(lost, "", c.keyOf(byKey))
		c.wants(byID, models.NotificationDead, "", false)
		c.wants(byKey, models.NotificationDead, "", false)
		c.pass(75*time.Hour, 3*time.Hour)
		c.wants(unknown, models.NotificationDead, models.NoReceipt, false)

		c.sms.scripts[byID], c.sms.scripts[byKey], c.sms.scripts[unknown] = script{id: "b"}, script{}, script{id: "c"}
		if n, err := c.store.ResendDead(context.Background(), "test"); n != 3 || err != nil {
			t.Fatal(n, err)
		}
		if n, _ := c.one(byID); n.SentAt != nil {
			t.Errorf("it waits, but is said to have been sent at %s", n.SentAt)
		}
		c.drain(c.d)
		for _, id := range []int64{byID, byKey, unknown} {
			c.wants(id, isSent, "", false)
			if c.sms.given[id] != 2 {
				t.Errorf("message %d was handed over %d times, want twice", id, c.sms.given[id])
			}
		}
		c.says(lost, "a", "") // told once more, long after
		c.wants(byID, isSent, "", false)
		c.says(arrived, "b", "")
		c.says(arrived, "", c.keyOf(byKey))
		c.says(arrived, "c", "")
		for _, id := range []int64{byID, byKey, unknown} {
			c.wants(id, isDelivered, "", false)
		}
	})
}

// A provider says that it has a message of which nobody knew that, and then
// nothing more. It is waited for as for any other, and no longer.
func TestAReceiptThatSaysTooLittle(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		c.sms.wait = 8 * time.Hour
		id := c.text(failing(notifier.Unknown))
		c.drain(c.d)
		c.says(models.ReceiptPending, "", c.keyOf(id))
		c.wants(id, isSent, "", false)
		c.pass(7*time.Hour, time.Hour)
		c.wants(id, isSent, "", false)
		c.pass(4*time.Hour, time.Hour)
		c.wants(id, isSent, models.NoReceipt, true)
	})
}
