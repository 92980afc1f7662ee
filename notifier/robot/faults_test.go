package robot_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/notifier"
	"duban/notifier/robot"
)

// signedAt returns how a robot signs at a moment.
func signedAt(t *testing.T, kind robot.Kind, secret string, millis int64) (stamp, sign, query string) {
	f := startFake(t, kind)
	f.misbehave(func(_ http.ResponseWriter, r *http.Request) {
		var body struct{ Timestamp, Sign string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		stamp, sign = body.Timestamp, body.Sign
		if kind == robot.DingTalk {
			query = r.URL.RawQuery
			stamp, sign = r.URL.Query().Get("timestamp"), r.URL.Query().Get("sign")
		}
	})
	r := f.robot(func(c *robot.Config) { c.Secret, c.Clock = secret, clockwork.NewFakeClockAt(time.UnixMilli(millis)) })
	_, _ = r.Send(t.Context(), reminder)
	return stamp, sign, query
}

func TestTheCodesOfThePlatforms(t *testing.T) {
	for _, tc := range []struct {
		kind   robot.Kind
		status int
		answer string
		class  notifier.Class
		code   string
		closed bool // nothing more is sent for a while
	}{
		{robot.WeCom, 200, `{"errcode":45009,"errmsg":"api freq out of limit"}`, notifier.Down, "wecom_45009", true},
		{robot.WeCom, 200, `{"errcode":45033,"errmsg":"api concurrent out of limit"}`, notifier.Down, "wecom_45033", true},
		{robot.WeCom, 200, `{"errcode":93000,"errmsg":"invalid webhook url"}`, notifier.Down, "wecom_93000", false},
		{robot.WeCom, 200, `{"errcode":60020,"errmsg":"not allow to access from your ip"}`, notifier.Down, "wecom_60020", false},
		{robot.WeCom, 200, `{"errcode":40058,"errmsg":"markdown.content exceed max length 4096"}`, notifier.Reject, "wecom_40058", false},
		{robot.WeCom, 200, `{"errcode":-1,"errmsg":"system busy"}`, notifier.Retry, "wecom_-1", false},
		{robot.WeCom, 200, `{"errcode":123456,"errmsg":"new"}`, notifier.Retry, "wecom_123456", false},
		{robot.DingTalk, 200, `{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"9f","errcode": 130101,"errmsg": "send too fast, exceed 20 times per minute"}`, notifier.Down, "dingtalk_130101", true},
		{robot.DingTalk, 200, `{"errcode":410100,"errmsg":"发送速度太快而限流"}`, notifier.Down, "dingtalk_410100", true},
		{robot.DingTalk, 200, `{"errcode":310000,"errmsg":"keywords not in content"}`, notifier.Down, "dingtalk_310000", false},
		{robot.DingTalk, 200, `{"errcode":400102,"errmsg":"机器人已停用"}`, notifier.Down, "dingtalk_400102", false},
		{robot.DingTalk, 200, `{"errcode":460101,"errmsg":"message too long, exceed 20000 bytes"}`, notifier.Reject, "dingtalk_460101", false},
		{robot.DingTalk, 200, `{"errcode":430102,"errmsg":"含有不合适的文本"}`, notifier.Reject, "dingtalk_430102", false},
		{robot.DingTalk, 200, `{"errcode":-1,"errmsg":"系统繁忙"}`, notifier.Retry, "dingtalk_-1", false},
		{robot.Feishu, 200, `{"code":11232,"msg":"frequency limited"}`, notifier.Down, "feishu_11232", true},
		{robot.Feishu, 400, `{"code":9499,"msg":"too many request","data":{}}`, notifier.Down, "feishu_9499", true},
		{robot.Feishu, 400, `{"code":9499,"msg":"Bad Request","data":{}}`, notifier.Reject, "feishu_9499", false},
		{robot.Feishu, 400, `{"code":99991400,"msg":"request trigger frequency limit"}`, notifier.Down, "feishu_99991400", true},
		{robot.Feishu, 200, `{"code":19001,"msg":"param invalid: incoming webhook access token invalid"}`, notifier.Down, "feishu_19001", false},
		{robot.Feishu, 200, `{"code":19021,"msg":"sign match fail","StatusCode":0}`, notifier.Down, "feishu_19021", false},
		{robot.Feishu, 200, `{"code":19022,"msg":"Ip Not Allowed"}`, notifier.Down, "feishu_19022", false},
		{robot.Feishu, 200, `{"code":19024,"msg":"Key Words Not Found"}`, notifier.Down, "feishu_19024", false},
		{robot.Feishu, 200, `{"StatusCode":19002,"StatusMessage":"params error"}`, notifier.Reject, "feishu_19002", false},
	} {
		t.Run(tc.answer, func(t *testing.T) {
			f := startFake(t, tc.kind)
			f.misbehave(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.answer)
			})
			r := f.robot(nil)
			_, err := r.Send(t.Context(), reminder)
			wantFailure(t, err, tc.class, tc.code)

			f.misbehave(nil)
			if !tc.closed {
				send(t, r, reminder, "")
				return
			}
			_, err = r.Send(t.Context(), reminder)
			e := wantFailure(t, err, notifier.Down, "rate_limited")
			if f.asked() != 1 || !strings.HasPrefix(e.Detail, "not before ") {
				t.Errorf("asked %d times, detail %q", f.asked(), e.Detail)
			}
			f.clock.Advance(10 * time.Minute)
			send(t, r, reminder, "")
		})
	}
}

func TestStatusesAndBrokenAnswers(t *testing.T) {
	respond := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	for _, tc := range []struct {
		name   string
		answer http.HandlerFunc
		class  notifier.Class
		code   string
	}{
		{"500", respond(500, `{"errcode":0}`), notifier.Retry, "http_500"},
		{"503", respond(503, "<html>"), notifier.Retry, "http_503"},
		{"404", respond(404, "404 page not found"), notifier.Down, "http_404"},
		{"403", respond(403, ""), notifier.Down, "http_403"},
		{"413", respond(413, ""), notifier.Reject, "http_413"},
		{"429", respond(429, ""), notifier.Down, "http_429"},
		{"an error with code 0", respond(400, `{"errcode":0,"code":0}`), notifier.Down, "http_400"},
		{"not JSON", respond(200, "<html>登录</html>"), notifier.Unknown, "bad_answer"},
		{"empty", respond(200, ""), notifier.Unknown, "bad_answer"},
		{"no code", respond(200, `{"errmsg":"ok"}`), notifier.Unknown, "bad_answer"},
		{"code is text", respond(200, `{"errcode":"0","code":"0"}`), notifier.Unknown, "bad_answer"},
		{"null", respond(200, "null"), notifier.Unknown, "bad_answer"},
		{"huge", respond(200, `{"errcode":0,"code":0,"errmsg":"`+strings.Repeat("x", 1<<20)+`"}`), notifier.Unknown, "bad_answer"},
		{"cut off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"errcode":0,"code":0}`)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, notifier.Unknown, "bad_answer"},
		{"closed before an answer", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, notifier.Unknown, "unconfirmed"},
		{"not HTTP", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := http.NewResponseController(w).Hijack()
			_, _ = io.WriteString(conn, "220 smtp.example.com ESMTP\r\n")
			_ = conn.Close()
		}, notifier.Unknown, "unconfirmed"},
	} {
		for _, kind := range kinds {
			t.Run(string(kind)+"/"+tc.name, func(t *testing.T) {
				f := startFake(t, kind)
				f.misbehave(tc.answer)
				_, err := f.robot(nil).Send(t.Context(), reminder)
				wantFailure(t, err, tc.class, string(kind)+"_"+tc.code)
			})
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var visited atomic.Bool
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visited.Store(true) }))
	defer thief.Close()
	for _, status := range []int{301, 302, 307, 308} {
		f := startFake(t, robot.WeCom)
		f.misbehave(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, thief.URL, status) })
		for _, client := range []*http.Client{nil, f.Client()} {
			_, err := f.robot(func(c *robot.Config) { c.Client = client }).Send(t.Context(), reminder)
			wantFailure(t, err, notifier.Down, fmt.Sprintf("wecom_http_%d", status))
		}
	}
	if visited.Load() {
		t.Error("a redirect was followed")
	}
}

func TestTimeoutsTellWhetherTheMessageWent(t *testing.T) {
	quick := func(c *robot.Config) { c.Timeout = 100 * time.Millisecond }
	t.Run("the server is silent after the request", func(t *testing.T) {
		f := startFake(t, robot.DingTalk)
		over := make(chan struct{})
		defer close(over)
		f.misbehave(func(http.ResponseWriter, *http.Request) { <-over })
		_, err := f.robot(quick).Send(t.Context(), reminder)
		wantFailure(t, err, notifier.Unknown, "dingtalk_unconfirmed")
	})
	t.Run("the answer is slow", func(t *testing.T) {
		f := startFake(t, robot.DingTalk)
		over := make(chan struct{})
		defer close(over)
		f.misbehave(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"errcode":0`)
			_ = http.NewResponseController(w).Flush()
			<-over
		})
		_, err := f.robot(quick).Send(t.Context(), reminder)
		wantFailure(t, err, notifier.Unknown, "dingtalk_bad_answer")
	})
	t.Run("TLS never begins", func(t *testing.T) {
		silent, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		r := newRobot(t, "https://"+silent.Addr().String(), quick)
		_, err = r.Send(t.Context(), reminder)
		if e := wantFailure(t, err, notifier.Retry, "wecom_timeout"); !e.Local {
			t.Error("a timeout says nothing about the channel")
		}
	})
	t.Run("cancelled before", func(t *testing.T) {
		f := startFake(t, robot.WeCom)
		_, err := f.robot(nil).Send(cancelled(), reminder)
		wantFailure(t, err, notifier.Retry, "cancelled")
		if f.asked() > 0 {
			t.Error("the platform was asked")
		}
	})
	t.Run("cancelled after the request", func(t *testing.T) {
		f := startFake(t, robot.WeCom)
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan struct{})
		defer close(over)
		f.misbehave(func(http.ResponseWriter, *http.Request) { cancel(); <-over })
		_, err := f.robot(nil).Send(ctx, reminder)
		wantFailure(t, err, notifier.Unknown, "wecom_unconfirmed")
	})
}

func newRobot(t *testing.T, base string, change func(*robot.Config)) *robot.Robot {
	t.Helper()
	_, host, _ := strings.Cut(base, "://")
	cfg := robot.Config{Kind: robot.WeCom, URL: base + "/cgi-bin/webhook/send?key=" + webhookKey, AllowHost: host}
	if change != nil {
		change(&cfg)
	}
	r, err := robot.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func TestTLSIsVerified(t *testing.T) {
	var visited atomic.Bool
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visited.Store(true) }))
	server.Config.ErrorLog = quietLog
	server.StartTLS()
	defer server.Close()
	_, err := newRobot(t, server.URL, nil).Send(t.Context(), reminder)
	wantFailure(t, err, notifier.Down, "wecom_certificate")

	plain := startFake(t, robot.WeCom)
	plain.Config.ErrorLog = quietLog
	_, err = newRobot(t, strings.Replace(plain.URL, "http://", "https://", 1), nil).Send(t.Context(), reminder)
	wantFailure(t, err, notifier.Down, "wecom_unreachable")
	if visited.Load() || plain.asked() > 0 {
		t.Error("the message was sent")
	}
}

func TestAClosedPortIsDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	_, err = newRobot(t, "http://"+l.Addr().String(), nil).Send(t.Context(), reminder)
	wantFailure(t, err, notifier.Down, "wecom_unreachable")
}

// Platforms like to repeat what they were sent.
func TestWordsOfThePlatformAreRedacted(t *testing.T) {
	f := startFake(t, robot.Feishu)
	f.misbehave(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"code":19001,"msg":"token %s at %s invalid,\n secret %s, mobile 13800001111, zhang@example.gov.cn %s"}`,
			webhookKey, r.URL.Path, signingKey, strings.Repeat("长", 300))
	})
	_, err := f.robot(nil).Send(t.Context(), reminder)
	e := wantFailure(t, err, notifier.Down, "feishu_19001")
	if strings.Contains(e.Detail, "13800001111") || strings.Contains(e.Detail, "@") || strings.Contains(e.Detail, "\n") ||
		!strings.HasSuffix(e.Detail, "…") || len([]rune(e.Detail)) > 201 {
		t.Errorf("detail %q", e.Detail)
	}
}

func TestRetryAfterIsHeeded(t *testing.T) {
	f := startFake(t, robot.Feishu)
	f.misbehave(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Ogw-Ratelimit-Reset", "7")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"code":99991400,"msg":"request trigger frequency limit"}`)
	})
	r := f.robot(nil)
	_, err := r.Send(t.Context(), reminder)
	wantFailure(t, err, notifier.Down, "feishu_http_429")
	f.misbehave(nil)
	f.clock.Advance(6 * time.Second)
	_, err = r.Send(t.Context(), reminder)
	wantFailure(t, err, notifier.Down, "rate_limited")
	f.clock.Advance(time.Second)
	send(t, r, reminder, "")
}
