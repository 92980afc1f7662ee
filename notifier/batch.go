package notifier

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"duban/models"
)

// batch is a number of messages claimed together, under one lease.
type batch struct {
	d       *Dispatcher
	token   string
	rows    []models.Notification
	renewed time.Time // the moment before the lease was last granted
	gate    Gate
	words   *Templates
	behind  map[line]models.Outcome // what keeps later messages of a line waiting
	record  *recorder
}

// line is where messages queue: those to one person by one channel keep their
// order.
type line struct {
	recipient int64
	channel   models.Channel
}

func lineOf(n models.Notification) line { return line{n.RecipientID, n.Channel} }

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
	b := &batch{d: d, token: rand.Text(), renewed: d.cfg.Clock.Now(), behind: map[line]models.Outcome{}}
	var err error
	b.rows, err = d.cfg.Store.ClaimNotifications(ctx, b.token, d.cfg.Batch, d.cfg.Lease)
	return b, err
}

// deliver sends the messages one after the other, and has their outcomes
// recorded meanwhile. When ctx ends, when the lease is lost, or when outcomes
// cannot be recorded, it puts back those that have not been sent.
func (b *batch) deliver(ctx context.Context) (Stats, error) {
	b.record = startRecorder(ctx, b)
	if err := b.prepare(ctx); err != nil {
		b.putBack(b.rows)
		stats, failure := b.record.stop()
		return stats, errors.Join(err, failure)
	}
	for i, n := range b.rows {
		if ctx.Err() != nil || b.record.failed() || !b.holdsLease(ctx) {
			b.putBack(b.rows[i:])
			break
		}
		o := b.attempt(ctx, n)
		if blocks(n, o) {
			b.behind[lineOf(n)] = o
		}
		b.record.add(n, o)
	}
	return b.record.stop()
}

// blocks reports whether those that come after a message to the same person
// wait for it: it is to be tried again, and has not failed too often by itself.
func blocks(n models.Notification, o models.Outcome) bool {
	switch {
	case n.Urgency == models.Instant:
		return false
	case o.State == models.NotificationFailed:
		return o.Untried || n.Attempts < models.BlockingAttempts
	}
	return o.Reason == models.WaitsLimit
}

// prepare reads what all messages of the batch need.
func (b *batch) prepare(ctx context.Context) (err error) {
	ctx, cancel := settled(ctx)
	defer cancel()
	if b.words, err = b.d.library.Current(ctx); err != nil {
		return err
	}
	b.gate.Standing, err = b.d.cfg.Store.Standing(ctx, b.rows)
	return err
}

// attempt tries to send one message and returns what became of it. What may be
// out already is asked for first: only if it is not does it matter whether it
// may go now.
func (b *batch) attempt(ctx context.Context, n models.Notification) models.Outcome {
	now := b.d.cfg.Clock.Now()
	b.gate.Now = now
	if n.HandedAt == nil {
		if o, ok := b.mustWait(n); ok {
			return o
		}
	}
	m, failure := b.message(n)
	if failure != nil {
		return b.judge(n, failure)
	}
	out, ok := b.d.channels[n.Channel]
	if !ok {
		return b.later(n, now.Add(channelBackoff.after(unconfiguredFailures)), "channel_not_configured", true)
	}
	if n.HandedAt != nil {
		if out.careful != nil {
			if o, known := b.settle(ctx, n, m, out); known {
				return o
			}
		}
		n.HandedAt = nil // it is not out
		if o, ok := b.mustWait(n); ok {
			return o
		}
	}
	return b.send(ctx, n, m, out)
}

// mustWait returns what becomes of a message that may not go now.
func (b *batch) mustWait(n models.Notification) (models.Outcome, bool) {
	if held, open := b.gate.Judge(n); !open {
		return held, true
	}
	return b.waitsBehind(n)
}

// waitsBehind puts a message off that comes after one that was not sent.
func (b *batch) waitsBehind(n models.Notification) (models.Outcome, bool) {
	before, ok := b.behind[lineOf(n)]
	if !ok && n.Behind != nil {
		before, ok = *n.Behind, true
	}
	switch {
	case !ok || n.Urgency == models.Instant:
		return models.Outcome{}, false
	case before.Reason == models.WaitsLimit:
		return b.limited(n, before.NextAttemptAt.Sub(b.d.cfg.Clock.Now())), true
	}
	return b.later(n, before.NextAttemptAt, before.LastError, true), true
}

// message puts a notification into words, unless there is nobody to read them.
func (b *batch) message(n models.Notification) (Message, *SendError) {
	user, ok := b.gate.Standing.Users[n.RecipientID]
	switch {
	case !ok:
		return Message{}, &SendError{Class: Reject, Code: "recipient_missing", Local: true}
	case !user.Active:
		return Message{}, &SendError{Class: Reject, Code: "recipient_inactive", Local: true}
	}
	return b.d.render(b.words, n, user)
}

// render puts a notification into words.
func (d *Dispatcher) render(words *Templates, n models.Notification, user models.User) (Message, *SendError) {
	m, err := words.Render(n, user)
	if err != nil {
		return Message{}, &SendError{Class: Reject, Code: "render_failed", Detail: Redacted(err.Error()), Local: true, Err: err}
	}
	m.Date = d.cfg.Clock.Now()
	return m, nil
}

// unconfiguredFailures spreads the retries of messages whose channel is not
// set up over the whole range at once: no single probe can tell that it is.
const unconfiguredFailures = 5

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

// putBack returns messages to the queue as they were, to the place that they
// had: what was said later to the same person is due since later.
func (b *batch) putBack(rows []models.Notification) {
	for _, n := range rows {
		b.record.add(n, models.Outcome{
			State: models.NotificationPending, Reason: n.Reason, NextAttemptAt: n.NextAttemptAt, LastError: n.LastError, Untried: true,
			FailingSince: n.FailingSince, Handed: n.HandedAt != nil,
		})
	}
}
