package notifier_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/jonboulle/clockwork"

	"duban/notifier"
)

func aMessage(key string) notifier.Message {
	return notifier.Message{
		Key: key, Name: "张三", Address: "zhangsan@example.gov.cn",
		Subject: "【督办】还有10天：办公楼运转经费 6月底支出进度应达 50%（当前 32.4%），请按计划推进支付工作",
		Text:    "您好：\n请按计划推进支付。", HTML: "<p>请按计划推进支付。</p>",
		Date: time.Date(2025, 6, 20, 1, 2, 3, 0, time.UTC),
	}
}

func TestSMTPDeliversOverEveryKindOfConnection(t *testing.T) {
	for _, tc := range []struct {
		name     string
		security notifier.Security
		auth     bool
	}{
		{"STARTTLS with a private CA and a password", notifier.StartTLS, true},
		{"TLS from the first byte with a password", notifier.ImplicitTLS, true},
		{"a relay on this machine, in the clear", notifier.NoTLS, false},
		{"a relay on this machine, in the clear, with a password", notifier.NoTLS, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := startMailServer(t, tc.security, tc.auth)
			id, err := server.channel(server.config(tc.security)).Send(t.Context(), aMessage("1-ab"))
			if err != nil {
				t.Fatal(err)
			}
			inbox := server.inbox()
			if len(inbox) != 1 || inbox[0].To != "zhangsan@example.gov.cn" || inbox[0].From != "duban@example.gov.cn" {
				t.Fatalf("the server got %+v", inbox)
			}
			if id != "<1-ab@example.gov.cn>" || inbox[0].ID != id {
				t.Errorf("Message-ID %q was returned, %q was sent", id, inbox[0].ID)
			}
		})
	}
}

func TestSMTPMessageOnTheWire(t *testing.T) {
	server := startMailServer(t, notifier.NoTLS, false)
	m := aMessage("1-ab")
	if _, err := server.channel(server.config(notifier.NoTLS)).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got, err := netmail.ReadMessage(strings.NewReader(server.inbox()[0].Raw))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Subject":                  m.Subject,
		"From":                     "督办系统 <duban@example.gov.cn>",
		"To":                       "张三 <zhangsan@example.gov.cn>",
		"Auto-Submitted":           "auto-generated",
		"X-Auto-Response-Suppress": "All",
		"Date":                     "Fri, 20 Jun 2025 01:02:03 +0000",
	} {
		if have, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get(name)); err != nil || strings.ReplaceAll(have, `"`, "") != want {
			t.Errorf("%s: %q (%v), want %q", name, have, err, want)
		}
	}
	for _, line := range strings.Split(server.inbox()[0].Raw, "\r\n") {
		if len(line) > 78 {
			t.Errorf("a line of %d bytes: %q", len(line), line)
		}
	}
	parts := alternatives(t, got)
	if parts["text/plain"] != m.Text || parts["text/html"] != m.HTML {
		t.Errorf("parts %q", parts)
	}
}

// alternatives returns the decoded parts of a message by content type.
func alternatives(t *testing.T, m *netmail.Message) map[string]string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("Content-Type %q: %v", m.Header.Get("Content-Type"), err)
	}
	parts := map[string]string{}
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return parts
		}
		if err != nil {
			t.Fatal(err)
		}
		kind, params, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
		if err != nil || !strings.EqualFold(params["charset"], "utf-8") {
			t.Errorf("part %q: %v", p.Header, err)
		}
		body, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, p))
		if err != nil {
			t.Fatal(err)
		}
		parts[kind] = string(body)
	}
}

func TestSMTPKeepsItsConnection(t *testing.T) {
	server := startMailServer(t, notifier.StartTLS, true)
	clock := clockwork.NewFakeClock()
	cfg := server.config(notifier.StartTLS)
	cfg.Clock = clock
	ch := server.channel(cfg)
	send := func() {
		t.Helper()
		if _, err := ch.Send(t.Context(), aMessage("1-ab")); err != nil {
			t.Fatal(err)
		}
	}
	connections := func(want int, when string) {
		t.Helper()
		if got := server.connected(); got != want {
			t.Errorf("%d connections %s, want %d", got, when, want)
		}
	}
	for range 10 {
		send()
	}
	connections(1, "for ten messages")

	server.behave(faults{rcpt: &smtp.SMTPError{Code: 550, Message: "no such user"}})
	if _, err := ch.Send(t.Context(), aMessage("1-ab")); err == nil {
		t.Fatal("a refused recipient is no error")
	}
	server.behave(faults{})
	send()
	connections(1, "after a refusal")

	clock.Advance(2 * time.Minute)
	send()
	connections(2, "after a long pause")

	server.stop()
	server.start()
	send()
	connections(3, "after the server restarted")

	if err := ch.Close(); err != nil {
		t.Fatal(err)
	}
	send()
	connections(4, "after closing")
}

func TestSMTPNeverDowngrades(t *testing.T) {
	server := startMailServer(t, notifier.NoTLS, false) // offers no STARTTLS
	_, err := server.channel(server.config(notifier.StartTLS)).Send(t.Context(), aMessage("1-ab"))
	var failure *notifier.SendError
	if !errors.As(err, &failure) || failure.Class != notifier.Down || len(server.inbox()) != 0 {
		t.Errorf("got %v and %d messages in the clear", err, len(server.inbox()))
	}
}

func TestSMTPRefusesBadConfiguration(t *testing.T) {
	good := notifier.SMTPConfig{Host: "mail.example.gov.cn", From: "duban@example.gov.cn"}
	for _, tc := range []struct {
		name   string
		change func(*notifier.SMTPConfig)
		want   error // nil for any
	}{
		{"a password in the clear", func(c *notifier.SMTPConfig) {
			c.Security, c.Username = notifier.NoTLS, "u"
		}, notifier.ErrInsecureCredentials},
		{"no host", func(c *notifier.SMTPConfig) { c.Host = "" }, nil},
		{"no sender", func(c *notifier.SMTPConfig) { c.From = "" }, nil},
		{"a sender with a name", func(c *notifier.SMTPConfig) { c.From = "D <duban@example.gov.cn>" }, nil},
		{"opportunistic encryption", func(c *notifier.SMTPConfig) { c.Security = "opportunistic" }, nil},
		{"a port out of range", func(c *notifier.SMTPConfig) { c.Port = 70000 }, nil},
		{"a negative timeout", func(c *notifier.SMTPConfig) { c.Timeout = -1 }, nil},
		{"a missing CA file", func(c *notifier.SMTPConfig) { c.CAFile = "/nonexistent/ca.pem" }, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := good
			tc.change(&cfg)
			_, err := notifier.NewSMTP(cfg)
			if err == nil || tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
	if _, err := notifier.NewSMTP(good); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

func TestSMTPGivesUpWhenTheContextEnds(t *testing.T) {
	for name, f := range map[string]faults{"at the greeting": {hangGreeting: true}, "at the message": {hangData: true}} {
		t.Run(name, func(t *testing.T) {
			server := startMailServer(t, notifier.NoTLS, false)
			server.behave(f)
			cfg := server.config(notifier.NoTLS)
			cfg.Timeout = time.Hour // so that only the context can end it
			ch := server.channel(cfg)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if _, err := ch.Send(ctx, aMessage("1-ab")); err == nil {
				t.Error("sent to a server that hangs")
			}
			server.behave(faults{})
			if _, err := ch.Send(t.Context(), aMessage("1-ab")); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func TestSMTPHeadersCannotBeInjected(t *testing.T) {
	server := startMailServer(t, notifier.NoTLS, false)
	ch := server.channel(server.config(notifier.NoTLS))
	evil := "x\r\nBcc: boss@example.com\r\n\r\nbody"
	for name, change := range map[string]func(*notifier.Message){
		"subject":                  func(m *notifier.Message) { m.Subject = evil },
		"name":                     func(m *notifier.Message) { m.Name = evil },
		"name with quotes":         func(m *notifier.Message) { m.Name = `a" <boss@example.com>, "b` },
		"subject with a lone CR":   func(m *notifier.Message) { m.Subject = "x\rBcc: boss@example.com" },
		"subject with a separator": func(m *notifier.Message) { m.Subject = "x\u2028Bcc: boss@example.com" },
	} {
		m := aMessage("1-ab")
		change(&m)
		if _, err := ch.Send(t.Context(), m); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		inbox := server.inbox()
		last := inbox[len(inbox)-1]
		got, err := netmail.ReadMessage(strings.NewReader(last.Raw))
		if err != nil {
			t.Fatal(err)
		}
		to, err := got.Header.AddressList("To")
		if err != nil || len(to) != 1 || to[0].Address != m.Address || got.Header.Get("Bcc") != "" || last.To != m.Address {
			t.Errorf("%s: To %v (%v), Bcc %q, delivered to %q", name, to, err, got.Header.Get("Bcc"), last.To)
		}
	}
	for _, address := range []string{
		"a@example.com\r\nRCPT TO:<boss@example.com>", "a@example.com, boss@example.com",
		"A <a@example.com>", "a@example.com (comment)", "a b@example.com", "<a@example.com>", "nobody",
	} {
		m := aMessage("1-ab")
		m.Address = address
		_, err := ch.Send(t.Context(), m)
		var failure *notifier.SendError
		if !errors.As(err, &failure) || failure.Class != notifier.Reject || failure.Error() != "bad_address" {
			t.Errorf("address %q: %v", address, err)
		}
	}
}

func TestSMTPErrorsNameNoAddress(t *testing.T) {
	server := startMailServer(t, notifier.NoTLS, false)
	server.behave(faults{rcpt: &smtp.SMTPError{
		Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "<zhangsan@example.gov.cn>: user unknown",
	}})
	_, err := server.channel(server.config(notifier.NoTLS)).Send(t.Context(), aMessage("1-ab"))
	if err == nil || !strings.HasPrefix(err.Error(), "smtp_rcpt_550: ") ||
		!strings.Contains(err.Error(), "5.1.1 <[address]>: user unknown") || strings.Contains(err.Error(), "@") {
		t.Errorf("got %v", err)
	}
}
