package notifier_test

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/notifier"
)

// arrival is a message that reached a person.
type arrival struct {
	message models.Notification // as it was created; a stand-in counts as the one that it stands in for
	by      models.Channel
	at      time.Time
}

// town is a number of people, a mail server and an SMS provider, and two
// replicas that write to the people.
type town struct {
	*outbox
	t        *testing.T
	clock    *clockwork.FakeClock
	mail     *mailServer
	sms      *smsProvider
	replicas []*notifier.Dispatcher
	people   map[int64]models.User
	mailedAt []time.Time // when each message of the mail server's inbox came
}

// limits are those of either channel.
var limits = map[models.Channel]models.Quota{
	models.ChannelEmail: {PerMinute: 40},
	models.ChannelSMS:   {PerNumberMinute: 1, PerNumberHour: 5, PerMinute: 15},
}

func newTown(t *testing.T, s *models.Store, clock *clockwork.FakeClock) *town {
	t.Helper()
	w := &town{outbox: newOutbox(t, s, clock), t: t, clock: clock, people: map[int64]models.User{}}
	w.mail = startMailServer(t, notifier.NoTLS, false)
	w.sms = startSMSProvider(t, clock, true)
	for range 2 {
		cfg := w.mail.config(notifier.NoTLS)
		cfg.Clock = clock
		w.replicas = append(w.replicas, w.dispatcher(w.mail.channel(cfg), func(c *notifier.Config) {
			c.Channels[models.ChannelSMS] = w.sms.channel()
			c.Quotas = limits
			c.Templates = c.Templates.WithLinks(models.LinkKey("0123456789abcdef0123456789abcdef"))
		}))
	}
	return w
}

// settle adds people.
func (w *town) settle(n int, change ...func(*models.User)) []models.User {
	w.t.Helper()
	all := make([]models.User, n)
	for i := range all {
		all[i] = w.user(change...)
		w.people[all[i].ID] = all[i]
	}
	return all
}

// tick is how often the replicas look for work.
const tick = 2 * time.Minute

// pass lets both replicas work at the same time, and then some time pass.
func (w *town) pass() {
	w.t.Helper()
	var wg sync.WaitGroup
	for _, d := range w.replicas {
		wg.Go(func() { w.drain(d) })
	}
	wg.Wait()
	for range len(w.mail.inbox()) - len(w.mailedAt) {
		w.mailedAt = append(w.mailedAt, w.clock.Now())
	}
	w.clock.Advance(tick)
}

// arrivals returns what reached people, by the message, in the order in which
// it did by each channel.
func (w *town) arrivals() map[int64][]arrival {
	w.t.Helper()
	byKey, byID := map[string]models.Notification{}, map[int64]models.Notification{}
	for _, n := range w.rows() {
		byKey[n.Key()], byID[n.ID] = n, n
	}
	all := map[int64][]arrival{}
	add := func(key string, by models.Channel, at time.Time) {
		n := byKey[key]
		for n.FallbackOf != 0 {
			n = byID[n.FallbackOf]
		}
		all[n.ID] = append(all[n.ID], arrival{n, by, at})
	}
	for i, m := range w.mail.inbox() {
		add(keyOf(m.ID), models.ChannelEmail, w.mailedAt[i])
	}
	for _, m := range w.sms.inbox() {
		add(m.Key, models.ChannelSMS, m.At)
	}
	return all
}

// peaceful fails if anybody was disturbed in quiet hours, if a limit was
// exceeded in any window of its length, or if a person heard by e-mail of two
// things in the wrong order.
func (w *town) peaceful() {
	w.t.Helper()
	everybody, theirs := map[models.Channel][]time.Time{}, map[int64][]time.Time{}
	last := map[int64]arrival{}
	all := slices.Concat(slices.Collect(maps.Values(w.arrivals()))...)
	slices.SortFunc(all, func(a, b arrival) int { return a.at.Compare(b.at) })
	for _, a := range all {
		who := w.people[a.message.RecipientID]
		if a.message.Urgency == models.Instant {
			everybody[a.by] = append(everybody[a.by], a.at)
			continue
		}
		if until := who.Reach.QuietEnd(a.at); !until.IsZero() {
			w.t.Errorf("message %d came at %s, in quiet hours until %s", a.message.ID, a.at, until)
		}
		everybody[a.by] = append(everybody[a.by], a.at)
		if a.by == models.ChannelSMS {
			theirs[who.ID] = append(theirs[who.ID], a.at)
			continue
		}
		if before := last[who.ID]; before.at.Before(a.at) && before.message.ID > a.message.ID {
			w.t.Errorf("message %d came after message %d", a.message.ID, before.message.ID)
		}
		last[who.ID] = a
	}
	for by, times := range everybody {
		w.within(times, limits[by].PerMinute, time.Minute, string(by)+" to everybody")
	}
	for _, times := range theirs {
		w.within(times, limits[models.ChannelSMS].PerNumberMinute, time.Minute, "sms to one person")
		w.within(times, limits[models.ChannelSMS].PerNumberHour, time.Hour, "sms to one person")
	}
}

// within fails if more than n of the times lie in a window of the length.
func (w *town) within(times []time.Time, n int, length time.Duration, what string) {
	w.t.Helper()
	for i := n; i < len(times); i++ {
		if times[i].Sub(times[i-n]) < length {
			w.t.Errorf("%s: more than %d messages in the %s before %s", what, n, length, times[i])
			return
		}
	}
}
