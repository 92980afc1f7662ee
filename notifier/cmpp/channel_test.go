package cmpp_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/calendar"
	"duban/models/modelstest"
	"duban/notifier"
	"duban/notifier/cmpp"
	"duban/notifier/cmpp/cmpptest"
)

// told is a message in its form, of so many characters with its signature.
func told(chars int) notifier.Message {
	body := strings.Repeat("办", chars-len([]rune("【督办】事项"))) + "${a}"
	return notifier.Message{
		Key: "1-a", Template: "reminder_today", Mobile: "+86 " + mobile,
		SMS: notifier.SMSForm{Body: body, Vars: []notifier.SMSVar{{Name: "a", Fact: "duty"}}}, Facts: map[string]string{"duty": "事项"},
	}
}

// ledger keeps receipts, unless it is broken.
type ledger struct {
	mu     sync.Mutex
	broken bool
	kept   []models.Receipt
}

func (l *ledger) ApplyReceipt(_ context.Context, r models.Receipt, key string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken || key != "" {
		return errors.New("not recorded")
	}
	l.kept = append(l.kept, r)
	return nil
}

func (l *ledger) receipts() []models.Receipt {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.kept)
}

func openChannel(t *testing.T, g *cmpptest.Gateway, receipts cmpp.Receipts) *cmpp.Channel {
	t.Helper()
	c, err := cmpp.NewChannel(cmpp.ChannelConfig{
		Config: cmpp.Config{
			Address: g.Addr(), Version: cmpp.V20, SourceAddr: "900001", Secret: "888888", ServiceID: "duban", SrcID: "10657000001", MaxParts: 3,
		},
		Signature: "督办", Price: 4500, ReceiptWait: time.Hour, Receipts: receipts,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestTheChannelSendsAFormAndKeepsReports(t *testing.T) {
	g := cmpptest.Start(t, gatewayConfig(cmpp.V20))
	l := &ledger{}
	c := openChannel(t, g, l)
	m := told(71)
	if parts, cost := c.Measure(m); parts != 2 || cost != 9000 {
		t.Errorf("%d parts for %d", parts, cost)
	}
	id, err := c.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	sub := g.Submissions()
	if len(sub) != 2 || id != sub[0].ID()+","+sub[1].ID() || sub[0].Mobile != mobile || sub[0].Text+sub[1].Text != m.SMS.Signed("督办").Text(m.Facts) {
		t.Fatalf("id %s of %+v", id, sub)
	}
	for i, stat := range []string{"DELIVRD", "MK:0001"} {
		g.Report(sub[i], stat)
	}
	g.Report(sub[0], "ACCEPTD")
	nothing := g.Report(sub[1], "UNKNOWN")
	until(t, func() bool { return len(g.Answers(nothing)) == 1 })
	want := []models.Receipt{
		{Channel: models.ChannelSMS, ProviderID: sub[0].ID(), State: models.ReceiptDelivered, Code: "DELIVRD"},
		{Channel: models.ChannelSMS, ProviderID: sub[1].ID(), State: models.ReceiptFailed, Code: "MK:0001"},
		{Channel: models.ChannelSMS, ProviderID: sub[0].ID(), State: models.ReceiptPending, Code: "ACCEPTD"},
	}
	got := l.receipts()
	for i := range got {
		if got[i].At == nil {
			t.Errorf("no time in %+v", got[i])
		}
		got[i].At = nil
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
	for id, state := range map[string]notifier.FateState{id: notifier.FateTaken, "": notifier.FateUnknown} {
		if fate, err := c.Settle(t.Context(), m, id, time.Time{}); err != nil || fate.State != state || fate.ProviderID != id {
			t.Errorf("fate of %q: %+v, %v", id, fate, err)
		}
	}
}

// A report that could not be kept is not acknowledged, so the gateway sends it
// again.
func TestAReportThatIsNotKeptIsNotAcknowledged(t *testing.T) {
	g := cmpptest.Start(t, gatewayConfig(cmpp.V20))
	l := &ledger{broken: true}
	c := openChannel(t, g, l)
	if _, err := c.Send(t.Context(), told(20)); err != nil {
		t.Fatal(err)
	}
	sub := g.Submissions()[0]
	first := g.Report(sub, "DELIVRD")
	// What comes after it is dealt with after it, so by then it was refused.
	after := g.Deliver(cmpp.Deliver{SrcTerminalID: mobile, Content: []byte("x")})
	until(t, func() bool { return len(g.Answers(after)) == 1 })
	if len(g.Answers(first)) != 0 {
		t.Error("acknowledged")
	}
	l.mu.Lock()
	l.broken = false
	l.mu.Unlock()
	again := g.Report(sub, "DELIVRD")
	until(t, func() bool { return len(g.Answers(again)) == 1 })
	if len(l.receipts()) != 1 {
		t.Errorf("kept %v", l.receipts())
	}
}

func TestWhatTheChannelRefuses(t *testing.T) {
	var verdict cmpptest.Verdict
	cfg := gatewayConfig(cmpp.V20)
	cfg.OnSubmit = func(cmpptest.Submission) cmpptest.Verdict { return verdict }
	g := cmpptest.Start(t, cfg)
	c := openChannel(t, g, &ledger{})
	for _, tc := range []struct {
		name   string
		spoil  func(*notifier.Message)
		class  notifier.Class
		code   string
		detail string
	}{
		{"no words", func(m *notifier.Message) { m.SMS = notifier.SMSForm{} }, notifier.Retry, "cmpp_template_invalid", "短信模板 reminder_today：没有正文"},
		{"no fact", func(m *notifier.Message) { m.Facts = nil }, notifier.Reject, "cmpp_value_missing", "a"},
		{"no number", func(m *notifier.Message) { m.Mobile = "0315-1234567" }, notifier.Reject, "cmpp_bad_mobile", ""},
		{"too long", func(m *notifier.Message) { *m = told(300) }, notifier.Reject, "cmpp_too_long", ""},
		{"refused", func(*notifier.Message) { verdict.Result = 13 }, notifier.Reject, "cmpp_submit_13", "Dest_terminal_Id 错误"},
	} {
		m := told(20)
		tc.spoil(&m)
		_, err := c.Send(t.Context(), m)
		failure(t, err, tc.class, tc.code)
		if e, ok := errors.AsType[*notifier.SendError](err); !ok || e.Detail != tc.detail {
			t.Errorf("%s: detail %q", tc.name, e.Detail)
		}
	}
	if parts, cost := c.Measure(told(300)); parts != 0 || cost != 0 {
		t.Errorf("what is not sent has %d parts", parts)
	}
}

// formed gives every message a form of two parts.
type formed struct{ *cmpp.Channel }

func (f formed) Send(ctx context.Context, m notifier.Message) (string, error) {
	form := told(100)
	form.Key = m.Key
	return f.Channel.Send(ctx, form)
}

func (f formed) Measure(notifier.Message) (int, int64) { return f.Channel.Measure(told(100)) }

// A message is delivered when both of its parts are, also if the first report
// comes before the gateway has answered.
func TestReportsReachTheOutbox(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Date(2025, 10, 31, 1, 0, 0, 0, time.UTC))
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		var g *cmpptest.Gateway
		cfg := gatewayConfig(cmpp.V20)
		cfg.OnSubmit = func(sub cmpptest.Submission) cmpptest.Verdict {
			return cmpptest.Verdict{Wait: func() {
				if sub.Submit.PkNumber == 1 {
					report := g.Report(sub, "DELIVRD")
					until(t, func() bool { return len(g.Answers(report)) == 1 })
				}
			}}
		}
		g = cmpptest.Start(t, cfg)
		templates, err := notifier.NewTemplates("")
		if err != nil {
			t.Fatal(err)
		}
		d, err := notifier.NewDispatcher(notifier.Config{
			Store: s, Templates: templates, Clock: clock, Logger: slog.New(slog.DiscardHandler),
			Channels: map[models.Channel]notifier.Channel{models.ChannelSMS: formed{openChannel(t, g, s)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		n := models.Notification{
			DedupKey: "o1|r1|sms", RecipientID: 1, Channel: models.ChannelSMS, Urgency: models.Urgent, Template: notifier.ReminderToday,
			Day: calendar.DateOf(clock.Now()), Language: models.Chinese, State: models.NotificationPending, NextAttemptAt: clock.Now(),
		}
		err = s.Tx(t.Context(), "test", func(tx *models.Tx) error {
			if err := tx.Create(&models.User{Account: "w", Name: "王芳", Mobile: mobile, Language: models.Chinese, Active: true}); err != nil {
				return err
			}
			return tx.Create(&n)
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		state := func() models.Notification {
			var got models.Notification
			if err := s.Read(t.Context()).Take(&got, n.ID).Error; err != nil {
				t.Fatal(err)
			}
			return got
		}
		if got := state(); got.State != models.NotificationSent || got.Parts != 2 || got.Cost != 9000 {
			t.Fatalf("after the first report: %+v", got)
		}
		report := g.Report(g.Submissions()[1], "DELIVRD")
		until(t, func() bool { return len(g.Answers(report)) == 1 })
		if got := state(); got.State != models.NotificationDelivered || got.ReceiptCode != "DELIVRD" || got.DeliveredAt == nil {
			t.Errorf("after both: %+v", got)
		}
	})
}
