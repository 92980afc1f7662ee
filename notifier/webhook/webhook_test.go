package webhook

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/notifier"
)

func TestTheReceiverTakesTheMessage(t *testing.T) {
	r := startReceiver(t, "127.0.0.1:0", false)
	w := r.webhook(t, nil)
	for range 2 { // a repeat is known by its id
		if id, err := w.Send(t.Context(), reminder); err != nil || id != reminder.Key {
			t.Fatalf("Send = %q, %v", id, err)
		}
		r.clock.Advance(time.Hour)
	}
	want := document{
		ID: 7, Key: reminder.Key, Name: "张三", Subject: reminder.Subject, Text: reminder.Text,
		Date: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
	}
	if got := r.taken[reminder.Key]; got != want || r.repeats != 1 {
		t.Errorf("taken %+v and %d repeats, want %+v", got, r.repeats, want)
	}
}

func TestAMessageWithoutADateIsFromNow(t *testing.T) {
	r := startReceiver(t, "127.0.0.1:0", false)
	m := reminder
	m.Date = time.Time{}
	if _, err := r.webhook(t, nil).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := r.taken[m.Key].Date; !got.Equal(r.clock.Now().Truncate(time.Second)) {
		t.Errorf("date %v, now %v", got, r.clock.Now())
	}
}

func TestTestSaysThatItIsOne(t *testing.T) {
	r := startReceiver(t, "127.0.0.1:0", false)
	if err := r.webhook(t, nil).Test(t.Context()); err != nil || len(r.taken) != 1 {
		t.Fatalf("%d taken: %v", len(r.taken), err)
	}
	for _, d := range r.taken {
		if !d.Test || !strings.Contains(d.Subject, "测试") {
			t.Errorf("taken %+v", d)
		}
	}
}

func TestAnotherSecretIsDown(t *testing.T) {
	r := startReceiver(t, "127.0.0.1:0", false)
	w := r.webhook(t, func(c *Config) { c.Secret = secret + "!" })
	_, err := w.Send(t.Context(), reminder)
	wantFailure(t, err, notifier.Down, "webhook_http_401")
}

// The vector was computed with Python's hmac and is checked with openssl.
func TestKnownSignature(t *testing.T) {
	w, err := New(Config{
		URL: "https://example.com/", Secret: "whsec_test_secret", Allow: []string{"example.com"},
		Clock: clockwork.NewFakeClockAt(time.Unix(1492774577, 0)),
	})
	if err != nil {
		t.Fatal(err)
	}
	const body, want = `{"id":7,"text":"督办"}`, "11442c33f1a77ceed623e54bd11c90069053ca40fc71c2cad5d8516e8f7ca445"
	if got := w.signature([]byte(body)); got != "t=1492774577,v1="+want {
		t.Errorf("signature %s", got)
	}
	if got := byHand("whsec_test_secret", "1492774577."+body); got != want {
		t.Errorf("by hand: %s", got)
	}
	if _, err := exec.LookPath("openssl"); err != nil {
		return
	}
	cmd := exec.Command("openssl", "dgst", "-sha256", "-hmac", "whsec_test_secret", "-r")
	cmd.Stdin = strings.NewReader("1492774577." + body)
	if out, err := cmd.Output(); err != nil || !strings.HasPrefix(string(out), want) {
		t.Errorf("openssl says %s, %v", out, err)
	}
}

func TestStatuses(t *testing.T) {
	for status, class := range map[int]notifier.Class{
		400: notifier.Reject, 404: notifier.Reject, 410: notifier.Reject, 413: notifier.Reject, 422: notifier.Reject,
		401: notifier.Down, 403: notifier.Down, 405: notifier.Down, 407: notifier.Down, 415: notifier.Down, 429: notifier.Down,
		300: notifier.Down, 301: notifier.Down, 304: notifier.Down, 308: notifier.Down,
		408: notifier.Retry, 425: notifier.Retry, 500: notifier.Retry, 502: notifier.Retry, 503: notifier.Retry, 504: notifier.Retry,
	} {
		r := startReceiver(t, "127.0.0.1:0", false)
		r.misbehave(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "what anybody could say: "+secret)
		})
		_, err := r.webhook(t, nil).Send(t.Context(), reminder)
		wantFailure(t, err, class, fmt.Sprintf("webhook_http_%d", status))
	}
	for _, status := range []int{200, 201, 202, 204, 299} {
		r := startReceiver(t, "127.0.0.1:0", false)
		r.misbehave(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		if _, err := r.webhook(t, nil).Send(t.Context(), reminder); err != nil {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestRetryAfterIsHeeded(t *testing.T) {
	for _, tc := range []struct {
		after func(now time.Time) string
		wait  time.Duration
	}{
		{func(time.Time) string { return "7" }, 7 * time.Second},
		{func(now time.Time) string { return now.Add(90 * time.Second).UTC().Format(http.TimeFormat) }, 90 * time.Second},
		{func(time.Time) string { return "" }, time.Minute},
		{func(time.Time) string { return "soon" }, time.Minute},
		{func(time.Time) string { return "-5" }, time.Second},
		{func(time.Time) string { return "99999999" }, time.Hour},
		{func(now time.Time) string { return now.AddDate(9, 0, 0).UTC().Format(http.TimeFormat) }, time.Hour},
	} {
		r := startReceiver(t, "127.0.0.1:0", false)
		r.clock = clockwork.NewFakeClockAt(time.Now().Truncate(time.Second))
		after := tc.after(r.clock.Now())
		r.misbehave(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", after)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		w := r.webhook(t, nil)
		_, err := w.Send(t.Context(), reminder)
		wantFailure(t, err, notifier.Down, "webhook_http_429")
		r.misbehave(nil)
		r.clock.Advance(tc.wait - time.Millisecond)
		_, err = w.Send(t.Context(), reminder)
		if e := wantFailure(t, err, notifier.Down, "rate_limited"); r.asked() != 1 || !strings.HasPrefix(e.Detail, "not before ") {
			t.Errorf("%q: asked %d times, detail %q", after, r.asked(), e.Detail)
		}
		r.clock.Advance(time.Millisecond)
		if _, err := w.Send(t.Context(), reminder); err != nil {
			t.Errorf("%q: %v", after, err)
		}
	}
}

func TestBrokenAnswers(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"closed before an answer": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"not HTTP": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := http.NewResponseController(w).Hijack()
			_, _ = io.WriteString(conn, "220 smtp.example.com ESMTP\r\n")
			_ = conn.Close()
		},
		"a head without end": func(w http.ResponseWriter, _ *http.Request) {
			for range 1000 {
				w.Header().Add("X-Long", strings.Repeat("x", 1000))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := startReceiver(t, "127.0.0.1:0", false)
			r.misbehave(answer)
			_, err := r.webhook(t, nil).Send(t.Context(), reminder)
			wantFailure(t, err, notifier.Unknown, "webhook_unconfirmed")
		})
	}
}

// The status is the answer; what becomes of the body does not matter.
func TestABrokenBodyIsNoFailure(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "ok")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
		"huge": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat("x", 1<<16)); err != nil {
					return
				}
			}
		},
		"endless": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "ok")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := startReceiver(t, "127.0.0.1:0", false)
			r.misbehave(answer)
			w := r.webhook(t, func(c *Config) { c.Timeout = 300 * time.Millisecond })
			if _, err := w.Send(t.Context(), reminder); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTimeoutsTellWhetherTheMessageWent(t *testing.T) {
	quick := func(c *Config) { c.Timeout = 100 * time.Millisecond }
	t.Run("silent after the request", func(t *testing.T) {
		r := startReceiver(t, "127.0.0.1:0", false)
		over := make(chan struct{})
		defer close(over)
		r.misbehave(func(http.ResponseWriter, *http.Request) { <-over })
		_, err := r.webhook(t, quick).Send(t.Context(), reminder)
		wantFailure(t, err, notifier.Unknown, "webhook_unconfirmed")
	})
	t.Run("TLS never begins", func(t *testing.T) {
		silent, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		r := startReceiver(t, "127.0.0.1:0", false)
		w := r.webhook(t, func(c *Config) { quick(c); c.URL = "https://" + silent.Addr().String() + "/" + pathKey })
		_, err = w.Send(t.Context(), reminder)
		if e := wantFailure(t, err, notifier.Retry, "webhook_timeout"); !e.Local {
			t.Error("a timeout says nothing about the channel")
		}
	})
	t.Run("cancelled before", func(t *testing.T) {
		r := startReceiver(t, "127.0.0.1:0", false)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := r.webhook(t, nil).Send(ctx, reminder)
		wantFailure(t, err, notifier.Retry, "cancelled")
	})
	t.Run("a closed port", func(t *testing.T) {
		r := startReceiver(t, "127.0.0.1:0", false)
		w := r.webhook(t, nil)
		r.Close()
		_, err := w.Send(t.Context(), reminder)
		wantFailure(t, err, notifier.Down, "webhook_unreachable")
	})
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var visited atomic.Bool
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visited.Store(true) }))
	defer inner.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		r := startReceiver(t, "127.0.0.1:0", false)
		r.misbehave(func(w http.ResponseWriter, req *http.Request) { http.Redirect(w, req, inner.URL, status) })
		_, err := r.webhook(t, nil).Send(t.Context(), reminder)
		wantFailure(t, err, notifier.Down, fmt.Sprintf("webhook_http_%d", status))
	}
	if visited.Load() {
		t.Error("a redirect was followed")
	}
}

func TestTLSIsVerified(t *testing.T) {
	r := startReceiver(t, "127.0.0.1:0", true)
	_, err := r.webhook(t, nil).Send(t.Context(), reminder)
	wantFailure(t, err, notifier.Down, "webhook_certificate")
	if r.asked() > 0 {
		t.Error("the message was sent")
	}
	w := r.webhook(t, func(c *Config) { c.CAFile = r.caFile(t) })
	if _, err := w.Send(t.Context(), reminder); err != nil {
		t.Error(err)
	}
	// A certificate for another name, from an authority that is trusted.
	n := &names{}
	n.mean("127.0.0.1")
	other := r.webhook(t, func(c *Config) {
		c.CAFile, c.resolver = r.caFile(t), n.resolver()
		c.URL, c.Allow = strings.Replace(r.URL, "127.0.0.1", "hooks.invalid", 1)+"/"+pathKey, append(c.Allow, "hooks.invalid")
	})
	_, err = other.Send(t.Context(), reminder)
	wantFailure(t, err, notifier.Down, "webhook_certificate")
}
