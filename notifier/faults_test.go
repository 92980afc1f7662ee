package notifier_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/modelstest"
	"duban/notifier"
)

// Three messages meet a server that misbehaves. Then it recovers, time passes,
// and every one of them must have arrived.
func TestEveryMessageArrivesAfterAFault(t *testing.T) {
	busy := &smtp.SMTPError{Code: 451, Message: "greylisted, try again later"}
	never := &smtp.SMTPError{Code: 550, Message: "no such user"}
	for _, tc := range []struct {
		name        string
		security    notifier.Security
		faults      faults
		refused     bool // the port refuses
		want        string
		err         string // prefix of every LastError
		untried     bool   // no attempt is held against a message
		connections int    // while the fault lasts; -1 for any
		mayRepeat   bool
	}{
		{name: "451 at RCPT", faults: faults{rcpt: busy}, want: "3 failed", err: "smtp_rcpt_451", connections: 1},
		{name: "550 at RCPT", faults: faults{rcpt: never}, want: "3 dead", err: "smtp_rcpt_550", connections: 1},
		{name: "552 after the message", faults: faults{data: &smtp.SMTPError{Code: 552, Message: "too big"}}, want: "3 dead", err: "smtp_data_552", connections: 1},
		{name: "452 after the message", faults: faults{data: &smtp.SMTPError{Code: 452, Message: "disk full"}}, want: "3 failed", err: "smtp_data_452", connections: 1},
		{name: "553 at MAIL: our sender is refused", faults: faults{mail: &smtp.SMTPError{Code: 553, Message: "not your address"}}, want: "3 failed", err: "smtp_mail_553", untried: true, connections: 1},
		{name: "421 at RCPT", faults: faults{rcpt: &smtp.SMTPError{Code: 421, Message: "closing"}}, want: "3 failed", err: "smtp_rcpt_421", connections: 3},
		{name: "554 at the greeting", faults: faults{greeting: "554 no service"}, want: "3 failed", err: "smtp_connect_554", untried: true, connections: 1},
		{name: "not SMTP at all", faults: faults{greeting: "HTTP/1.1 400 Bad Request"}, want: "3 failed", err: "smtp_handshake", untried: true, connections: 1},
		{name: "hang at the greeting", faults: faults{hangGreeting: true}, want: "3 failed", err: "smtp_timeout", untried: true, connections: 1},
		{name: "hang after the message", faults: faults{hangData: true}, want: "3 failed", err: "smtp_unconfirmed", connections: 3},
		{name: "closed in mid-message", faults: faults{closeMidData: true}, want: "3 failed", err: "smtp_", connections: 3},
		{name: "closed before the answer", faults: faults{closeAfterDot: true}, want: "3 failed", err: "smtp_unconfirmed", connections: 3, mayRepeat: true},
		{name: "a certificate for another host, STARTTLS", security: notifier.StartTLS, faults: faults{badCert: true}, want: "3 failed", err: "smtp_certificate", untried: true, connections: 1},
		{name: "a certificate for another host, TLS", security: notifier.ImplicitTLS, faults: faults{badCert: true}, want: "3 failed", err: "smtp_certificate", untried: true, connections: 1},
		{name: "a password that is refused", security: notifier.StartTLS, faults: faults{refuseAuth: true}, want: "3 failed", err: "smtp_auth_535", untried: true, connections: 1},
		{name: "a port that refuses", refused: true, want: "3 failed", err: "smtp_unreachable", untried: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			clock := clockwork.NewFakeClockAt(start)
			modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
				security := tc.security
				if security == "" {
					security = notifier.NoTLS
				}
				server := startMailServer(t, security, security != notifier.NoTLS)
				cfg := server.config(security)
				cfg.Timeout, cfg.Clock = 300*time.Millisecond, clock
				o := newOutbox(t, s, clock)
				for range 3 { // to one person they would wait for each other
					o.add(o.user(), 1)
				}
				d := o.dispatcher(server.channel(cfg))

				server.behave(tc.faults)
				if tc.refused {
					server.stop()
				}
				o.drain(d)
				o.want(tc.want)
				for _, r := range o.rows() {
					if !strings.HasPrefix(r.LastError, tc.err) || (r.Attempts == 0) != tc.untried {
						t.Errorf("message %d: attempt %d, %q", r.ID, r.Attempts, r.LastError)
					}
				}
				if got := server.connected(); got != tc.connections {
					t.Errorf("%d connections, want %d", got, tc.connections)
				}
				if strings.Contains(o.logged(), "@") || strings.Contains(o.logged(), password) {
					t.Errorf("the log names addresses or secrets:\n%s", o.logged())
				}

				server.behave(faults{})
				if tc.refused {
					server.start()
				}
				if _, err := s.ResendDead(t.Context(), "test"); err != nil {
					t.Fatal(err)
				}
				clock.Advance(3 * time.Hour)
				o.drain(d)
				o.want("3 sent")
				copies := server.copies()
				if len(copies) != 3 {
					t.Errorf("%d messages arrived, want 3", len(copies))
				}
				for id, n := range copies {
					if n != 1 && !tc.mayRepeat {
						t.Errorf("%s arrived %d times", id, n)
					}
				}
			})
		})
	}
}

func TestAChannelThatIsDownIsNotHammered(t *testing.T) {
	clock := clockwork.NewFakeClockAt(start)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		server := startMailServer(t, notifier.NoTLS, false)
		server.behave(faults{greeting: "554 no service"})
		cfg := server.config(notifier.NoTLS)
		cfg.Clock = clock
		o := newOutbox(t, s, clock)
		for range 100 {
			o.add(o.user(), 1)
		}
		d := o.dispatcher(server.channel(cfg), func(c *notifier.Config) { c.Batch = 10 })

		stats := o.drain(d)
		if stats.Released != 10 || server.connected() != 1 {
			t.Errorf("first: %+v and %d connections, want one batch released and one connection", stats, server.connected())
		}
		for range 5 {
			o.drain(d)
		}
		if server.connected() != 1 {
			t.Errorf("%d connections before the breaker's time", server.connected())
		}
		// Four days of polling, always after the breaker's longest delay.
		polls := 0
		for at := start.Add(96 * time.Hour); clock.Now().Before(at); polls++ {
			clock.Advance(30 * time.Minute)
			o.drain(d)
		}
		if got := server.connected() - 1; got != polls {
			t.Errorf("%d connections in %d polls, want one probe each", got, polls)
		}
		for _, r := range o.rows() {
			if r.Attempts != 0 {
				t.Errorf("message %d: %d attempts are held against it", r.ID, r.Attempts)
			}
		}
		if n := strings.Count(o.logged(), "channel is down"); n != 1 {
			t.Errorf("it was logged %d times", n)
		}

		// Nothing died of it, not even of what the server says first when back.
		server.behave(faults{rcpt: &smtp.SMTPError{Code: 451, Message: "greylisted"}})
		clock.Advance(15 * time.Minute)
		o.drain(d)
		clock.Advance(15 * time.Minute)
		o.drain(d)
		o.want("100 failed")
		server.behave(faults{})
		for range 3 {
			clock.Advance(2 * time.Hour)
			o.drain(d)
		}
		o.want("100 sent")
		if !strings.Contains(o.logged(), "channel works again") {
			t.Error("the recovery is not logged")
		}
	})
}

func TestAMessageIsGivenUpAfterMaxAge(t *testing.T) {
	clock := clockwork.NewFakeClockAt(start)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		server := startMailServer(t, notifier.NoTLS, false)
		server.behave(faults{rcpt: &smtp.SMTPError{Code: 452, Message: "mailbox full"}})
		cfg := server.config(notifier.NoTLS)
		cfg.Clock = clock
		o := newOutbox(t, s, clock)
		o.add(o.user(), 1)
		d := o.dispatcher(server.channel(cfg))
		for begin := clock.Now(); o.states() != "1 dead"; clock.Advance(10 * time.Minute) {
			if age := clock.Since(begin); age > 76*time.Hour {
				t.Fatal("it is still tried after 76 hours")
			}
			o.drain(d)
		}
		row := o.rows()[0]
		if age := row.UpdatedAt.Sub(row.CreatedAt); age < 72*time.Hour {
			t.Errorf("given up after %s", age)
		}
		if row.Attempts < 36 || row.Attempts > 200 {
			t.Errorf("%d attempts in three days", row.Attempts)
		}

		server.behave(faults{})
		if n, err := s.ResendDead(t.Context(), "test", row.ID); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		o.drain(d)
		o.want("1 sent")
	})
}

// A message that fails before the server is asked proves nothing about it.
func TestAMessageWithoutAnAddressIsNoProbe(t *testing.T) {
	clock := clockwork.NewFakeClockAt(start)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		server := startMailServer(t, notifier.NoTLS, false)
		server.stop()
		o := newOutbox(t, s, clock)
		o.add(o.user(func(u *models.User) { u.Email = "" }), 1, func(n *models.Notification) {
			n.NextAttemptAt = n.NextAttemptAt.Add(time.Second)
		})
		o.add(o.user(), 2)
		d := o.dispatcher(server.channel(server.config(notifier.NoTLS)))
		o.drain(d)
		o.want("1 pending, 2 failed")

		clock.Advance(15 * time.Minute)
		o.drain(d) // the one without an address comes first
		o.want("2 failed, 1 dead")
		if n := strings.Count(o.logged(), "channel works again"); n != 0 {
			t.Error("the breaker closed without a reason")
		}
		server.start()
		clock.Advance(15 * time.Minute)
		o.drain(d)
		o.want("2 sent, 1 dead")
	})
}

func TestAChannelsUnclassifiedErrorIsTriedAgain(t *testing.T) {
	clock := clockwork.NewFakeClockAt(start)
	s := modelstest.Open(t, models.SQLite, clock)
	o := newOutbox(t, s, clock)
	o.add(o.user(), 1)
	broken := newGate(nil)
	go func() {
		<-broken.entered
		broken.open <- errors.New("sent to zhangsan@example.gov.cn, perhaps")
	}()
	o.drain(o.dispatcher(broken))
	o.want("1 failed")
	if r := o.rows()[0]; r.LastError != "send_failed" || r.Attempts != 1 || strings.Contains(o.logged(), "@") {
		t.Errorf("recorded %q, attempt %d; logged:\n%s", r.LastError, r.Attempts, o.logged())
	}
}
