package sms_test

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/api"
	"duban/models"
	"duban/models/modelstest"
	"duban/notifier/sms"
)

// A message goes through a real Kannel to the carrier, and what the carrier
// says comes back through the console's own address into the outbox.
func TestKannelReportsToTheConsole(t *testing.T) {
	k := startKannel(t)
	clock := clockwork.NewFakeClockAt(now)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		v, err := sms.NewReceiver(sms.ReceiverConfig{Kind: sms.KindKannel, Token: token})
		if err != nil {
			t.Fatal(err)
		}
		woken := make(chan struct{}, 100)
		console := httptest.NewServer(api.New(api.Options{
			Store: s, Clock: clock, Logger: slog.New(slog.DiscardHandler),
			Receivers: map[string]*sms.Receiver{"kannel": v}, Wake: func() { woken <- struct{}{} },
		}))
		defer console.Close()
		g, err := sms.NewKannel(sms.KannelConfig{
			Options: sms.Options{Endpoint: k.sendsms}, Username: "duban", Password: "s3cret", CallbackURL: console.URL + "/receipts/kannel/" + token,
		})
		if err != nil {
			t.Fatal(err)
		}
		n := enqueue(t, s, clock)
		drain(t, dispatcher(t, s, clock, worded{sms.NewChannel(sms.ChannelConfig{Provider: g, ReceiptWait: time.Hour})}))
		if to, _, text := k.part(); to != mobile || text != "【督办】支出进度已到期" {
			t.Errorf("the carrier got %q for %s", text, to)
		}
		for patience := time.After(20 * time.Second); ; {
			select {
			case <-woken:
			case <-patience:
				t.Fatalf("no receipt came: %+v", reload(t, s, n))
			}
			if got := reload(t, s, n); got.State == models.NotificationDelivered {
				if got.ReceiptCode != "1" || got.DeliveredAt == nil || got.ReceiptDueAt != nil {
					t.Errorf("delivered: %+v", got)
				}
				return
			}
		}
	})
	for len(k.arrivals) > 0 {
		if line := <-k.arrivals; strings.Contains(line, mobile) {
			t.Errorf("it was sent again: %s", line)
		}
	}
}
