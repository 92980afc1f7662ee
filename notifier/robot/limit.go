package robot

import (
	"context"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/notifier"
)

// quota permits n messages in any stretch of time per.
type quota struct {
	n   int
	per time.Duration
}

// limiter keeps a robot within its platform's quotas. It remembers when
// messages went, instead of dripping: a bucket of 20 that refills lets nearly
// 40 through in the first minute, and DingTalk answers that with ten minutes
// of silence.
type limiter struct {
	clock  clockwork.Clock
	quotas []quota
	spare  time.Duration // what a wait must leave of the deadline, to send

	mu     sync.Mutex
	sent   []time.Time // when the last messages went or will go, oldest first
	closed time.Time   // nothing goes before
}

// wait returns once a message may go, or at once with a failure if that would
// be too late for the deadline of ctx.
func (l *limiter) wait(ctx context.Context) *notifier.SendError {
	if err := ctx.Err(); err != nil {
		return &notifier.SendError{Class: notifier.Retry, Code: "cancelled", Local: true, Err: err}
	}
	now := l.clock.Now()
	at, ok := l.reserve(ctx, now)
	if !ok {
		return &notifier.SendError{
			Class: notifier.Down, Code: "rate_limited", Local: true,
			Detail: "not before " + at.UTC().Format(time.RFC3339),
		}
	}
	if !at.After(now) {
		return nil
	}
	timer := l.clock.NewTimer(at.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.Chan():
		return nil
	case <-ctx.Done():
		return &notifier.SendError{Class: notifier.Retry, Code: "cancelled", Local: true, Err: ctx.Err()}
	}
}

// reserve returns when the next message may go, and takes that place unless it
// is too late.
func (l *limiter) reserve(ctx context.Context, now time.Time) (at time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Before(l.closed) {
		return l.closed, false
	}
	at = now
	longest := 0
	for _, q := range l.quotas {
		longest = max(longest, q.n)
		if len(l.sent) < q.n {
			continue
		}
		if free := l.sent[len(l.sent)-q.n].Add(q.per); free.After(at) {
			at = free
		}
	}
	deadline, limited := ctx.Deadline()
	if limited && at.After(now) && at.Add(l.spare).After(deadline) {
		return at, false
	}
	l.sent = append(l.sent, at)
	l.sent = l.sent[max(0, len(l.sent)-longest):]
	return at, true
}

// closeUntil keeps every message back until then.
func (l *limiter) closeUntil(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at.After(l.closed) {
		l.closed = at
	}
}
