package notifier_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/modelstest"
	"duban/notifier"
)

// medium is how the messages of an ordeal go.
type medium string

const (
	byMail     medium = "e-mail"
	bySMSAsked medium = "sms, asked" // the provider can be asked what it has taken
	bySMSTold  medium = "sms, told"  // it cannot, and pushes receipts
)

// TestKilledAtAnyPointNothingIsLost kills a program with kill -9 at each point,
// alone and beside others on the same database, and lets the others and one
// that starts anew finish.
func TestKilledAtAnyPointNothingIsLost(t *testing.T) {
	var mu sync.Mutex
	var table []string
	var wg sync.WaitGroup // most of the time, they wait for each other
	for _, driver := range []models.Driver{models.SQLite, models.MySQL} {
		for _, replicas := range []int{1, 3} {
			for _, m := range []medium{byMail, bySMSAsked, bySMSTold} {
				wg.Go(func() {
					t.Run(fmt.Sprintf("%s/%d/%s", driver, replicas, m), func(t *testing.T) {
						x := newOrdeal(t, driver, replicas, m)
						for i, p := range points {
							line := x.suffer(p, i)
							mu.Lock()
							table = append(table, line)
							mu.Unlock()
						}
					})
				})
			}
		}
	}
	wg.Wait()
	slices.Sort(table)
	t.Log("what the killed left behind:\n" + strings.Join(table, "\n"))
}

const crashPeople, crashMessages = 12, 24

// ordeal is a database whose programs are killed. The test has it open too,
// and is the mail server and the SMS provider.
type ordeal struct {
	*outbox
	replica
	t        *testing.T
	replicas int
	medium   medium
	mail     *mailServer
	sms      *smsProvider
	people   []models.User
	silent   sync.Map // the keys of which no receipt comes
}

func newOrdeal(t *testing.T, driver models.Driver, replicas int, m medium) *ordeal {
	t.Helper()
	clock := clockwork.NewRealClock()
	dsn := modelstest.NewDSN(t, driver)
	s := openStore(t, driver, dsn, clock)
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	x := &ordeal{outbox: newOutbox(t, s, clock), t: t, replicas: replicas, medium: m}
	x.mail = startMailServer(t, notifier.NoTLS, false)
	x.sms = startSMSProvider(t, clock, m == bySMSAsked)
	if m == bySMSTold {
		x.sms.onTaken = x.receipt
	}
	x.replica = replica{
		Driver: driver, DSN: dsn, SMTP: x.mail.config(notifier.NoTLS), SMS: x.sms.srv.URL, Queried: m == bySMSAsked,
		Channel: models.ChannelSMS, Dispatchers: 1,
	}
	if m == byMail {
		x.Channel = models.ChannelEmail
	}
	if driver == models.SQLite { // one program owns the file
		x.Dispatchers = replicas
	}
	for range crashPeople {
		x.people = append(x.people, x.user(func(u *models.User) { u.Mobile = "13900000000" }))
	}
	return x
}

func openStore(t *testing.T, driver models.Driver, dsn string, clock clockwork.Clock) *models.Store {
	t.Helper()
	s, err := models.Open(t.Context(), models.Options{Driver: driver, DSN: dsn, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// receipt is pushed before the sender has its answer.
func (x *ordeal) receipt(m taken) {
	if _, silent := x.silent.Load(m.Key); silent {
		return
	}
	err := x.store.ApplyReceipt(x.t.Context(), models.Receipt{Channel: models.ChannelSMS, State: models.ReceiptDelivered, Code: "DELIVRD"}, m.Key)
	if err != nil {
		x.t.Error(err)
	}
}

// suffer lets a program die at the point, and returns a line about what came
// of it.
func (x *ordeal) suffer(p point, nth int) string {
	x.t.Helper()
	rows := x.prepare(nth)
	x.run(p)
	v := verdict{ordeal: x, point: p, asked: x.sms.asks()}
	x.finish()
	v.rows = x.rowsOf(rows)
	v.check()
	if x.t.Failed() {
		x.t.FailNow()
	}
	return fmt.Sprintf("%-10s %-13s %d × %-6s: %s", x.medium, p, x.replicas, x.Driver, v.line())
}

// prepare adds the messages. Of those by SMS, some have a way to fall back on
// and some get no receipt, so that those with which a program dies differ.
func (x *ordeal) prepare(nth int) (ids []int64) {
	x.t.Helper()
	last, err := x.store.LastNotificationID(x.t.Context())
	if err != nil {
		x.t.Fatal(err)
	}
	variant := func(i int) int { return i + i/replicaBatch + nth + x.replicas }
	var all []models.Notification
	for i := range crashMessages {
		all = append(all, x.message(x.people[i%crashPeople], func(n *models.Notification) {
			n.Channel = x.Channel
			if x.Channel == models.ChannelSMS && variant(i)&2 != 0 {
				n.Route = []models.Channel{models.ChannelEmail}
			}
		}))
	}
	x.enqueue(all)
	if all, err = x.store.NotificationsAfter(x.t.Context(), last); err != nil {
		x.t.Fatal(err)
	}
	for i, n := range all {
		ids = append(ids, n.ID)
		if variant(i)&1 != 0 {
			x.silent.Store(n.Key(), true)
		}
	}
	return ids
}

// run kills one program, and has the others, or else one that starts anew, do
// what can be done now.
func (x *ordeal) run(p point) {
	x.t.Helper()
	doomed := x.replica
	doomed.Kill = p
	victim := doomed.start(x.t)
	others := x.others()
	living := x.leases()
	victim.goOn()
	victim.dies()
	x.endLeases(living)
	if len(others) == 0 {
		x.drain(x.fresh(x.outbox))
	}
	for _, other := range others {
		other.goOn()
	}
	for deadline := time.Now().Add(3 * time.Minute); x.moving(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			x.t.Fatalf("after three minutes, the outbox still holds %s", x.states())
		}
	}
	for _, other := range others {
		other.stop()
	}
}

// leases returns the tokens under which messages are held.
func (x *ordeal) leases() []string {
	x.t.Helper()
	tokens := []string{""} // which nobody has
	var held []string
	if err := x.store.Read(x.t.Context()).Model(&models.Notification{}).Distinct().Where("state = 'sending'").Pluck("lease_token", &held).Error; err != nil {
		x.t.Fatal(err)
	}
	return append(tokens, held...)
}

// endLeases lets time pass for what the dead have held. Leases last for so long
// that a slow machine ends none of the living.
func (x *ordeal) endLeases(living []string) {
	x.t.Helper()
	res := x.store.Read(x.t.Context()).Exec("UPDATE notifications SET lease_until = '2000-01-01 00:00:00' WHERE state = 'sending' AND lease_token NOT IN ?", living)
	if res.Error != nil || res.RowsAffected == 0 {
		x.t.Fatalf("%d messages were held by the dead, %v", res.RowsAffected, res.Error)
	}
}

// others returns the programs that live on, each in the middle of a batch.
func (x *ordeal) others() (all []*process) {
	x.t.Helper()
	if x.Driver == models.SQLite {
		return nil
	}
	r := x.replica
	r.Pause = true
	for range x.replicas - 1 {
		all = append(all, r.start(x.t))
	}
	for _, other := range all {
		other.goOn()
		other.hear("working")
	}
	return all
}

// moving reports whether a message is on its way. Not so one of which nobody
// can say what became of it: for those, hours must pass.
func (x *ordeal) moving() bool {
	x.t.Helper()
	var n int64
	err := x.store.Read(x.t.Context()).Model(&models.Notification{}).
		Where("state IN ?", []models.NotificationState{models.NotificationPending, models.NotificationSending, models.NotificationFailed}).Count(&n).Error
	if err != nil {
		x.t.Fatal(err)
	}
	return n > 0
}

// finish lets a fresh dispatcher work for some hours.
func (x *ordeal) finish() {
	x.t.Helper()
	clock := clockwork.NewFakeClockAt(time.Now())
	s := openStore(x.t, x.Driver, x.DSN, clock)
	defer func() { _ = s.Close() }()
	o := newOutbox(x.t, s, clock)
	d := x.fresh(o)
	for range 4 {
		clock.Advance(40 * time.Minute)
		o.drain(d)
	}
}

// fresh returns a dispatcher that begins anew, in this program.
func (x *ordeal) fresh(o *outbox) *notifier.Dispatcher {
	x.t.Helper()
	return o.dispatcher(x.mail.channel(x.SMTP), func(c *notifier.Config) { c.Channels[models.ChannelSMS] = x.sms.channel() })
}

func (x *ordeal) rowsOf(ids []int64) []models.Notification {
	x.t.Helper()
	return slices.DeleteFunc(x.rows(), func(n models.Notification) bool { return !slices.Contains(ids, n.ID) })
}
