package sms_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"duban/notifier"
	"duban/notifier/sms"
)

// everyone returns every provider, with its requests going to the endpoint.
func everyone(t *testing.T, endpoint string) map[string]func(ctx context.Context) error {
	t.Helper()
	o := sms.Options{Endpoint: endpoint, Timeout: 500 * time.Millisecond}
	a, err := sms.NewAliyun(sms.AliyunConfig{Options: o, AccessKeyID: testKey, AccessKeySecret: testSecret})
	if err != nil {
		t.Fatal(err)
	}
	c, err := sms.NewTencent(sms.TencentConfig{Options: o, SecretID: testKey, SecretKey: testSecret, AppID: "1"})
	if err != nil {
		t.Fatal(err)
	}
	h, err := sms.NewHuawei(sms.HuaweiConfig{Options: o, AppKey: testKey, AppSecret: testSecret, Channel: "1"})
	if err != nil {
		t.Fatal(err)
	}
	k, err := sms.NewKannel(sms.KannelConfig{Options: o, Username: "u", Password: testSecret})
	if err != nil {
		t.Fatal(err)
	}
	send := func(p sms.Provider, m sms.Message) func(context.Context) error {
		return func(ctx context.Context) error { _, err := p.Send(ctx, m); return err }
	}
	return map[string]func(context.Context) error{
		"aliyun": send(a, named()), "tencent": send(c, positional()), "huawei": send(h, positional()), "kannel": send(k, named()),
	}
}

// expect sends by every provider and compares class and code.
func expect(t *testing.T, endpoint string, class notifier.Class, code string) {
	t.Helper()
	for kind, send := range everyone(t, endpoint) {
		err := send(t.Context())
		e := sendError(t, err)
		if e.Class != class || e.Code != strings.ReplaceAll(code, "KIND", kind) {
			t.Errorf("%s: got %v %v, want %v %s", kind, e.Class, e, class, code)
		}
		for _, secret := range []string{mobile, testSecret, "养护"} {
			if strings.Contains(err.Error(), secret) || e.Err != nil && strings.Contains(e.Err.Error(), secret) {
				t.Errorf("%s: %q is in %v (%v)", kind, secret, err, e.Err)
			}
		}
	}
}

func TestAPortThatRefuses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	expect(t, "http://"+l.Addr().String(), notifier.Retry, "sms_KIND_unreachable")
}

// The server has read the request, and then nothing more is heard of it. The
// message must not go out a second time, by us or by net/http.
func TestSilenceAfterTheRequest(t *testing.T) {
	for _, tc := range []struct {
		name string
		then func(c net.Conn)
	}{
		{"hangs", func(net.Conn) { time.Sleep(2 * time.Second) }},
		{"closes", func(net.Conn) {}},
		{"half an answer", func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 202 Acc") }},
		{"half a body", func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"Code\":\"OK\"")
		}},
		{"no HTTP at all", func(c net.Conn) { _, _ = io.WriteString(c, "220 mail.example ESMTP\r\n") }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			var requests atomic.Int32
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					go func() {
						defer func() { _ = c.Close() }()
						if n, _ := c.Read(make([]byte, 64<<10)); n > 0 {
							requests.Add(1)
							tc.then(c)
						}
					}()
				}
			}()
			expect(t, "http://"+l.Addr().String(), notifier.Unknown, "sms_KIND_unconfirmed")
			if n := requests.Load(); n != 4 {
				t.Errorf("%d requests for 4 messages", n)
			}
		})
	}
}

// net/http repeats a GET, which Kannel's is, when a connection that has served
// before breaks. Ours must not have served before.
func TestABrokenConnectionIsNotTriedAgain(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) > 1 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "0: Accepted for delivery")
	}))
	defer server.Close()
	send := everyone(t, server.URL)["kannel"]
	if err := send(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e := sendError(t, send(t.Context())); e.Class != notifier.Unknown || requests.Load() != 2 {
		t.Errorf("got %v %v after %d requests", e.Class, e, requests.Load())
	}
}

func TestAnswersWithoutACode(t *testing.T) {
	for status, want := range map[int]struct {
		class notifier.Class
		code  string
	}{
		204: {notifier.Unknown, "sms_KIND_unreadable"},
		301: {notifier.Down, "sms_KIND_http_301"},
		400: {notifier.Reject, "sms_KIND_http_400"},
		401: {notifier.Down, "sms_KIND_http_401"},
		403: {notifier.Down, "sms_KIND_http_403"},
		404: {notifier.Down, "sms_KIND_http_404"},
		429: {notifier.Down, "sms_KIND_http_429"},
		500: {notifier.Unknown, "sms_KIND_http_500"},
		502: {notifier.Unknown, "sms_KIND_http_502"},
		503: {notifier.Retry, "sms_KIND_http_503"},
		504: {notifier.Unknown, "sms_KIND_http_504"},
	} {
		var requests atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			requests.Add(1)
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			if status != http.StatusNoContent {
				_, _ = io.WriteString(w, "<html>for "+mobile+"</html>")
			}
		}))
		expect(t, server.URL, want.class, want.code)
		if n := requests.Load(); n != 4 {
			t.Errorf("%d: %d requests for 4 messages", status, n)
		}
		server.Close()
	}
}

func TestACertificateThatNobodyTrusts(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	server.Config.ErrorLog = nil
	expect(t, server.URL, notifier.Down, "sms_KIND_certificate")
}

func TestAnswersAreBounded(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"Code":"OK`)
		for range 64 {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	expect(t, server.URL, notifier.Unknown, "sms_KIND_unreadable")
}

func TestCancelledBeforeSending(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") }))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for kind, send := range everyone(t, server.URL) {
		if e := sendError(t, send(ctx)); e.Class != notifier.Retry || e.Code != "cancelled" || !e.Local {
			t.Errorf("%s: got %v", kind, e)
		}
	}
}
