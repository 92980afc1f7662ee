package cmpp

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// backoff is a range of delays that doubles with each failure up to max.
type backoff struct{ min, max time.Duration }

// The delays before the next attempt.
var (
	reconnect = backoff{min: time.Second, max: time.Minute}
	slowdown  = backoff{min: time.Second, max: 16 * time.Second} // flow control
)

// refusedDelay follows a refused login: hammering a gateway with a wrong
// password may lock the account.
const refusedDelay = 5 * time.Minute

// after returns the delay after a number of failures, at least one. Half of it
// is drawn, so that connections lost together do not come back together.
func (b backoff) after(failures int) time.Duration {
	ceiling := b.max
	if failures < 16 { // beyond, doubling would overflow
		ceiling = min(b.max, b.min<<max(0, failures-1))
	}
	return ceiling/2 + rand.N(ceiling/2+1) //nolint:gosec // jitter
}

// sleep waits for a while, or until ctx ends.
func sleep(ctx context.Context, clock clockwork.Clock, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.Chan():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pacer keeps the parts of all connections apart from each other.
type pacer struct {
	clock    clockwork.Clock
	interval time.Duration // between two parts; may be 0

	mu   sync.Mutex
	next time.Time // the earliest moment for the next part
}

func newPacer(clock clockwork.Clock, perSecond int) *pacer {
	p := &pacer{clock: clock}
	if perSecond > 0 {
		p.interval = time.Second / time.Duration(perSecond)
	}
	return p
}

// wait waits for the turn of one part.
func (p *pacer) wait(ctx context.Context) error {
	p.mu.Lock()
	now := p.clock.Now()
	turn := now
	if p.next.After(now) {
		turn = p.next
	}
	p.next = turn.Add(p.interval)
	p.mu.Unlock()
	return sleep(ctx, p.clock, turn.Sub(now))
}

// hold lets no part go for a while.
func (p *pacer) hold(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := p.clock.Now().Add(d); until.After(p.next) {
		p.next = until
	}
}
