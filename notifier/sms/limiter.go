package sms

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/notifier"
)

// Quota bounds what one provider is given to send. Zero is no limit.
type Quota struct {
	PerNumberMinute int // to one number, in any minute
	PerNumberHour   int // in any hour
	PerNumberDay    int // in a day of Beijing (自然日), as providers count
	PerSecond       int // to all numbers, in any second
}

// Limiter keeps the count for one provider. Where there are several replicas,
// they must share one.
type Limiter interface {
	// Take counts one message for the number and returns 0, or counts nothing
	// and returns how long the message has to wait.
	Take(ctx context.Context, mobile string) (wait time.Duration, err error)
}

// Limited returns a provider that stays within the limits. Providers have
// their own, but hitting those may block the number or the account for a day.
func Limited(p Provider, l Limiter) Provider { return limited{p, l} }

type limited struct {
	Provider
	limiter Limiter
}

// Send sends the message if the limits permit.
func (p limited) Send(ctx context.Context, m Message) (string, error) {
	m, failure := m.checked()
	if failure != nil {
		return "", failure
	}
	wait, err := p.limiter.Take(ctx, m.Mobile)
	switch {
	case err != nil:
		return "", &notifier.SendError{Class: notifier.Retry, Code: "sms_limit_unavailable", Local: true, Err: err}
	case wait > 0:
		return "", &notifier.SendError{Class: notifier.Retry, Code: "sms_limit", Detail: "wait " + wait.Round(time.Second).String(), Local: true}
	}
	return p.Provider.Send(ctx, m)
}

// MemoryLimiter is a Limiter for a single process. It forgets when it ends.
type MemoryLimiter struct {
	quota Quota
	clock clockwork.Clock

	mu      sync.Mutex
	recent  []time.Time            // to all numbers, in the last second
	numbers map[string][]time.Time // each in order, no older than needed
	swept   time.Time
}

// NewMemoryLimiter returns a limiter that has seen no message yet.
func NewMemoryLimiter(q Quota, clock clockwork.Clock) *MemoryLimiter {
	return &MemoryLimiter{quota: q, clock: clock, numbers: map[string][]time.Time{}, swept: clock.Now()}
}

// Take implements Limiter.
func (l *MemoryLimiter) Take(_ context.Context, mobile string) (time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	l.sweep(now)
	l.recent = since(l.recent, now.Add(-time.Second))
	times := since(l.numbers[mobile], oldest(now))
	wait := max(
		sliding(l.recent, l.quota.PerSecond, time.Second, now),
		sliding(times, l.quota.PerNumberMinute, time.Minute, now),
		sliding(times, l.quota.PerNumberHour, time.Hour, now),
		daily(times, l.quota.PerNumberDay, now),
	)
	if wait == 0 {
		l.recent = append(l.recent, now)
		times = append(times, now)
	}
	l.numbers[mobile] = times
	return wait, nil
}

// sliding returns how long until fewer than n of the times lie in a window of
// length d that ends then.
func sliding(times []time.Time, n int, d time.Duration, now time.Time) time.Duration {
	if n <= 0 || len(times) < n {
		return 0
	}
	return max(0, times[len(times)-n].Add(d).Sub(now))
}

// daily returns how long until midnight, if n of the times are of today.
func daily(times []time.Time, n int, now time.Time) time.Duration {
	start := midnight(now)
	if n <= 0 || len(since(times, start)) < n {
		return 0
	}
	return start.AddDate(0, 0, 1).Sub(now)
}

func midnight(now time.Time) time.Time {
	y, m, d := now.In(beijing).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, beijing)
}

// oldest is the earliest time that any limit still looks at.
func oldest(now time.Time) time.Time {
	hour := now.Add(-time.Hour)
	if day := midnight(now); day.Before(hour) {
		return day
	}
	return hour
}

// since returns the times from t on.
func since(times []time.Time, t time.Time) []time.Time {
	i, _ := slices.BinarySearchFunc(times, t, time.Time.Compare)
	return times[i:]
}

// sweep forgets, once an hour, the numbers that no limit looks at any more.
func (l *MemoryLimiter) sweep(now time.Time) {
	if now.Sub(l.swept) < time.Hour {
		return
	}
	l.swept = now
	for mobile, times := range l.numbers {
		if len(since(times, oldest(now))) == 0 {
			delete(l.numbers, mobile)
		}
	}
}
