package notifier

import (
	"math/rand/v2"
	"sync"
	"time"
)

// backoff is a range of delays that doubles with each failure up to max.
type backoff struct{ min, max time.Duration }

// The delays after a failure of a message, and of a whole channel.
var (
	messageBackoff = backoff{min: time.Minute, max: 2 * time.Hour}
	channelBackoff = backoff{min: 30 * time.Second, max: 15 * time.Minute}
)

// after returns the delay before the next attempt, given how many have failed.
// It is drawn evenly from the whole range, so that messages that failed
// together do not come back together.
func (b backoff) after(failures int) time.Duration {
	ceiling := b.max
	if failures < 16 { // beyond, doubling would overflow
		ceiling = min(b.max, b.min<<max(0, failures))
	}
	return b.min + rand.N(ceiling-b.min+1) //nolint:gosec // jitter
}

// breaker keeps a channel that is down from being hammered. It is closed while
// the channel works, and opens with a failure of class Down. After a delay it
// admits one message to try; that one closes it, or opens it for longer.
type breaker struct {
	mu       sync.Mutex
	failures int       // in a row; 0 while closed
	probing  bool      // one message is trying whether the channel is back
	retryAt  time.Time // while open: when the next probe is admitted
	cause    string    // while open
}

// admit reports whether a message may be sent now. Every message that is
// admitted must be followed by succeed, fail or abstain. One that is not may come back
// at retryAt, and cause says why.
func (b *breaker) admit(now time.Time) (ok bool, retryAt time.Time, cause string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.failures == 0:
		return true, time.Time{}, ""
	case !b.probing && !now.Before(b.retryAt):
		b.probing = true
		return true, time.Time{}, ""
	case b.probing: // its outcome is near, but not known
		return false, now.Add(channelBackoff.min), b.cause
	}
	return false, b.retryAt, b.cause
}

// fail records that the channel is down, and returns when to try again.
// Failures of messages that were under way when it opened count as one.
func (b *breaker) fail(now time.Time, cause string) (retryAt time.Time, opened bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	opened = b.failures == 0
	if opened || b.probing {
		b.failures++
		b.probing = false
		b.retryAt = now.Add(channelBackoff.after(b.failures))
		b.cause = cause
	}
	return b.retryAt, opened
}

// succeed records that the channel works, and reports whether that is news.
func (b *breaker) succeed() (recovered bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	recovered = b.failures > 0
	b.failures, b.probing, b.cause = 0, false, ""
	return recovered
}

// abstain records that nothing was learned about the channel, so that the next
// message may probe.
func (b *breaker) abstain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
}

// openUntil returns when the breaker admits a message, if not at once.
func (b *breaker) openUntil(now time.Time) (at time.Time, open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures == 0 || !b.probing && !now.Before(b.retryAt) {
		return time.Time{}, false
	}
	if b.probing {
		return now.Add(channelBackoff.min), true
	}
	return b.retryAt, true
}
