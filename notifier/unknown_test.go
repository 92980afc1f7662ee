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

// A message that may be out already is asked for, whatever an earlier one to
// the same person waits for, and however long: it is not sent blindly.
func TestWhatMayBeOutIsNeverSentBlindly(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		c.limit(models.Quota{PerNumberHour: 1})
		soon := func(n *models.Notification) { n.NextAttemptAt = clock.Now().Add(2 * time.Minute).UTC() }
		first := c.text(script{}, alone, soon)
		same := func(n *models.Notification) { n.RecipientID = c.byID([]int64{first})[0].RecipientID }
		second := c.text(failing(notifier.Unknown), alone, same)
		c.drain(c.d)
		c.wants(second, models.NotificationUnknown, "", false)
		c.pass(150*time.Minute, time.Minute)
		c.wants(first, isSent, "", false)
		c.wants(second, models.NotificationUnknown, models.NoReceipt, false)
		if c.sms.given[second] != 1 || c.sms.asked[second] == 0 {
			t.Errorf("handed over %d times, asked for %d times", c.sms.given[second], c.sms.asked[second])
		}
	})
}

// Somebody left while nobody knew whether they had been told. That the message
// may be out stays on record.
func TestWhatMayBeOutToSomebodyWhoLeft(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		id := c.text(failing(notifier.Unknown), alone)
		c.drain(c.d)
		n, _ := c.one(id)
		err := s.Tx(context.Background(), "test", func(tx *models.Tx) error {
			people, err := tx.Users()
			if err != nil {
				return err
			}
			i := slices.IndexFunc(people, func(u models.User) bool { return u.ID == n.RecipientID })
			people[i].Active = false
			_, _, err = tx.SaveUser(&people[i])
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		c.pass(time.Hour, 10*time.Minute)
		c.wants(id, models.NotificationDead, "", false)
		if n, _ = c.one(id); n.HandedAt == nil {
			t.Error("it is not on record any more that it may be out")
		}
	})
}

// That nobody answered does not show that a channel works, and neither that nor
// a refusal is a message taken.
func TestWhatAChannelIsKnownToHaveTaken(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		state := func() (found models.ChannelState) {
			t.Helper()
			all, err := s.ChannelStates(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, st := range all {
				if st.Channel == models.ChannelSMS {
					found = st
				}
			}
			return found
		}
		say := func(sc script) models.ChannelState {
			t.Helper()
			clock.Advance(time.Hour)
			c.text(sc, alone)
			c.drain(c.d)
			return state()
		}
		if st := say(failing(notifier.Unknown)); st.SentAt != nil {
			t.Error("it is said to have taken what nobody confirmed")
		}
		if st := say(failing(notifier.Down)); st.FailingSince == nil {
			t.Error("it is not said to fail")
		}
		clear(c.sms.scripts)
		for _, id := range c.ids() {
			c.sms.scripts[id] = failing(notifier.Unknown)
		}
		if st := say(failing(notifier.Unknown)); st.FailingSince == nil {
			t.Error("it is said to work, though nobody answered")
		}
		for _, id := range c.ids() {
			c.sms.scripts[id] = failing(notifier.Reject)
		}
		if st := say(failing(notifier.Reject)); st.FailingSince != nil || st.SentAt != nil {
			t.Errorf("after a refusal: failing since %v, took a message at %v", st.FailingSince, st.SentAt)
		}
		if st := say(script{}); st.SentAt == nil {
			t.Error("it is not said to have taken a message")
		}
	})
}

func (c *chain) ids() (ids []int64) {
	c.t.Helper()
	for _, n := range c.rows() {
		ids = append(ids, n.ID)
	}
	return ids
}
