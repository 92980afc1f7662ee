package sms_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/calendar"
	"duban/models/modelstest"
	"duban/notifier"
	"duban/notifier/sms"
)

// told is the message of a subject as the dispatcher hands it over.
func told(m sms.Message) notifier.Message {
	return notifier.Message{Key: m.Key, Template: m.Template.Name, Mobile: m.Mobile, SMS: m.Template.SMSForm, Facts: m.Facts}
}

// lost breaks the connection after the request was read.
func lost(call) (int, string) { panic(http.ErrAbortHandler) }

func TestTheChannelThroughEachProvider(t *testing.T) {
	for _, s := range subjects(t) {
		t.Run(s.kind, func(t *testing.T) {
			c := sms.NewChannel(sms.ChannelConfig{Provider: s.provider, Signature: "督办平台", ReceiptWait: time.Hour})
			m := told(s.message)
			m.SMS.Signature = ""
			s.server.respond = func(call) (int, string) { return http.StatusOK, s.accept }
			if id, err := c.Send(t.Context(), m); err != nil || id != s.id {
				t.Fatalf("got %q, %v", id, err)
			}
			got := s.server.only()
			if signed := got.query.Get("SignName") + got.form.Get("signature"); s.kind != "tencent" && signed != "督办平台" {
				t.Errorf("signed by %q", signed)
			}

			s.server.respond = func(call) (int, string) { return http.StatusOK, s.refuse("NOVEL") }
			if e := sendFailure(t, c, m); e.Class != notifier.Retry || e.Local {
				t.Errorf("a refusal is %v", e)
			}

			s.server.respond = lost
			if e := sendFailure(t, c, m); e.Class != notifier.Unknown || e.Code != "sms_"+s.kind+"_unconfirmed" {
				t.Errorf("a lost answer is %v", e)
			}

			m.SMS.TemplateID = ""
			if e := sendFailure(t, c, m); e.Class != notifier.Retry || !e.Local || e.Code != "sms_template_invalid" || e.Detail != "短信模板 checkpoint：必须填写已审核通过的模板编号" {
				t.Errorf("a template without an id is %v", e)
			}
			if c.ReceiptWait() != time.Hour || c.Close() != nil {
				t.Error("it does not wait for receipts, or does not close")
			}
		})
	}
}

func sendFailure(t *testing.T, c notifier.Channel, m notifier.Message) *notifier.SendError {
	t.Helper()
	_, err := c.Send(t.Context(), m)
	return sendError(t, err)
}

func TestAGatewayOfOnesOwnIsAChannel(t *testing.T) {
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.URL.RequestURI()
		_, _ = fmt.Fprint(w, `{"code":0,"id":"G7"}`)
	}))
	defer server.Close()
	g, err := sms.NewGateway(sms.GatewayConfig{
		Options: sms.Options{Endpoint: server.URL}, Method: http.MethodGet, Path: "/send", Query: "to=${mobile}&text=${signed}&pw=${password}",
		Fields: map[string]string{"password": "a&b"}, Success: regexp.MustCompile(`"code":0`), ID: regexp.MustCompile(`"id":"(\w+)"`),
	})
	if err != nil {
		t.Fatal(err)
	}
	c := sms.NewChannel(sms.ChannelConfig{Provider: g, Signature: "督办"})
	m := told(named())
	m.SMS.Signature, m.SMS.Body, m.SMS.Vars = "", "好", nil
	id, err := c.Send(t.Context(), m)
	if want := "/send?to=13800138000&text=%E3%80%90%E7%9D%A3%E5%8A%9E%E3%80%91%E5%A5%BD&pw=a%26b"; err != nil || id != "G7" || got != want {
		t.Errorf("got %q, %v and the server %s", id, err, got)
	}
	// It cannot be asked, so what it did not answer to stays unknown.
	for id, want := range map[string]notifier.FateState{"": notifier.FateUnknown, "G7": notifier.FateTaken} {
		if fate, err := c.Settle(t.Context(), m, id, now); err != nil || fate.State != want {
			t.Errorf("id %q: %+v, %v", id, fate, err)
		}
	}
	if c.ReceiptWait() != 0 {
		t.Error("receipts are waited for that nobody sends")
	}
}

func TestTheFateOfAMessage(t *testing.T) {
	s := subjects(t)[0]
	c := sms.NewChannel(sms.ChannelConfig{Provider: s.provider})
	hour := now.Add(-time.Hour)
	for _, tc := range []struct {
		name, id, answer string
		status           int
		want             notifier.FateState
		code             string
		fails            bool
	}{
		{"delivered", "", aliyunList(key + "=3"), http.StatusOK, notifier.FateDelivered, "DELIVERED", false},
		{"failed", "B1", aliyunList(key + "=2"), http.StatusOK, notifier.FateFailed, "DELIVERED", false},
		{"taken", "", aliyunList(key + "=1"), http.StatusOK, notifier.FateTaken, "DELIVERED", false},
		{"never taken", "", aliyunList(), http.StatusOK, notifier.FateNotTaken, "", false},
		{"taken, but not listed", "B1", aliyunList(), http.StatusOK, notifier.FateTaken, "", false},
		{"no answer", "", "", http.StatusBadGateway, notifier.FateUnknown, "", true},
		{"no answer about one that was taken", "B1", "", http.StatusBadGateway, notifier.FateTaken, "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s.server.respond = func(call) (int, string) { return tc.status, tc.answer }
			fate, err := c.Settle(t.Context(), told(s.message), tc.id, hour)
			if fate.State != tc.want || fate.Code != tc.code || (err != nil) != tc.fails {
				t.Errorf("got %+v, %v", fate, err)
			}
		})
	}
}

func TestWhatAMessageCosts(t *testing.T) {
	price, err := sms.ParsePrice("0.045")
	if err != nil {
		t.Fatal(err)
	}
	c := sms.NewChannel(sms.ChannelConfig{Price: price, Signature: "督办"})
	for _, tc := range []struct {
		body  string
		parts int
		cost  int64
	}{
		{"${a}", 1, 4500},
		{"${a}" + string(make([]rune, 64)), 1, 4500}, // 70 with the signature's four and the fact's two
		{"${a}" + string(make([]rune, 65)), 2, 9000},
	} {
		m := notifier.Message{SMS: notifier.SMSForm{Body: tc.body, Vars: []notifier.SMSVar{{Name: "a", Fact: "fact"}}}, Facts: map[string]string{"fact": "事实"}}
		if parts, cost := c.Measure(m); parts != tc.parts || cost != tc.cost {
			t.Errorf("%d characters: %d parts for %d", len([]rune(tc.body)), parts, cost)
		}
	}
}

func TestReceiptsAsTheyAreKept(t *testing.T) {
	at := now
	for _, tc := range []struct {
		receipt sms.Receipt
		want    models.Receipt
		kept    bool
	}{
		{sms.Receipt{ID: "1", Key: "k", State: sms.Delivered, Code: "DELIVRD", At: at}, models.Receipt{ProviderID: "1", State: models.ReceiptDelivered, Code: "DELIVRD", At: &at}, true},
		{sms.Receipt{Key: "k", State: sms.Failed, Code: "MK:0001"}, models.Receipt{State: models.ReceiptFailed, Code: "MK:0001"}, true},
		{sms.Receipt{ID: "1", State: sms.Pending}, models.Receipt{ProviderID: "1", State: models.ReceiptPending}, true},
		{sms.Receipt{ID: "1", State: sms.Delivered, Part: 1, Parts: 2}, models.Receipt{ProviderID: "1", State: models.ReceiptDelivered, Part: 1, Parts: 2}, true},
		{sms.Receipt{ID: "1", State: sms.Delivered, Part: 2, Parts: 2}, models.Receipt{ProviderID: "1", State: models.ReceiptDelivered, Part: 2, Parts: 2}, true},
		{sms.Receipt{ID: "1", State: sms.Unknown, Code: "64"}, models.Receipt{}, false},
	} {
		got, kept := tc.receipt.Record()
		if kept != tc.kept {
			t.Errorf("%v: kept %v", tc.receipt, kept)
		}
		if tc.kept {
			tc.want.Channel = models.ChannelSMS
			if tc.want.At != nil && (got.At == nil || !got.At.Equal(*tc.want.At)) {
				t.Errorf("%v: at %v", tc.receipt, got.At)
			}
			got.At, tc.want.At = nil, nil
			if got != tc.want {
				t.Errorf("%v: got %+v", tc.receipt, got)
			}
		}
	}
}

// worded gives every message the form and the facts that carriers know.
type worded struct{ *sms.Channel }

func (w worded) with(m notifier.Message) notifier.Message {
	m.Mobile = mobile
	m.SMS = notifier.SMSForm{TemplateID: "SMS_1", Signature: "督办", Body: "${a}已到期", Vars: []notifier.SMSVar{{Name: "a", Fact: "duty"}}}
	m.Facts = map[string]string{"duty": "支出进度"}
	return m
}

func (w worded) Send(ctx context.Context, m notifier.Message) (string, error) {
	return w.Channel.Send(ctx, w.with(m))
}

func (w worded) Settle(ctx context.Context, m notifier.Message, id string, at time.Time) (notifier.Fate, error) {
	return w.Channel.Settle(ctx, w.with(m), id, at)
}

func (w worded) Measure(m notifier.Message) (int, int64) { return w.Channel.Measure(w.with(m)) }

// A message whose answer is lost is asked for, and is sent again only because
// the provider says that it never had it.
func TestALostAnswerIsSettledBeforeAnythingIsSentAgain(t *testing.T) {
	clock := clockwork.NewFakeClockAt(now)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		server := startStrict(t, verifyAliyun)
		options := server.options()
		options.Clock = clock
		p, err := sms.NewAliyun(sms.AliyunConfig{Options: options, AccessKeyID: testKey, AccessKeySecret: testSecret})
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex // an aborted answer orders nothing
		sent, listed := 0, ""
		count := func() int {
			mu.Lock()
			defer mu.Unlock()
			return sent
		}
		server.respond = func(c call) (int, string) {
			mu.Lock()
			defer mu.Unlock()
			if c.action == "QuerySendDetails" {
				if listed != "" {
					return http.StatusOK, aliyunList(listed + "=3")
				}
				return http.StatusOK, aliyunList()
			}
			if sent++; sent == 1 {
				panic(http.ErrAbortHandler)
			}
			listed = c.query.Get("OutId")
			return http.StatusOK, `{"Code":"OK","BizId":"B2"}`
		}
		n := enqueue(t, s, clock)
		d := dispatcher(t, s, clock, worded{sms.NewChannel(sms.ChannelConfig{Provider: p, Price: 4500, ReceiptWait: time.Hour})})
		drain(t, d)
		if got := reload(t, s, n); got.State != models.NotificationUnknown || got.HandedAt == nil || count() != 1 {
			t.Fatalf("after %d: %+v", count(), got)
		}
		for range 60 {
			clock.Advance(time.Minute)
			drain(t, d)
		}
		got := reload(t, s, n)
		if got.State != models.NotificationDelivered || count() != 2 || got.ProviderID != "B2" || got.Parts != 1 || got.Cost != 4500 || got.ReceiptCode != "DELIVERED" {
			t.Errorf("after %d: %+v", count(), got)
		}
	})
}

func enqueue(t *testing.T, s *models.Store, clock clockwork.Clock) int64 {
	t.Helper()
	n := models.Notification{
		DedupKey: "o1|r1|sms", RecipientID: 1, Channel: models.ChannelSMS, Urgency: models.Urgent, Template: notifier.ReminderToday,
		Day:      calendar.DateOf(clock.Now()),
		Language: models.Chinese, State: models.NotificationPending, NextAttemptAt: clock.Now(),
	}
	err := s.Tx(t.Context(), "test", func(tx *models.Tx) error {
		if err := tx.Create(&models.User{Account: "w", Name: "王芳", Mobile: mobile, Language: models.Chinese, Active: true}); err != nil {
			return err
		}
		return tx.Create(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n.ID
}

func dispatcher(t *testing.T, s *models.Store, clock clockwork.Clock, c notifier.Channel) *notifier.Dispatcher {
	t.Helper()
	templates, err := notifier.NewTemplates("")
	if err != nil {
		t.Fatal(err)
	}
	d, err := notifier.NewDispatcher(notifier.Config{
		Store: s, Templates: templates, Channels: map[models.Channel]notifier.Channel{models.ChannelSMS: c},
		Clock: clock, Logger: slog.New(slog.DiscardHandler), Workers: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func drain(t *testing.T, d *notifier.Dispatcher) {
	t.Helper()
	if _, err := d.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func reload(t *testing.T, s *models.Store, id int64) models.Notification {
	t.Helper()
	var n models.Notification
	if err := s.Read(t.Context()).Take(&n, id).Error; err != nil {
		t.Fatal(err)
	}
	return n
}
