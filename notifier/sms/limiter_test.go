package sms_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/notifier"
	"duban/notifier/sms"
)

// take expects to be let through, or to wait.
func take(t *testing.T, l *sms.MemoryLimiter, number string, want time.Duration) {
	t.Helper()
	if got, err := l.Take(t.Context(), number); err != nil || got != want {
		t.Fatalf("%s: got %v, %v, want %v", number, got, err, want)
	}
}

func TestLimitsOfANumber(t *testing.T) {
	clock := clockwork.NewFakeClockAt(now) // 08:30 in Beijing
	l := sms.NewMemoryLimiter(sms.Quota{PerNumberMinute: 1, PerNumberHour: 3, PerNumberDay: 5}, clock)
	take(t, l, mobile, 0)
	clock.Advance(20 * time.Second)
	take(t, l, mobile, 40*time.Second)
	take(t, l, "13900139000", 0) // another's limits are his own
	clock.Advance(40 * time.Second)
	take(t, l, mobile, 0)
	clock.Advance(time.Minute)
	take(t, l, mobile, 0)
	clock.Advance(time.Minute)
	take(t, l, mobile, 57*time.Minute)
	clock.Advance(57 * time.Minute) // 09:30
	take(t, l, mobile, 0)
	clock.Advance(time.Hour)
	take(t, l, mobile, 0)
	clock.Advance(time.Hour) // 11:30
	take(t, l, mobile, 12*time.Hour+30*time.Minute)
	clock.Advance(12*time.Hour + 30*time.Minute)
	take(t, l, mobile, 0)
}

// A refusal does not count, or a number that is asked for often would never be
// free again.
func TestRefusalsDoNotCount(t *testing.T) {
	clock := clockwork.NewFakeClockAt(now)
	l := sms.NewMemoryLimiter(sms.Quota{PerNumberMinute: 1, PerSecond: 1}, clock)
	take(t, l, mobile, 0)
	for range 59 {
		clock.Advance(time.Second)
		if wait, _ := l.Take(t.Context(), mobile); wait <= 0 {
			t.Fatal("let through too early")
		}
	}
	clock.Advance(time.Second)
	take(t, l, mobile, 0)
}

func TestLimitOfAProvider(t *testing.T) {
	clock := clockwork.NewFakeClockAt(now)
	l := sms.NewMemoryLimiter(sms.Quota{PerSecond: 2}, clock)
	take(t, l, "13800000001", 0)
	clock.Advance(300 * time.Millisecond)
	take(t, l, "13800000002", 0)
	take(t, l, "13800000003", 700*time.Millisecond)
	clock.Advance(700 * time.Millisecond)
	take(t, l, "13800000003", 0)
	take(t, l, "13800000004", 300*time.Millisecond)
}

func TestNoQuotaIsNoLimit(t *testing.T) {
	l := sms.NewMemoryLimiter(sms.Quota{}, clockwork.NewFakeClockAt(now))
	for range 1000 {
		take(t, l, mobile, 0)
	}
}

func TestLimiterIsSafeAndExactUnderLoad(t *testing.T) {
	clock := clockwork.NewFakeClockAt(now)
	l := sms.NewMemoryLimiter(sms.Quota{PerNumberDay: 10, PerSecond: 50}, clock)
	passed := make(chan bool)
	for i := range 400 {
		go func() {
			wait, err := l.Take(context.Background(), fmt.Sprintf("1380000000%d", i%4))
			passed <- err == nil && wait == 0
		}()
	}
	n := 0
	for range 400 {
		if <-passed {
			n++
		}
	}
	if n != 40 {
		t.Errorf("%d were let through, want 40", n)
	}
}

type brokenLimiter struct{}

func (brokenLimiter) Take(context.Context, string) (time.Duration, error) {
	return 0, errors.New("no database")
}

func TestLimitedProvider(t *testing.T) {
	s := subjects(t)[0]
	s.server.respond = func(call) (int, string) { return http.StatusOK, s.accept }
	p := sms.Limited(s.provider, sms.NewMemoryLimiter(sms.Quota{PerNumberMinute: 1}, clockwork.NewFakeClockAt(now)))
	if _, err := p.Send(t.Context(), s.message); err != nil {
		t.Fatal(err)
	}
	m := s.message
	m.Mobile = "008613800138000" // the same, in other words
	_, err := p.Send(t.Context(), m)
	if e := sendError(t, err); e.Class != notifier.Retry || e.Code != "sms_limit" || !e.Local || e.Detail != "wait 1m0s" {
		t.Errorf("got %v", err)
	}
	_, err = sms.Limited(s.provider, brokenLimiter{}).Send(t.Context(), s.message)
	if e := sendError(t, err); e.Code != "sms_limit_unavailable" || e.Class != notifier.Retry {
		t.Errorf("got %v", err)
	}
	m.Mobile = "1"
	if _, err = p.Send(t.Context(), m); sendError(t, err).Code != "sms_mobile_invalid" {
		t.Errorf("got %v", err)
	}
	s.server.only()
}
