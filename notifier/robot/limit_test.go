package robot_test

import (
	"context"
	"io"
	"log"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"duban/notifier"
	"duban/notifier/robot"
)

var quietLog = log.New(io.Discard, "", 0)

// soon ends a test that would wait for ever.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// No stretch of a minute may hold more messages than the platform takes.
func TestQuotasHoldInEveryMinute(t *testing.T) {
	for kind, quota := range map[robot.Kind]int{robot.WeCom: 20, robot.DingTalk: 20, robot.Feishu: 5} {
		t.Run(string(kind), func(t *testing.T) {
			f := startFake(t, kind)
			r := f.robot(nil)
			for range quota {
				send(t, r, reminder, "")
			}
			// The next would have to wait for longer than its caller.
			ctx, cancel := context.WithDeadline(t.Context(), f.clock.Now().Add(time.Second))
			defer cancel()
			_, err := r.Send(ctx, reminder)
			e := wantFailure(t, err, notifier.Down, "rate_limited")
			if f.asked() != quota || !strings.HasPrefix(e.Detail, "not before ") {
				t.Errorf("asked %d times, detail %q", f.asked(), e.Detail)
			}
			// Without a deadline it waits.
			done := make(chan error, 1)
			go func() {
				_, err := r.Send(context.Background(), reminder)
				done <- err
			}()
			if err := f.clock.BlockUntilContext(soon(t), 1); err != nil {
				t.Fatal(err)
			}
			f.clock.Advance(time.Second)
			if f.asked() != quota {
				t.Error("it did not wait")
			}
			f.clock.Advance(62 * time.Second)
			if err := <-done; err != nil || f.asked() != quota+1 {
				t.Errorf("asked %d times: %v", f.asked(), err)
			}
		})
	}
}

func TestFeishuTakesAHundredAMinute(t *testing.T) {
	f := startFake(t, robot.Feishu)
	r := f.robot(nil)
	for i := range 100 {
		if i > 0 && i%5 == 0 {
			f.clock.Advance(1200 * time.Millisecond)
		}
		send(t, r, reminder, "")
	}
	f.clock.Advance(1200 * time.Millisecond)
	ctx, cancel := context.WithDeadline(t.Context(), f.clock.Now().Add(2*time.Second))
	defer cancel()
	_, err := r.Send(ctx, reminder)
	wantFailure(t, err, notifier.Down, "rate_limited")
	f.clock.Advance(40 * time.Second)
	send(t, r, reminder, "")
}

// Messages that wait together keep their distance.
func TestWaitingMessagesKeepTheQuota(t *testing.T) {
	f := startFake(t, robot.WeCom)
	r := f.robot(nil)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := r.Send(context.Background(), reminder); err != nil {
				t.Error(err)
			}
		})
	}
	for _, sent := range []int{20, 40, 50} {
		if sent < 50 {
			if err := f.clock.BlockUntilContext(soon(t), 50-sent); err != nil {
				t.Fatal(err)
			}
		} else {
			wg.Wait()
		}
		for f.asked() < sent {
			time.Sleep(time.Millisecond)
		}
		if f.asked() != sent {
			t.Fatalf("%d messages went, want %d", f.asked(), sent)
		}
		f.clock.Advance(62 * time.Second)
	}
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	f := startFake(t, robot.WeCom)
	r := f.robot(nil)
	for range 20 {
		send(t, r, reminder, "")
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := r.Send(ctx, reminder)
		done <- err
	}()
	if err := f.clock.BlockUntilContext(soon(t), 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	wantFailure(t, <-done, notifier.Retry, "cancelled")
}

// Whatever a message says, the strict fakes take it: it is valid, and within
// the limits. In markdown nothing of it is markup but our own.
func FuzzMessagesAreTaken(f *testing.F) {
	f.Add("【督办】", "张三，您好：\n    # 意见\nhttps://duban.example.gov.cn/links/a_b-c.d。", 1)
	f.Add("a\r\nb\x00", "<@all> [x](http://evil.cn) ![y](z) `code` **b** https://a.cn/(b)_[c]", 1)
	f.Add("\xff\xfe", "\u202e\u2028*\u2029> q\n1. x\n- y\n---\n===\n\n\n\n| a | b |", 300)
	f.Add("", "https://用户:密码@x.cn http://:80 https://[::1]/ http://a.cn:99999/%zz", 2000)
	fakes := map[robot.Kind]*fake{}
	robots := map[robot.Kind]*robot.Robot{}
	for _, kind := range kinds {
		fakes[kind] = startFake(f, kind)
		robots[kind] = fakes[kind].robot(nil)
	}
	f.Fuzz(func(t *testing.T, subject, text string, times int) {
		m := notifier.Message{Subject: subject, Text: strings.Repeat(text, 1+min(max(0, times), 1<<16/(len(text)+1)))}
		for kind, r := range robots {
			fakes[kind].clock.Advance(time.Hour)
			_, err := r.SendTo(t.Context(), m, "13800001111")
			if err != nil { // there is nothing in it to show
				wantFailure(t, err, notifier.Reject, string(kind)+"_empty")
				continue
			}
			received := fakes[kind].messages()
			got := received[len(received)-1]
			if !utf8.ValidString(got.text) || strings.ContainsFunc(got.text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
				t.Errorf("%s shows %q", kind, got.text)
			}
			if kind == robot.DingTalk {
				checkMarkdown(t, got.text)
			}
		}
	})
}

func checkMarkdown(t *testing.T, shown string) {
	t.Helper()
	body := strings.TrimPrefix(shown, "@13800001111\n\n")
	body = strings.TrimPrefix(body, "### ")
	for {
		before, rest, found := strings.Cut(body, "[")
		if strings.ContainsAny(before, "`*_~]<>|#\\&") {
			t.Fatalf("markup in %q", before)
		}
		if !found {
			return
		}
		host, rest, ok1 := strings.Cut(rest, "](http")
		href, rest, ok2 := strings.Cut(rest, ")")
		if !ok1 || !ok2 || strings.ContainsAny(host, "[]`*_<>") || strings.ContainsAny(href, " []()<>\n`*\"") {
			t.Fatalf("a broken link in %q", shown)
		}
		body = rest
	}
}
