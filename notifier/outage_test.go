package notifier_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/calendar"
	"duban/models/modelstest"
	"duban/notifier"
)

// outage is six hours in which the mail server does not work, seen by two
// replicas, while messages keep coming.
type outage struct {
	*outbox
	t       *testing.T
	clock   *clockwork.FakeClock
	mail    *mailServer
	sms     *smsProvider
	replica []*notifier.Dispatcher
	over    time.Time
	byMail  map[int64]time.Time // when a message was seen to have arrived
}

const (
	outageLasts  = 6 * time.Hour
	outageStep   = 5 * time.Minute
	patience     = 2 * time.Hour
	urgently     = 15 * time.Minute
	smsPerHour   = 4  // to one person
	smsPerMinute = 15 // to all
)

func startOutage(t *testing.T, s *models.Store, clock *clockwork.FakeClock) *outage {
	o := &outage{
		outbox: newOutbox(t, s, clock), t: t, clock: clock, mail: startMailServer(t, notifier.NoTLS, false), sms: startSMSProvider(t, clock, true),
		over: clock.Now().Add(outageLasts), byMail: map[int64]time.Time{},
	}
	o.mail.behave(faults{greeting: "554 no service"})
	cfg := o.mail.config(notifier.NoTLS)
	cfg.Clock = clock
	for range 2 {
		o.replica = append(o.replica, o.dispatcher(o.mail.channel(cfg), func(c *notifier.Config) {
			c.Channels[models.ChannelSMS] = o.sms.channel()
			c.FallbackAfter, c.UrgentFallbackAfter = patience, urgently
			c.Quotas = map[models.Channel]models.Quota{models.ChannelSMS: {PerNumberHour: smsPerHour, PerMinute: smsPerMinute}}
		}))
	}
	return o
}

// step lets the replicas work and the time pass.
func (o *outage) step(d time.Duration) {
	for _, r := range o.replica {
		o.drain(r)
	}
	for _, m := range o.mail.inbox() {
		id := idOf(o.t, strings.TrimPrefix(m.ID, "<"))
		if _, ok := o.byMail[id]; !ok {
			o.byMail[id] = o.clock.Now()
		}
	}
	o.clock.Advance(d)
}

// idOf returns the id of the message that a key names.
func idOf(t *testing.T, key string) int64 {
	t.Helper()
	id, _, _ := strings.Cut(key, "-")
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		t.Fatalf("key %q: %v", key, err)
	}
	return n
}

func withMobile(u *models.User) { u.Mobile = "13800138000" }

// napping has quiet hours in the middle of the outage.
func napping(u *models.User) {
	withMobile(u)
	u.Reach = models.Reach{QuietFrom: "12:00", QuietUntil: "13:00"}
}

func toSMS(n *models.Notification) { n.Route = []models.Channel{models.ChannelSMS} }

func TestAnOutageOfSixHours(t *testing.T) {
	for _, driver := range []models.Driver{models.SQLite, models.MySQL} {
		t.Run(string(driver), func(t *testing.T) {
			clock := clockwork.NewFakeClockAt(start) // 09:00 in Shanghai
			o := startOutage(t, modelstest.Open(t, driver, clock), clock)
			both, mailOnly, naps := make([]models.User, 40), make([]models.User, 15), make([]models.User, 5)
			for i := range both {
				both[i] = o.user(withMobile)
			}
			for i := range mailOnly {
				mailOnly[i] = o.user()
			}
			for i := range naps {
				naps[i] = o.user(napping)
			}
			settled := models.Obligation{Subject: "u1", UnitID: 1, FiscalYear: 2025, Kind: models.Custom, Title: "办结的", DueOn: calendar.DateOf(start)}
			o.write(func(tx *models.Tx) error { return tx.Create(&settled) })
			o.add(mailOnly[0], 1, func(n *models.Notification) { n.ObligationID = settled.ID })
			o.add(mailOnly[1], 1, func(n *models.Notification) { n.ObligationID = 900_001 })
			stale := o.rows()[1].ID
			login := func(n *models.Notification) {
				n.Urgency, n.ObligationID, n.Template = models.Instant, 0, notifier.LoginCode
				n.Payload = models.Reminder{Login: &models.Login{Link: models.LoginLink(n.RecipientID, o.clock.Now())}}
			}
			duty := int64(1_000_000)
			for tick := range int(outageLasts / outageStep) {
				if tick%2 == 0 {
					for i := range 8 { // each person hears of another duty about once an hour
						duty++
						who := slices.Concat(both, naps)[(tick*4+i)%45]
						o.add(who, 1, toSMS, func(n *models.Notification) {
							n.ObligationID, n.Urgency = duty, []models.Urgency{models.Normal, models.Urgent}[i%2]
						})
					}
					duty++
					o.add(mailOnly[2+tick/2%13], 1, func(n *models.Notification) { n.ObligationID = duty })
				}
				switch tick {
				case 4:
					o.add(both[0], 1, toSMS, login)
					o.add(mailOnly[3], 1, login)
				case 40: // something later is to be said about the same duty
					o.add(mailOnly[1], 1, func(n *models.Notification) { n.ObligationID, n.Day = 900_001, n.Day.AddDays(1) })
				case 50:
					o.write(func(tx *models.Tx) error {
						return tx.ReportDone(settled.ID, calendar.DateOf(start), "done")
					})
				}
				o.step(outageStep)
			}
			if probes := o.mail.connected(); probes > 100 {
				t.Errorf("%d connections to a server that is down", probes)
			}
			o.mail.behave(faults{})
			for range 240 {
				o.step(time.Minute)
			}
			o.check(both[0].ID, settled.ID, stale)
		})
	}
}

// check is independent of the dispatcher: it looks at what arrived, and when.
func (o *outage) check(waiting, settled, stale int64) {
	o.t.Helper()
	rows := map[int64]models.Notification{}
	for _, n := range o.rows() {
		rows[n.ID] = n
	}
	texts := map[int64]time.Time{} // by the message that was to go by e-mail
	perPerson, all := map[int64][]time.Time{}, []time.Time{}
	for _, m := range o.sms.inbox() {
		n := rows[idOf(o.t, m.Key)]
		if _, twice := texts[n.FallbackOf]; twice || n.FallbackOf == 0 {
			o.t.Errorf("text message %d arrived twice, or for nothing", n.ID)
		}
		texts[n.FallbackOf] = m.At
		perPerson[n.RecipientID] = append(perPerson[n.RecipientID], m.At)
		all = append(all, m.At)
	}
	o.limited("to all", all, smsPerMinute, time.Minute)
	for id, times := range perPerson {
		o.limited(fmt.Sprintf("to person %d", id), times, smsPerHour, time.Hour)
	}
	fell := 0
	for id, n := range rows {
		mailed, byMail := o.byMail[id]
		text, byText := texts[id]
		switch {
		case n.Channel == models.ChannelSMS:
		case n.Template == notifier.LoginCode && n.RecipientID == waiting:
			if !byText || text.Sub(n.CreatedAt) > outageStep || byMail {
				o.t.Errorf("the code went by text %v after %s, by mail %v", byText, text.Sub(n.CreatedAt), byMail)
			}
		case n.Template == notifier.LoginCode, n.ObligationID == settled, n.ID == stale:
			if byMail || n.State != models.NotificationSuppressed {
				o.t.Errorf("message %d is %s (%s) and arrived: %v", id, n.State, n.Reason, byMail)
			}
		case byMail == byText:
			o.t.Errorf("message %d arrived by mail: %v, by text: %v; %s %s", id, byMail, byText, n.State, n.Reason)
		case byText:
			fell++
			o.fellInTime(n, text)
		case mailed.Before(o.over):
			o.t.Errorf("message %d arrived by mail at %s", id, mailed)
		case len(n.Route) > 0 && o.over.Sub(n.CreatedAt) > o.patience(n)+2*outageStep && !o.naps(n):
			o.t.Errorf("message %d waited for the mail for %s", id, mailed.Sub(n.CreatedAt))
		}
	}
	if fell < 100 {
		o.t.Errorf("only %d messages fell back", fell)
	}
	o.orderly()
}

func (o *outage) patience(n models.Notification) time.Duration {
	if n.Urgency == models.Urgent {
		return urgently
	}
	return patience
}

// naps reports whether quiet hours may have held the message back.
func (o *outage) naps(n models.Notification) bool {
	users, err := o.store.UsersByID(o.t.Context(), []int64{n.RecipientID})
	if err != nil {
		o.t.Fatal(err)
	}
	return users[n.RecipientID].Reach.QuietFrom != ""
}

// fellInTime checks that a text message came neither early nor, but for limits
// and quiet hours, late.
func (o *outage) fellInTime(n models.Notification, at time.Time) {
	o.t.Helper()
	if waited := at.Sub(n.CreatedAt); waited < o.patience(n) {
		o.t.Errorf("message %d (%s) fell back after %s", n.ID, n.Urgency, waited)
	}
	local := at.In(calendar.Shanghai).Format("15:04")
	if o.naps(n) && local >= "12:00" && local < "13:00" {
		o.t.Errorf("message %d woke its reader at %s", n.ID, local)
	}
}

// limited checks that no window of that length holds more than n times.
func (o *outage) limited(what string, times []time.Time, n int, window time.Duration) {
	o.t.Helper()
	slices.SortFunc(times, time.Time.Compare)
	for i := n; i < len(times); i++ {
		if times[i].Sub(times[i-n]) < window {
			o.t.Errorf("%d text messages %s within %s", n+1, what, times[i].Sub(times[i-n]))
			return
		}
	}
}

// orderly checks that the mail to each person arrived in the order in which it
// was written.
func (o *outage) orderly() {
	o.t.Helper()
	last := map[string]int64{}
	for _, m := range o.mail.inbox() {
		id := idOf(o.t, strings.TrimPrefix(m.ID, "<"))
		if id < last[m.To] {
			o.t.Errorf("%s got message %d after %d", m.To, id, last[m.To])
		}
		last[m.To] = id
	}
	for id, n := range o.mail.copies() {
		if n > 1 {
			o.t.Errorf("%s arrived %d times", id, n)
		}
	}
}

// write changes the records.
func (o *outage) write(fn func(*models.Tx) error) {
	o.t.Helper()
	if err := o.store.Tx(o.t.Context(), "test", fn); err != nil {
		o.t.Fatal(err)
	}
}
