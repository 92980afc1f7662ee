package notifier

import (
	"context"
	"sync"
	"time"

	"duban/models"
)

// recorder records the outcomes of a batch while its next messages are being
// sent: all that come up within a moment go into one transaction. What it has
// not recorded when the process dies is sent again, so the moment is short.
type recorder struct {
	b    *batch
	in   chan models.Finished
	done chan struct{}

	mu    sync.Mutex
	err   error
	stats Stats
}

// startRecorder returns a recorder at work. Its writes outlive ctx.
func startRecorder(ctx context.Context, b *batch) *recorder {
	r := &recorder{b: b, in: make(chan models.Finished, len(b.rows)), done: make(chan struct{})}
	go r.run(ctx)
	return r
}

// add has an outcome recorded.
func (r *recorder) add(n models.Notification, o models.Outcome) {
	r.in <- models.Finished{Notification: n, Outcome: o}
}

// failed reports whether outcomes cannot be recorded.
func (r *recorder) failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err != nil
}

// stop waits until everything is recorded.
func (r *recorder) stop() (Stats, error) {
	close(r.in)
	<-r.done
	return r.stats, r.err
}

func (r *recorder) run(ctx context.Context) {
	defer close(r.done)
	for first := range r.in {
		if r.failed() {
			continue // it is sent again; the lease says when
		}
		if err := r.write(ctx, r.gather(first)); err != nil {
			r.mu.Lock()
			r.err = err
			r.mu.Unlock()
		}
	}
}

// gatherFor is how long outcomes are gathered for one transaction.
const gatherFor = 20 * time.Millisecond

// gather returns the outcomes that come up within a moment of the first, fewer
// if there are no more.
func (r *recorder) gather(first models.Finished) []models.Finished {
	all := []models.Finished{first}
	moment := time.NewTimer(gatherFor) //nolint:forbidigo // as a network deadline, it is real time
	defer moment.Stop()
	for {
		select {
		case f, ok := <-r.in:
			if !ok {
				return all
			}
			all = append(all, f)
		case <-moment.C:
			return all
		}
	}
}

// write records outcomes. It tries hard: a message that was sent and is not
// recorded is sent again.
func (r *recorder) write(ctx context.Context, all []models.Finished) error {
	ctx, cancel := settled(ctx)
	defer cancel()
	for {
		lost, err := r.b.d.cfg.Store.FinishNotifications(ctx, r.b.token, all)
		if err == nil {
			r.count(all, lost)
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-r.b.d.cfg.Clock.After(recordPause):
		}
	}
}

// recordPause is the time between two attempts to record outcomes.
const recordPause = time.Second

func (r *recorder) count(all []models.Finished, lost []int64) {
	gone := map[int64]bool{}
	for _, id := range lost {
		gone[id] = true
		r.b.d.cfg.Logger.Warn("message was taken over by another dispatcher", "notification", id)
	}
	r.stats.Lost += len(lost)
	for _, f := range all {
		if !gone[f.ID] {
			r.stats.count(f.Outcome)
		}
	}
}

func (s *Stats) count(o models.Outcome) {
	switch {
	case o.FallBack:
		s.FellBack++
	case o.State == models.NotificationSent:
		s.Sent++
	case o.State == models.NotificationDead:
		s.Dead++
	case o.State == models.NotificationUnknown:
		s.Unknown++
	case o.State == models.NotificationSuppressed:
		s.Settled++
	case o.Untried:
		s.Released++
	default:
		s.Failed++
	}
}
