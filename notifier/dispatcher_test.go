package notifier_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/modelstest"
	"duban/notifier"
)

func TestMessagesThatCannotBeSentDieWithAReason(t *testing.T) {
	clock := clockwork.NewFakeClockAt(start)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		server := startMailServer(t, notifier.NoTLS, false)
		o := newOutbox(t, s, clock)
		u := o.user()
		o.add(o.user(func(u *models.User) { u.Email = "" }), 1)
		o.add(o.user(func(u *models.User) { u.Email = "not an address" }), 1)
		o.add(o.user(func(u *models.User) { u.Active = false }), 1)
		o.add(models.User{ID: 4711}, 1)
		o.add(u, 1, func(n *models.Notification) { n.Template = "unheard_of" })
		o.add(u, 1)
		o.drain(o.dispatcher(server.channel(server.config(notifier.NoTLS))))
		o.want("1 sent, 5 dead")
		for i, want := range []string{"no_address", "bad_address", "recipient_inactive", "recipient_missing", "render_failed: \"unheard_of\": 没有这个消息模板", ""} {
			if got := o.rows()[i].LastError; got != want {
				t.Errorf("message %d: %q, want %q", i+1, got, want)
			}
		}
	})
}

func TestSentMessageRecordsItsMessageID(t *testing.T) {
	clock := clockwork.NewFakeClockAt(start)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		server := startMailServer(t, notifier.NoTLS, false)
		o := newOutbox(t, s, clock)
		o.add(o.user(), 1)
		if stats := o.drain(o.dispatcher(server.channel(server.config(notifier.NoTLS)))); stats != (notifier.Stats{Sent: 1}) {
			t.Errorf("stats %+v", stats)
		}
		row, mail := o.rows()[0], server.inbox()[0]
		if row.ProviderID != mail.ID || row.SentAt == nil || !row.SentAt.Equal(start) || row.Attempts != 1 || row.LastError != "" {
			t.Errorf("recorded %+v, sent %s", row, mail.ID)
		}
	})
}

func TestAChannelThatIsNotSetUpWaits(t *testing.T) {
	clock := clockwork.NewFakeClockAt(start)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		dir := filepath.Join(t.TempDir(), "mail")
		file, err := notifier.NewFile(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		o := newOutbox(t, s, clock)
		u := o.user()
		o.add(u, 2)
		o.add(u, 2, func(n *models.Notification) { n.Channel = models.ChannelFile })
		onlyFiles := func(c *notifier.Config) {
			c.Channels = map[models.Channel]notifier.Channel{models.ChannelFile: file}
		}
		o.drain(o.dispatcher(nil, onlyFiles))
		o.want("2 sent, 2 failed")
		if r := o.rows()[0]; r.LastError != "channel_not_configured" || r.Attempts != 0 || !r.NextAttemptAt.After(clock.Now()) {
			t.Errorf("an e-mail without SMTP: %+v", r)
		}
		if n := len(emails(t, dir)); n != 2 {
			t.Errorf("%d files", n)
		}

		clock.Advance(80 * time.Hour) // the administrator takes his time
		o.drain(o.dispatcher(nil, onlyFiles))
		server := startMailServer(t, notifier.NoTLS, false)
		clock.Advance(15 * time.Minute)
		o.drain(o.dispatcher(server.channel(server.config(notifier.NoTLS))))
		o.want("4 sent")
	})
}

func TestOnePersonsMessagesArriveInOrder(t *testing.T) {
	clock := clockwork.NewFakeClockAt(start)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		server := startMailServer(t, notifier.NoTLS, false)
		o := newOutbox(t, s, clock)
		a, b := o.user(), o.user()
		for range 10 {
			o.add(a, 1)
			o.add(b, 1)
		}
		o.drain(o.dispatcher(server.channel(server.config(notifier.NoTLS)), func(c *notifier.Config) { c.Batch = 7 }))
		inbox := server.inbox()
		for i, row := range o.rows() {
			if inbox[i].ID != row.ProviderID {
				t.Fatalf("message %d arrived out of order", row.ID)
			}
		}
	})
}

// A dispatcher is suspended after the server took its message and before it
// could say so. Its lease runs out, and another one sends the message again.
func TestALostLeaseIsFenced(t *testing.T) {
	clock := clockwork.NewFakeClockAt(start)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		const lease = time.Second // MySQL judges it by its own clock, so it passes for real
		server := startMailServer(t, notifier.NoTLS, false)
		ch := server.channel(server.config(notifier.NoTLS))
		o := newOutbox(t, s, clock)
		o.add(o.user(), 2)
		short := func(c *notifier.Config) { c.Lease = lease }

		suspended := newGate(ch)
		suspended.sent = true
		first := o.dispatcher(suspended, short)
		var stats notifier.Stats
		var wg sync.WaitGroup
		wg.Go(func() { stats = o.drain(first) })
		<-suspended.entered

		second := o.dispatcher(ch, short)
		for deadline := time.Now().Add(20 * time.Second); o.states() != "2 sent"; {
			if time.Now().After(deadline) {
				t.Fatalf("nobody took over: %s", o.states())
			}
			clock.Advance(lease + time.Millisecond)
			o.drain(second)
			time.Sleep(20 * time.Millisecond) // for the database's clock
		}
		suspended.open <- nil
		wg.Wait()

		if stats != (notifier.Stats{Lost: 2}) {
			t.Errorf("the first dispatcher claims to have done %+v", stats)
		}
		rows, copies := o.rows(), server.copies()
		if rows[0].Uncertain != 1 || rows[1].Uncertain != 1 {
			t.Errorf("uncertain %d and %d times, want 1", rows[0].Uncertain, rows[1].Uncertain)
		}
		if copies[rows[0].ProviderID] != 2 || copies[rows[1].ProviderID] != 1 {
			t.Errorf("copies by Message-ID: %v", copies)
		}
		o.want("2 sent")
	})
}

func TestTheLeaseIsRenewedWhileABatchLasts(t *testing.T) {
	clock := clockwork.NewFakeClockAt(start)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		server := startMailServer(t, notifier.NoTLS, false)
		ch := server.channel(server.config(notifier.NoTLS))
		o := newOutbox(t, s, clock)
		o.add(o.user(), 10)
		slow := newGate(ch)
		first, second := o.dispatcher(slow), o.dispatcher(ch)
		var wg sync.WaitGroup
		wg.Go(func() { o.drain(first) })
		for range 10 { // ten minutes in all, under a lease of three
			<-slow.entered
			clock.Advance(time.Minute)
			if stats := o.drain(second); stats != (notifier.Stats{}) {
				t.Errorf("the second dispatcher did %+v", stats)
			}
			slow.open <- nil
		}
		wg.Wait()
		o.want("10 sent")
		for id, n := range server.copies() {
			if n != 1 {
				t.Errorf("%s arrived %d times", id, n)
			}
		}
	})
}

func TestStoppingFinishesTheMessageInFlight(t *testing.T) {
	clock := clockwork.NewFakeClockAt(start)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		server := startMailServer(t, notifier.NoTLS, false)
		o := newOutbox(t, s, clock)
		o.add(o.user(), 5)
		slow := newGate(server.channel(server.config(notifier.NoTLS)))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			o.dispatcher(slow).Run(ctx)
		}()
		<-slow.entered
		slow.open <- nil
		<-slow.entered
		stop()
		slow.open <- nil
		<-done
		o.want("2 sent, 3 pending")
		for _, r := range o.rows()[2:] {
			if r.Attempts != 0 || r.LeaseToken != "" || r.NextAttemptAt.After(clock.Now()) {
				t.Errorf("put back as %+v", r)
			}
		}
	})
}

func TestStoppingDoesNotWaitForAServerThatHangs(t *testing.T) {
	clock := clockwork.NewFakeClockAt(start)
	s := modelstest.Open(t, models.SQLite, clock)
	server := startMailServer(t, notifier.NoTLS, false)
	server.behave(faults{hangGreeting: true})
	cfg := server.config(notifier.NoTLS)
	cfg.Timeout = time.Hour
	o := newOutbox(t, s, clock)
	o.add(o.user(), 2)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		for server.connected() == 0 {
			time.Sleep(time.Millisecond)
		}
		stop()
	}()
	o.dispatcher(server.channel(cfg), func(c *notifier.Config) { c.Grace = 50 * time.Millisecond }).Run(ctx)
	o.want("1 pending, 1 failed")
}

func TestRunSendsWhatBecomesDueAndWhatIsNew(t *testing.T) {
	clock := clockwork.NewFakeClockAt(start)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		server := startMailServer(t, notifier.NoTLS, false)
		o := newOutbox(t, s, clock)
		u := o.user()
		o.add(u, 1)
		o.add(u, 1, func(n *models.Notification) { n.NextAttemptAt = n.NextAttemptAt.Add(20 * time.Second) })
		d := o.dispatcher(server.channel(server.config(notifier.NoTLS)))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			d.Run(ctx)
		}()
		idle := func() {
			t.Helper()
			if err := clock.BlockUntilContext(ctx, 2); err != nil {
				t.Fatal(err)
			}
		}
		<-server.arrived
		idle()
		clock.Advance(19 * time.Second)
		o.want("1 sent, 1 pending")
		clock.Advance(time.Second)
		<-server.arrived
		idle()
		o.add(u, 1)
		d.Wake()
		<-server.arrived
		stop()
		<-done
		o.want("3 sent")
	})
}

func TestFourDispatchersSendEachMessageOnce(t *testing.T) {
	clock := clockwork.NewRealClock() // the database's retries wait for it
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		const messages = 500
		server := startMailServer(t, notifier.NoTLS, false)
		o := newOutbox(t, s, clock)
		for range 10 {
			o.add(o.user(), messages/10)
		}
		var wg sync.WaitGroup
		for range 4 {
			cfg := server.config(notifier.NoTLS)
			cfg.Connections = 2
			d := o.dispatcher(server.channel(cfg), func(c *notifier.Config) { c.Workers = 2 })
			wg.Go(func() { o.drain(d) })
		}
		wg.Wait()
		o.want("500 sent")
		copies := server.copies()
		if len(copies) != messages || len(server.inbox()) != messages {
			t.Errorf("%d messages arrived, %d different ones", len(server.inbox()), len(copies))
		}
		if n := server.connected(); n > 8 {
			t.Errorf("%d connections for 8 workers", n)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	s := modelstest.Open(t, models.SQLite, clockwork.NewFakeClockAt(start))
	for name, cfg := range map[string]notifier.Config{
		"nothing":     {},
		"no channels": {Store: s, Templates: templates(t, "")},
		"no store":    {Templates: templates(t, ""), Channels: map[models.Channel]notifier.Channel{models.ChannelFile: nil}},
	} {
		if _, err := notifier.NewDispatcher(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// BenchmarkDispatch measures messages per second from the outbox to a mail
// server on loopback.
func BenchmarkDispatch(b *testing.B) {
	clock := clockwork.NewRealClock()
	server := startMailServer(b, notifier.NoTLS, false)
	o := newOutbox(b, modelstest.Open(b, models.SQLite, clock), clock)
	cfg := server.config(notifier.NoTLS)
	cfg.Connections = 2
	d := o.dispatcher(server.channel(cfg), func(c *notifier.Config) { c.Workers, c.Batch = 2, 50 })
	go func() { // nobody else reads it
		for range server.arrived {
		}
	}()
	o.add(o.user(), b.N)
	b.ResetTimer()
	if stats := o.drain(d); stats.Sent != b.N {
		b.Fatalf("%+v of %d", stats, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
