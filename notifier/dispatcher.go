package notifier

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
)

// Config is what a dispatcher needs. Store, Templates and Channels must be
// given; zero values of the rest stand for the defaults.
type Config struct {
	Store     *models.Store
	Templates *Templates // under the wordings that are published
	// Channels are those that are set up. A message for another one waits
	// until it is.
	Channels map[models.Channel]Channel

	Workers int           // batches at a time; 2
	Batch   int           // messages claimed at a time; 20
	Lease   time.Duration // how long a claim holds unless renewed; 3 min
	MaxAge  time.Duration // for how long a message that fails is tried; 72 h
	// FallbackAfter and UrgentFallbackAfter are for how long a message may fail
	// before the next channel of its route takes over; 2 h and 15 min. One that
	// the channel refuses for good, or that somebody waits for, falls back at once.
	FallbackAfter       time.Duration
	UrgentFallbackAfter time.Duration
	// Quotas bound what channels are given to send, over all replicas.
	Quotas map[models.Channel]models.Quota
	Poll   time.Duration // how often to look for work without a reason; 30 s
	Grace  time.Duration // for a message in flight when stopping; 10 s

	Clock  clockwork.Clock
	Logger *slog.Logger
}

// The defaults of Config.
const (
	defaultWorkers = 2
	defaultBatch   = 20
	defaultLease   = 3 * time.Minute
	defaultMaxAge  = 72 * time.Hour
	defaultGrace   = 10 * time.Second

	defaultFallback       = 2 * time.Hour
	defaultUrgentFallback = 15 * time.Minute
	// Timers stand still while a machine is suspended, so the clock is looked
	// at no less often than this.
	defaultPoll = 30 * time.Second
)

func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Store == nil || c.Templates == nil:
		return c, errors.New("dispatcher: a store and templates are needed")
	case len(c.Channels) == 0:
		return c, errors.New("dispatcher: no channel is set up")
	}
	c.Workers = positive(c.Workers, defaultWorkers)
	c.Batch = positive(c.Batch, defaultBatch)
	c.Lease = positive(c.Lease, defaultLease)
	c.MaxAge = positive(c.MaxAge, defaultMaxAge)
	c.FallbackAfter = positive(c.FallbackAfter, defaultFallback)
	c.UrgentFallbackAfter = positive(c.UrgentFallbackAfter, defaultUrgentFallback)
	c.Poll = positive(c.Poll, defaultPoll)
	c.Grace = positive(c.Grace, defaultGrace)
	if c.Clock == nil {
		c.Clock = clockwork.NewRealClock()
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, nil
}

func positive[T int | time.Duration](n, otherwise T) T {
	if n <= 0 {
		return otherwise
	}
	return n
}

// Dispatcher drains the outbox. Any number of them may work on one database.
type Dispatcher struct {
	cfg      Config
	library  *Library
	channels map[models.Channel]*outlet
	wake     chan struct{}
}

// outlet is a channel behind its circuit breaker.
type outlet struct {
	Channel
	name    models.Channel
	careful Careful // nil if the channel recognises a repeat, or a repeat does no harm
	breaker breaker

	mu    sync.Mutex
	noted time.Time // when it was last recorded that the channel works
}

// noteEvery is how often it is recorded that a channel works.
const noteEvery = time.Minute

// worth reports whether it is worth recording that the channel works.
func (o *outlet) worth(now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now.Sub(o.noted) < noteEvery {
		return false
	}
	o.noted = now
	return true
}

// NewDispatcher returns a dispatcher. The caller closes the channels after it
// has stopped.
func NewDispatcher(cfg Config) (*Dispatcher, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	d := &Dispatcher{cfg: cfg, library: NewLibrary(cfg.Templates, cfg.Store, cfg.Logger), channels: map[models.Channel]*outlet{}, wake: make(chan struct{}, 1)}
	for name, ch := range cfg.Channels {
		careful, _ := ch.(Careful)
		d.channels[name] = &outlet{Channel: ch, name: name, careful: careful}
	}
	return d, nil
}

// Stats counts what a drain did.
type Stats struct {
	Sent     int
	Failed   int // to be tried again
	Dead     int // given up
	Released int // put back untried: their channel is down, it is not their time, or we are stopping
	Lost     int // taken over by another dispatcher, whose outcome counts
	Unknown  int // may have been sent; the provider is asked
	FellBack int // another channel has taken over
	Settled  int // not worth saying any more, or silenced
}

func (s *Stats) add(o Stats) {
	s.Sent += o.Sent
	s.Failed += o.Failed
	s.Dead += o.Dead
	s.Released += o.Released
	s.Lost += o.Lost
	s.Unknown += o.Unknown
	s.FellBack += o.FellBack
	s.Settled += o.Settled
}

// Wake makes Run look for work at once. It never blocks.
func (d *Dispatcher) Wake() {
	select {
	case d.wake <- struct{}{}:
	default: // it is awake already
	}
}

// Run drains the outbox until ctx ends, whenever a message is due, and asks for
// receipts beside, which may take as long as providers like. Then it finishes
// the messages in flight, puts back the rest and returns. An error of the
// database is logged, and the next round tries again.
func (d *Dispatcher) Run(ctx context.Context) {
	var confirming sync.WaitGroup
	defer confirming.Wait()
	if d.receiptWait() > 0 {
		confirming.Go(func() { d.confirmAll(ctx) })
	}
	for ctx.Err() == nil {
		stats, err := d.send(ctx)
		if err != nil {
			d.cfg.Logger.Error("outbox not drained", "error", err)
		}
		if stats != (Stats{}) {
			d.cfg.Logger.Info("outbox drained", "sent", stats.Sent, "failed", stats.Failed,
				"dead", stats.Dead, "released", stats.Released, "lost", stats.Lost,
				"unknown", stats.Unknown, "fell_back", stats.FellBack, "settled", stats.Settled)
		}
		d.rest(ctx, d.pause(ctx), d.wake)
	}
}

// rest waits for a while, unless it is woken or ctx ends.
func (d *Dispatcher) rest(ctx context.Context, pause time.Duration, wake <-chan struct{}) {
	timer := d.cfg.Clock.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.Chan():
	}
}

// minPause keeps messages that are due but cannot be claimed from turning Run
// into a busy loop.
const minPause = time.Second

// pause returns how long there is nothing to do.
func (d *Dispatcher) pause(ctx context.Context) time.Duration {
	now := d.cfg.Clock.Now()
	next := now.Add(d.cfg.Poll)
	if at, ok, err := d.cfg.Store.NextNotificationAt(ctx); err == nil && ok && at.Before(next) {
		next = at
	}
	if at, down := d.allDown(now); down && at.After(next) {
		next = at
	}
	return min(d.cfg.Poll, max(minPause, next.Sub(now)))
}

// Drain sends every message that is due, until none is left, no channel works,
// or ctx ends, which is no error. Then it asks once for the receipts that are
// due. Its errors are the database's; what happens to single messages is
// recorded with them.
func (d *Dispatcher) Drain(ctx context.Context) (Stats, error) {
	stats, err := d.send(ctx)
	_, failure := d.confirm(ctx)
	return stats, errors.Join(err, failure)
}

// send sends every message that is due.
func (d *Dispatcher) send(ctx context.Context) (Stats, error) {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		total Stats
		errs  []error
	)
	for range d.cfg.Workers {
		wg.Go(func() {
			stats, err := d.work(ctx)
			mu.Lock()
			defer mu.Unlock()
			total.add(stats)
			errs = append(errs, err)
		})
	}
	wg.Wait()
	return total, errors.Join(errs...)
}

// work claims and delivers batches until there is nothing to do.
func (d *Dispatcher) work(ctx context.Context) (Stats, error) {
	var stats Stats
	for ctx.Err() == nil {
		if _, down := d.allDown(d.cfg.Clock.Now()); down {
			break
		}
		b, err := d.claim(ctx)
		if err != nil || len(b.rows) == 0 {
			return stats, err
		}
		delivered, err := b.deliver(ctx)
		stats.add(delivered)
		if err != nil {
			return stats, err
		}
	}
	return stats, nil
}

// allDown reports whether every channel is down, and when the first one may be
// tried again. Claiming would then only churn the outbox.
func (d *Dispatcher) allDown(now time.Time) (until time.Time, down bool) {
	for _, ch := range d.channels {
		at, open := ch.breaker.openUntil(now)
		if !open {
			return time.Time{}, false
		}
		if until.IsZero() || at.Before(until) {
			until = at
		}
	}
	return until, true
}
