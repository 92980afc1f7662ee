package notifier_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
)

const (
	outage   = 6 * time.Hour // from nine to three
	patience = 2 * time.Hour
	haste    = 15 * time.Minute
)

// E-mail is down from nine to three, while a message is created every minute
// or so. What has another way takes it in time, what has none comes when e-mail
// is back, everything is said once, and nobody is overwhelmed.
func TestEmailIsDownForSixHours(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		w := newTown(t, s, clock)
		both := func(u *models.User) { u.Mobile = "13900000000" }
		lunch := func(u *models.User) { u.Reach.QuietFrom, u.Reach.QuietUntil = "12:00", "13:30" }
		teatime := func(u *models.User) { u.Reach.QuietFrom, u.Reach.QuietUntil = "14:30", "15:30" }
		var people []models.User
		people = append(people, w.settle(160, both)...)
		people = append(people, w.settle(40, both, lunch)...)
		people = append(people, w.settle(40)...)
		people = append(people, w.settle(10, teatime)...)

		special := w.specials()
		w.mail.behave(faults{greeting: "554 no service"})
		special.before()
		for turn := range int(outage / tick) {
			if turn%5 == 0 { // every ten minutes
				w.everybodysNews(people, turn/5)
			}
			special.at(turn)
			w.pass()
		}
		if n := w.mail.connected(); n < 10 || n > 150 {
			t.Errorf("%d attempts to connect in six hours", n)
		}
		states, err := s.ChannelStates(t.Context())
		if err != nil || states[0].Channel != models.ChannelEmail || states[0].FailingSince == nil || !states[0].FailingSince.Equal(start) {
			t.Errorf("e-mail: %+v, %v", states, err)
		}
		w.mail.behave(faults{})
		for range 40 {
			w.pass()
		}
		if states, err = s.ChannelStates(t.Context()); err != nil || states[0].FailingSince != nil {
			t.Errorf("e-mail, when it is back: %+v, %v", states, err)
		}
		if strings.Contains(w.logged(), "@") || strings.Contains(w.logged(), "1390") {
			t.Error("the log names addresses")
		}
		w.peaceful()
		w.judge(start.Add(outage))
		special.check()
	})
}

// everybodysNews adds what is to be said at one time: to a few people, half of
// it urgent.
func (w *town) everybodysNews(people []models.User, turn int) {
	w.t.Helper()
	var all []models.Notification
	for k := range 8 {
		i := turn*8 + k
		u := people[i*7%len(people)]
		if k >= 4 { // some hear of many things
			u = people[i%25*10]
		}
		all = append(all, w.message(u, func(n *models.Notification) {
			n.ObligationID = int64(10_000 + w.next)
			if k%2 == 0 {
				n.Urgency = models.Urgent
			}
			if u.Mobile != "" {
				n.Route = []models.Channel{models.ChannelSMS}
			}
		}))
	}
	w.enqueue(all)
}

// judge checks how and when each ordinary message arrived.
func (w *town) judge(back time.Time) {
	w.t.Helper()
	arrivals := w.arrivals()
	var latest [2]time.Duration // by urgency
	var count [2]int
	for _, n := range w.rows() {
		if n.FallbackOf != 0 || n.ObligationID < 10_000 {
			continue
		}
		got := arrivals[n.ID]
		if len(got) != 1 {
			w.t.Errorf("message %d (%s) arrived %d times", n.ID, n.State, len(got))
			continue
		}
		wait, which := patience, 0
		if n.Urgency == models.Urgent {
			wait, which = haste, 1
		}
		due := n.CreatedAt.Add(wait)
		switch quiet := w.people[n.RecipientID].Reach.QuietFrom != ""; {
		case got[0].by == models.ChannelSMS && (got[0].at.Before(due) || !due.Before(back.Add(15*time.Minute))):
			w.t.Errorf("message %d of %s, %s, came by SMS at %s", n.ID, n.CreatedAt, n.Urgency, got[0].at)
		case got[0].by == models.ChannelSMS && !quiet:
			latest[which] = max(latest[which], got[0].at.Sub(due))
			count[which]++
		case got[0].by == models.ChannelEmail && got[0].at.Before(back):
			w.t.Errorf("message %d came by e-mail while that was down", n.ID)
		case got[0].by == models.ChannelEmail && len(n.Route) > 0 && !quiet && due.Before(back.Add(-tick)):
			w.t.Errorf("message %d of %s, %s, waited for e-mail until %s", n.ID, n.CreatedAt, n.Urgency, got[0].at)
		}
	}
	w.t.Logf("by SMS: %d normal ones, at most %s late, %d urgent ones, at most %s late", count[0], latest[0], count[1], latest[1])
	for i, late := range latest {
		if count[i] < 40 || late > 3*tick { // the limits need some of it
			w.t.Errorf("%d messages fell back, up to %s late", count[i], late)
		}
	}
}

// Text messages are down while e-mail works, then both are, and then one after
// the other comes back.
func TestTextMessagesAreDownAndThenBoth(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		w := newTown(t, s, clock)
		people := w.settle(12, func(u *models.User) { u.Mobile = "13900000000" })
		// Half of it goes by SMS first and then by e-mail, and half the other way round.
		news := func() (ids []int64) {
			before, err := s.LastNotificationID(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var all []models.Notification
			for i, u := range people {
				all = append(all, w.message(u, urgent, func(n *models.Notification) {
					n.ObligationID, n.Route = int64(10_000+w.next), []models.Channel{models.ChannelSMS}
					if i%2 == 0 {
						n.Channel, n.Route = models.ChannelSMS, []models.Channel{models.ChannelEmail}
					}
				}))
			}
			w.enqueue(all)
			added, err := s.NotificationsAfter(t.Context(), before)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range added {
				ids = append(ids, n.ID)
			}
			return ids
		}
		pass := func(d time.Duration) {
			for range int(d / tick) {
				w.pass()
			}
		}
		// arrived checks how many of the messages came by each channel, once.
		arrived := func(when string, ids []int64, byMail, bySMS int) {
			t.Helper()
			got := map[models.Channel]int{}
			arrivals := w.arrivals()
			for _, id := range ids {
				if len(arrivals[id]) > 1 {
					t.Errorf("%s: message %d arrived %d times", when, id, len(arrivals[id]))
				}
				for _, a := range arrivals[id] {
					got[a.by]++
				}
			}
			if got[models.ChannelEmail] != byMail || got[models.ChannelSMS] != bySMS {
				t.Errorf("%s: %v arrived, want %d by e-mail and %d by SMS", when, got, byMail, bySMS)
			}
		}

		w.sms.answerWith(503)
		first := news()
		pass(12 * time.Minute)
		arrived("SMS is down", first, 6, 0)
		pass(10 * time.Minute)
		arrived("SMS is down for long", first, 12, 0)
		if n := w.sms.requests(); n > 20 {
			t.Errorf("the provider was bothered %d times", n)
		}

		w.mail.behave(faults{greeting: "554 no service"})
		second := news()
		code := w.situation(1, func(x *situation) {
			w.people[x.user.ID] = x.user
			x.login(0)
			textable(x)
		})
		pass(2 * time.Hour)
		arrived("both are down", second, 0, 0)
		w.sms.answerWith(0)
		pass(40 * time.Minute)
		arrived("SMS is back", second, 0, 12-w.alreadyFellBackTo(second, models.ChannelEmail))
		w.mail.behave(faults{})
		pass(40 * time.Minute)
		arrived("both are back", second, w.alreadyFellBackTo(second, models.ChannelEmail), 12-w.alreadyFellBackTo(second, models.ChannelEmail))
		arrived("the first ones, at the end", first, 12, 0)
		if n := w.arrivals()[code]; len(n) != 0 {
			t.Errorf("a code arrived after it had expired: %+v", n)
		}
		w.peaceful()
	})
}

// alreadyFellBackTo counts those of the messages whose last stand-in goes by
// the channel.
func (w *town) alreadyFellBackTo(ids []int64, by models.Channel) (n int) {
	w.t.Helper()
	for _, id := range ids {
		standIn, ok, err := w.store.FellBackTo(w.t.Context(), id)
		if err != nil {
			w.t.Fatal(err)
		}
		if ok && standIn.Channel == by {
			n++
		}
	}
	return n
}
