package notifier

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"duban/models"
)

// batch is a number of messages claimed together, under one lease.
type batch struct {
	d       *Dispatcher
	token   string
	rows    []models.Notification
	renewed time.Time // the moment before the lease was last granted
	stats   Stats
}

// databaseTimeout bounds what must be written even when we are stopping.
const databaseTimeout = 10 * time.Second

// settled returns a context for a write that must not be torn: it outlives
// ctx, but not for long.
func settled(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), databaseTimeout)
}

// claim takes the next batch. It is not cut short by ctx: a claim that commits
// unseen would hold its messages until the lease runs out.
func (d *Dispatcher) claim(ctx context.Context) (*batch, error) {
	ctx, cancel := settled(ctx)
	defer cancel()
	b := &batch{d: d, token: rand.Text(), renewed: d.cfg.Clock.Now()}
	var err error
	b.rows, err = d.cfg.Store.ClaimNotifications(ctx, b.token, d.cfg.Batch, d.cfg.Lease)
	return b, err
}

// deliver sends the messages in the order in which they were due, so one
// person's arrive in order. When ctx ends, or the lease is lost, it puts back
// those that have not been sent.
func (b *batch) deliver(ctx context.Context) error {
	users, err := b.recipients(ctx)
	if err != nil {
		return errors.Join(err, b.putBack(ctx, b.rows))
	}
	for i, n := range b.rows {
		if ctx.Err() != nil || !b.holdsLease(ctx) {
			return b.putBack(ctx, b.rows[i:])
		}
		if err := b.finish(ctx, n, b.attempt(ctx, n, users)); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) recipients(ctx context.Context) (map[int64]models.User, error) {
	ctx, cancel := settled(ctx)
	defer cancel()
	ids := make([]int64, 0, len(b.rows))
	for _, n := range b.rows {
		ids = append(ids, n.RecipientID)
	}
	return b.d.cfg.Store.UsersByID(ctx, ids)
}

// attempt tries to send one message and returns what became of it.
func (b *batch) attempt(ctx context.Context, n models.Notification, users map[int64]models.User) models.Outcome {
	m, failure := b.message(n, users)
	if failure != nil {
		return b.judge(n, failure)
	}
	now := b.d.cfg.Clock.Now()
	out, ok := b.d.channels[n.Channel]
	if !ok {
		return released(now.Add(channelBackoff.after(unconfiguredFailures)), "channel_not_configured")
	}
	if ok, retryAt, cause := out.breaker.admit(now); !ok {
		return released(retryAt, cause)
	}
	sending, cancel := b.d.sendContext(ctx)
	defer cancel()
	providerID, err := out.Send(sending, m)
	if err == nil {
		b.works(n.Channel, out)
		return models.Outcome{State: models.NotificationSent, ProviderID: providerID}
	}
	if !errors.As(err, &failure) {
		failure = &SendError{Class: Unknown, Code: "send_failed", Err: err}
	}
	switch {
	case failure.Class == Down:
		return b.down(n, out, failure)
	case failure.Local:
		out.breaker.abstain()
	default: // the other side answered, if only about this message
		b.works(n.Channel, out)
	}
	return b.judge(n, failure)
}

// message puts a notification into words, unless there is nobody to read them.
func (b *batch) message(n models.Notification, users map[int64]models.User) (Message, *SendError) {
	user, ok := users[n.RecipientID]
	switch {
	case !ok:
		return Message{}, &SendError{Class: Reject, Code: "recipient_missing", Local: true}
	case !user.Active:
		return Message{}, &SendError{Class: Reject, Code: "recipient_inactive", Local: true}
	}
	m, err := b.d.cfg.Templates.Render(n, user)
	if err != nil {
		return Message{}, &SendError{Class: Reject, Code: "render_failed", Detail: redacted(err.Error()), Local: true, Err: err}
	}
	m.Date = b.d.cfg.Clock.Now()
	return m, nil
}

// unconfiguredFailures spreads the retries of messages whose channel is not
// set up over the whole range at once: no single probe can tell that it is.
const unconfiguredFailures = 5

// released puts a message off that has not been tried.
func released(retryAt time.Time, cause string) models.Outcome {
	return models.Outcome{State: models.NotificationFailed, NextAttemptAt: retryAt, LastError: cause, Untried: true}
}

// sendContext is for one message. Ending ctx does not end it at once: a
// message in flight gets some grace. But it ends in any case while the lease
// still holds, so that nobody else sends the message meanwhile.
func (d *Dispatcher) sendContext(ctx context.Context) (context.Context, context.CancelFunc) {
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.cfg.Lease/2)
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(d.cfg.Grace): //nolint:forbidigo // a network deadline is real time
			cancel()
		case <-sending.Done():
		}
	})
	return sending, func() { stop(); cancel() }
}

// minAttempts is how often a message is tried at least before it is given up,
// however old it is: it may have waited long for a channel that was down.
const minAttempts = 8

// judge decides whether a message that failed is tried again.
func (b *batch) judge(n models.Notification, failure *SendError) models.Outcome {
	now := b.d.cfg.Clock.Now()
	log := b.d.cfg.Logger.With("notification", n.ID, "channel", n.Channel, "attempt", n.Attempts,
		"code", failure.Code, "class", failure.Class.String())
	o := models.Outcome{State: models.NotificationFailed, LastError: failure.Error()}
	if failure.Class == Reject || n.Attempts >= minAttempts && now.Sub(n.CreatedAt) >= b.d.cfg.MaxAge {
		log.Error("message given up")
		o.State = models.NotificationDead
		return o
	}
	o.NextAttemptAt = now.Add(messageBackoff.after(n.Attempts))
	log.Warn("message not sent", "retry_at", o.NextAttemptAt)
	return o
}

// down opens the breaker of a channel, which puts off the rest of the batch.
func (b *batch) down(n models.Notification, out *outlet, failure *SendError) models.Outcome {
	retryAt, opened := out.breaker.fail(b.d.cfg.Clock.Now(), failure.Error())
	if opened {
		b.d.cfg.Logger.Error("channel is down", "channel", n.Channel, "code", failure.Code, "retry_at", retryAt)
	}
	return released(retryAt, failure.Error())
}

// works closes the breaker of a channel that took a message, or refused just
// that one.
func (b *batch) works(name models.Channel, out *outlet) {
	if out.breaker.succeed() {
		b.d.cfg.Logger.Info("channel works again", "channel", name)
	}
}

// holdsLease makes sure that the lease outlasts the next message, and reports
// whether it does. A lease that ran out is not renewed: others may have
// claimed some of the messages already.
func (b *batch) holdsLease(ctx context.Context) bool {
	now := b.d.cfg.Clock.Now()
	age := now.Sub(b.renewed)
	if age < b.d.cfg.Lease/3 {
		return true
	}
	if age >= b.d.cfg.Lease {
		b.d.cfg.Logger.Warn("lease ran out", "age", age)
		return false
	}
	ctx, cancel := settled(ctx)
	defer cancel()
	if err := b.d.cfg.Store.ExtendLease(ctx, b.token, b.d.cfg.Lease); err != nil {
		b.d.cfg.Logger.Error("lease not renewed", "error", err)
		return age < b.d.cfg.Lease/2 // one more message fits
	}
	b.renewed = now
	return true
}

// putBack returns messages to the queue as they were.
func (b *batch) putBack(ctx context.Context, rows []models.Notification) error {
	now := b.d.cfg.Clock.Now()
	for _, n := range rows {
		o := models.Outcome{State: models.NotificationPending, NextAttemptAt: now, LastError: n.LastError, Untried: true}
		if err := b.finish(ctx, n, o); err != nil {
			return err
		}
	}
	return nil
}

// finish records the outcome. It tries hard: a message that was sent and is
// not recorded is sent again.
func (b *batch) finish(ctx context.Context, n models.Notification, o models.Outcome) error {
	ctx, cancel := settled(ctx)
	defer cancel()
	for {
		err := b.d.cfg.Store.FinishNotification(ctx, n.ID, b.token, o)
		if err == nil {
			b.stats.count(o)
			return nil
		}
		if errors.Is(err, models.ErrLeaseLost) {
			b.d.cfg.Logger.Warn("message was taken over by another dispatcher", "notification", n.ID)
			b.stats.Lost++
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("outcome %s of message %d is not recorded: %w", o.State, n.ID, err)
		case <-b.d.cfg.Clock.After(finishPause):
		}
	}
}

// finishPause is the time between two attempts to record an outcome.
const finishPause = time.Second

func (s *Stats) count(o models.Outcome) {
	switch {
	case o.State == models.NotificationSent:
		s.Sent++
	case o.State == models.NotificationDead:
		s.Dead++
	case o.Untried:
		s.Released++
	default:
		s.Failed++
	}
}
