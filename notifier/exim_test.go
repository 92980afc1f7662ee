package notifier_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/modelstest"
	"duban/notifier"
)

// eml is a message as a reader's program shows it.
type eml struct {
	header     netmail.Header
	subject    string
	text, html string
}

func readEML(t *testing.T, raw string) eml {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	got := eml{header: m.Header}
	if got.subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%q, %v", kind, err)
	}
	for parts := multipart.NewReader(m.Body, params["boundary"]); ; {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		if enc := part.Header.Get("Content-Transfer-Encoding"); enc != "base64" {
			t.Fatalf("a part is encoded as %q", enc)
		}
		body, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
		if err != nil {
			t.Fatal(err)
		}
		switch kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type")); kind {
		case "text/plain":
			got.text = string(body)
		case "text/html":
			got.html = string(body)
		default:
			t.Errorf("a part of type %q", kind)
		}
	}
}

// What goes through a real mail server, encrypted and authenticated in each way
// that it offers, is what the templates say.
func TestARealMailServerDeliversWhatWasSaid(t *testing.T) {
	e := startExim(t, false)
	for i, port := range eximPorts {
		t.Run(port.name, func(t *testing.T) {
			clock := clockwork.NewFakeClockAt(start)
			s := modelstest.Open(t, models.SQLite, clock)
			ch, err := notifier.NewSMTP(e.config(i))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = ch.Close() }()
			o := newOutbox(t, s, clock)
			u := o.user(func(u *models.User) { u.Email = fmt.Sprintf("port%d@example.gov.cn", i) })
			for _, name := range allTemplates {
				o.add(u, 1, func(n *models.Notification) { n.Template = name })
			}
			o.drain(o.dispatcher(ch))
			o.want("3 sent")

			byID := map[string]eml{}
			for _, raw := range e.delivered(u.Email, len(allTemplates)) {
				m := readEML(t, raw)
				byID[m.header.Get("Message-Id")] = m
			}
			for _, n := range o.rows() {
				want, err := templates(t, "").Render(n, u)
				if err != nil {
					t.Fatal(err)
				}
				got, ok := byID[n.ProviderID]
				if !ok {
					t.Fatalf("%s did not arrive", n.ProviderID)
				}
				if got.subject != want.Subject || unix(got.text) != unix(want.Text) || unix(got.html) != unix(want.HTML) {
					t.Errorf("arrived as %q\n%s\n%s", got.subject, got.text, got.html)
				}
				protocol := map[notifier.Security]string{notifier.StartTLS: "esmtpsa", notifier.ImplicitTLS: "esmtpsa", notifier.NoTLS: "esmtp"}[port.security]
				if by := got.header.Get("Received"); !strings.Contains(by, "with "+protocol+" ") {
					t.Errorf("received %q, want it with %s", by, protocol)
				}
				if from, err := got.header.AddressList("From"); err != nil || from[0].Name != "督办系统" {
					t.Errorf("from %v, %v", from, err)
				}
			}
		})
	}
}

func unix(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }

// Only a message to an address in Chinese needs a server that knows of those.
func TestAMessageToAChineseAddressIsDeclared(t *testing.T) {
	e := startExim(t, false)
	ch, err := notifier.NewSMTP(e.config(0))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ch.Close() }()
	m := notifier.Message{Key: "1-a", Address: "张三@example.gov.cn", Subject: "提醒", Text: "正文", HTML: "<p>正文</p>"}
	if _, err := ch.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := readEML(t, e.delivered(m.Address, 1)[0]); !strings.Contains(got.header.Get("Received"), "with utf8esmtpsa ") {
		t.Errorf("received %q", got.header.Get("Received"))
	}
	m.Key, m.Address = "2-a", "zhangsan@example.gov.cn" // on the same connection
	if _, err := ch.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := readEML(t, e.delivered(m.Address, 1)[0]); !strings.Contains(got.header.Get("Received"), "with esmtpsa ") {
		t.Errorf("received %q", got.header.Get("Received"))
	}
}

// A real server's refusals mean what ours mean.
func TestARealMailServerRefuses(t *testing.T) {
	e := startExim(t, false)
	clock := clockwork.NewFakeClockAt(start)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		o := newOutbox(t, s, clock)
		send := func(change func(*notifier.SMTPConfig), more ...func(*notifier.Config)) {
			t.Helper()
			cfg := e.config(0)
			cfg.Clock = clock
			change(&cfg)
			ch, err := notifier.NewSMTP(cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = ch.Close() }()
			o.drain(o.dispatcher(ch, more...))
		}
		named := func(mailbox string) models.User {
			return o.user(func(u *models.User) { u.Email = mailbox + "@example.gov.cn" })
		}

		mine := named(string(s.Driver()))
		o.add(mine, 2)
		send(func(c *notifier.SMTPConfig) { c.Password = "wrong" })
		o.want("2 failed")
		for _, n := range o.rows() {
			if !strings.HasPrefix(n.LastError, "smtp_auth_535") || n.Attempts != 0 {
				t.Errorf("a wrong password: %q, attempt %d", n.LastError, n.Attempts)
			}
		}
		if states, err := s.ChannelStates(t.Context()); err != nil || len(states) != 1 || states[0].FailingSince == nil {
			t.Errorf("channels %+v, %v", states, err)
		}
		clock.Advance(30 * time.Minute)
		send(func(*notifier.SMTPConfig) {})
		o.want("2 sent")
		e.delivered(mine.Email, 2)

		sms := startSMSProvider(t, clock, true)
		o.add(named("nobody"), 1, func(n *models.Notification) { n.Route = []models.Channel{models.ChannelSMS} })
		send(func(*notifier.SMTPConfig) {}, func(c *notifier.Config) { c.Channels[models.ChannelSMS] = sms.channel() })
		refused := o.rows()[2]
		if refused.Reason != models.SuppressedFellBack || !strings.HasPrefix(refused.LastError, "smtp_rcpt_550") || len(sms.inbox()) != 1 {
			t.Errorf("an unknown recipient: %+v, %d by SMS", refused, len(sms.inbox()))
		}

		known := filepath.Join(e.dir, "known")
		o.add(named("grey"), 1)
		send(func(*notifier.SMTPConfig) {})
		if n := o.rows()[4]; n.State != models.NotificationFailed || !strings.HasPrefix(n.LastError, "smtp_rcpt_451") || n.Attempts != 1 {
			t.Errorf("greylisted: %+v", n)
		}
		e.write(known, nil)
		clock.Advance(5 * time.Minute)
		send(func(*notifier.SMTPConfig) {})
		if n := o.rows()[4]; n.State != models.NotificationSent {
			t.Errorf("tried again: %+v", n)
		}
		if err := os.Remove(known); err != nil {
			t.Fatal(err)
		}
	})
	e.delivered("grey@example.gov.cn", 2)
}
