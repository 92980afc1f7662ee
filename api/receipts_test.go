package api_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"duban/api"
	"duban/models"
	"duban/models/modelstest"
	"duban/notifier/sms"
)

const (
	callbackToken = "WQ7M2KTN5XR4VPYB3HDC6ZLA8E"
	aNumber       = "13800138000"
)

// report calls an address as a provider does: from somewhere else, under a
// host name that is none of ours.
func report(h http.Handler, method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host, r.RemoteAddr = "10.0.0.5:8080", "203.0.113.7:443"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", "https://sms.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func receiving(t *testing.T, s *models.Store, log *bytes.Buffer, woken *int) http.Handler {
	t.Helper()
	receivers := map[string]*sms.Receiver{}
	for _, kind := range []sms.Kind{sms.KindAliyun, sms.KindKannel} {
		v, err := sms.NewReceiver(sms.ReceiverConfig{Kind: kind, Token: callbackToken})
		if err != nil {
			t.Fatal(err)
		}
		receivers[string(kind)] = v
	}
	return api.New(api.Options{
		Store: s, Clock: testClock(), Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Receivers: receivers, Wake: func() { *woken++ },
	})
}

func TestReceiptsReachTheMessagesThatTheyAreAbout(t *testing.T) {
	modelstest.Each(t, testClock(), func(t *testing.T, s *models.Store) {
		var log bytes.Buffer
		woken := 0
		h := receiving(t, s, &log, &woken)
		sent := testClock().Now()
		messages := make([]*models.Notification, 3)
		for i, key := range []string{"a", "b", "c"} {
			messages[i] = &models.Notification{
				DedupKey: key, RecipientID: 1, Channel: models.ChannelSMS, Day: today, Template: "reminder_today", Language: models.Chinese,
				State: models.NotificationSent, SentAt: &sent, NextAttemptAt: sent,
			}
			write(t, s, messages[i])
		}
		w := report(h, http.MethodPost, "/receipts/aliyun/"+callbackToken, `[
			{"phone_number":"`+aNumber+`","report_time":"2025-06-20 09:01:00","success":true,"err_code":"DELIVERED","biz_id":"B1","out_id":"`+messages[0].Key()+`"},
			{"phone_number":"`+aNumber+`","success":false,"err_code":"MK:0001","biz_id":"B2","out_id":"`+messages[1].Key()+`"},
			{"success":true,"biz_id":"B3","out_id":"nobody's"}]`)
		if w.Code != http.StatusOK || w.Body.String() != `{"code":0,"msg":"OK"}` || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("Aliyun is answered %d %s", w.Code, w.Body)
		}
		w = report(h, http.MethodGet, "/receipts/kannel/"+callbackToken+"?key="+messages[2].Key()+"&status=1&at=1750381260&to=%2B86"+aNumber, "")
		if w.Code != http.StatusOK || w.Body.Len() != 0 {
			t.Errorf("Kannel is answered %d %s", w.Code, w.Body)
		}
		for i, want := range []models.NotificationState{models.NotificationDelivered, models.NotificationDead, models.NotificationDelivered} {
			var n models.Notification
			if err := s.Read(t.Context()).Take(&n, messages[i].ID).Error; err != nil || n.State != want {
				t.Errorf("message %d is %s: %v", i, n.State, err)
			}
		}
		if woken != 2 {
			t.Errorf("the dispatcher was woken %d times", woken)
		}
		// The same once more changes nothing.
		if w := report(h, http.MethodPost, "/receipts/aliyun/"+callbackToken, `[{"success":false,"biz_id":"B1","out_id":"`+messages[0].Key()+`"}]`); w.Code != http.StatusOK {
			t.Errorf("again: %d", w.Code)
		}
		var n models.Notification
		if err := s.Read(t.Context()).Take(&n, messages[0].ID).Error; err != nil || n.State != models.NotificationDelivered {
			t.Errorf("what was delivered is %s: %v", n.State, err)
		}
		for _, secret := range []string{callbackToken, aNumber} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("the log tells %s:\n%s", secret, log.String())
			}
		}
		// What cannot be kept is not acknowledged.
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if w := report(h, http.MethodGet, "/receipts/kannel/"+callbackToken+"?key=1-a&status=1", ""); w.Code != http.StatusServiceUnavailable {
			t.Errorf("without a database: %d", w.Code)
		}
	})
}

func TestForgedReceiptsAreRefused(t *testing.T) {
	s := newStore(t)
	var log bytes.Buffer
	woken := 0
	h := receiving(t, s, &log, &woken)
	wrong := strings.Replace(callbackToken, "W", "V", 1)
	for _, c := range []struct {
		name, method, target, body string
		want                       int
	}{
		{"a wrong token", http.MethodPost, "/receipts/aliyun/" + wrong, `[]`, http.StatusForbidden},
		{"a provider that is not ours", http.MethodPost, "/receipts/tencent/" + callbackToken, `[]`, http.StatusForbidden},
		{"no token", http.MethodPost, "/receipts/aliyun/", `[]`, http.StatusNotFound},
		{"more of a path", http.MethodPost, "/receipts/aliyun/x/" + callbackToken, `[]`, http.StatusNotFound},
		{"no JSON", http.MethodPost, "/receipts/aliyun/" + callbackToken, `number ` + aNumber, http.StatusBadRequest},
		{"too much", http.MethodPost, "/receipts/aliyun/" + callbackToken, `["` + strings.Repeat("x", 2<<20) + `"]`, http.StatusBadRequest},
		{"no status", http.MethodGet, "/receipts/kannel/" + callbackToken + "?key=1-a", "", http.StatusBadRequest},
		{"another method", http.MethodPut, "/receipts/aliyun/" + callbackToken, `[]`, http.StatusMethodNotAllowed},
	} {
		w := report(h, c.method, c.target, c.body)
		if w.Code != c.want {
			t.Errorf("%s: %d, want %d", c.name, w.Code, c.want)
		}
		if w.Code == http.StatusForbidden && w.Body.Len() > 0 {
			t.Errorf("%s: it is told %s", c.name, w.Body)
		}
	}
	var receipts int64
	if err := s.Read(t.Context()).Model(&models.Receipt{}).Count(&receipts).Error; err != nil || receipts != 0 || woken != 0 {
		t.Errorf("%d receipts, woken %d times, %v", receipts, woken, err)
	}
	for _, secret := range []string{callbackToken, wrong, aNumber} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log tells %s:\n%s", secret, log.String())
		}
	}
	// Only these addresses are open to strangers.
	if w := report(h, http.MethodPost, "/login", ""); w.Code == http.StatusOK {
		t.Error("another page is open as well")
	}
}
