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
		if (o.State == models.NotificationFailed || o.Reason == models.WaitsLimit) && n.Urgency != models.Instant {
			b.behind[lineOf(n)] = o
		}
		b.record.add(n, o)
	}
	return b.record.stop()
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

// attempt tries to send one message and returns what became of it.
func (b *batch) attempt(ctx context.Context, n models.Notification) models.Outcome {
	now := b.d.cfg.Clock.Now()
	b.gate.Now = now
	held, open := b.gate.Judge(n)
	if !open && n.HandedAt == nil { // what may be out already has to be asked for
		return held
	}
	if o, ok := b.waitsBehind(n); ok {
		return o
	}
	m, failure := b.message(n)
	if failure != nil {
		return b.judge(n, failure)
	}
	out, ok := b.d.channels[n.Channel]
	if !ok {
		return b.later(n, now.Add(channelBackoff.after(unconfiguredFailures)), "channel_not_configured", true)
	}
	if n.HandedAt != nil && out.careful != nil {
		if o, known := b.settle(ctx, n, m, out); known {
			return o
		}
	}
	if !open { // it is not out, and must not go out now
		return held
	}
	return b.send(ctx, n, m, out)
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
		return waits(models.WaitsLimit, before.NextAttemptAt), true
	}
	return b.later(n, before.NextAttemptAt, before.LastError, true), true
}

// send hands a message to its channel, if that takes any and the limits permit.
func (b *batch) send(ctx context.Context, n models.Notification, m Message, out *outlet) models.Outcome {
	now := b.d.cfg.Clock.Now()
	if ok, retryAt, cause := out.breaker.admit(now); !ok {
		return b.later(n, retryAt, cause, true)
	}
	use, o, ok := b.permitted(ctx, n, out)
	if !ok {
		out.breaker.abstain()
		return o
	}
	sending, cancel := b.d.sendContext(ctx)
	defer cancel()
	providerID, err := b.d.hand(sending, out, m)
	if err == nil {
		b.works(ctx, out)
		return b.sent(n, m, out, providerID)
	}
	failure, ok := errors.AsType[*SendError](err)
	if !ok {
		failure = &SendError{Class: Unknown, Code: "send_failed", Err: err}
	}
	if failure.Class != Unknown {
		b.giveBack(ctx, use)
	}
	switch {
	case failure.Class == Down:
		return b.down(ctx, n, out, failure)
	case failure.Local:
		out.breaker.abstain()
	default: // the other side answered, if only about this message
		b.works(ctx, out)
	}
	if failure.Class == Unknown && out.careful != nil {
		return b.unknown(n, now, failure.Error())
	}
	return b.judge(n, failure)
}

// permitted asks the limits of the channel, and records that a message is
// about to be handed to a provider that cannot recognise a repeat. It returns
// what counts against the limits, 0 for nothing.
func (b *batch) permitted(ctx context.Context, n models.Notification, out *outlet) (use int64, o models.Outcome, ok bool) {
	ctx, cancel := settled(ctx)
	defer cancel()
	now := b.d.cfg.Clock.Now()
	unavailable := func(err error) (int64, models.Outcome, bool) {
		b.d.cfg.Logger.Error("message not handed over", "notification", n.ID, "channel", n.Channel, "error", err)
		return 0, models.Outcome{State: models.NotificationPending, NextAttemptAt: now.Add(messageBackoff.min), Untried: true}, false
	}
	if q := b.d.cfg.Quotas[out.name]; q != (models.Quota{}) {
		var wait time.Duration
		var err error
		use, wait, err = b.d.cfg.Store.TakeQuota(ctx, out.name, n.RecipientID, q)
		if err != nil {
			return unavailable(err)
		}
		if wait > 0 {
			return 0, b.limited(n, wait), false
		}
	}
	if out.careful != nil {
		if err := b.d.cfg.Store.HandOver(ctx, n.ID, b.token); err != nil {
			b.giveBack(ctx, use)
			return unavailable(err)
		}
	}
	return use, models.Outcome{}, true
}

// shortWait is for how long somebody in front of a screen waits for a limit.
const shortWait = 10 * time.Second

// limited puts a message off until a limit permits it. For a code, another
// channel may be free.
func (b *batch) limited(n models.Notification, wait time.Duration) models.Outcome {
	until := b.d.cfg.Clock.Now().Add(wait)
	if n.Urgency == models.Instant && wait > shortWait && len(n.Route) > 0 {
		return b.later(n, until, models.WaitsLimit, true)
	}
	o := waits(models.WaitsLimit, until)
	o.FailingSince = n.FailingSince
	return o
}

// giveBack makes a message that was not taken count against no limit.
func (b *batch) giveBack(ctx context.Context, use int64) {
	if use == 0 {
		return
	}
	ctx, cancel := settled(ctx)
	defer cancel()
	if err := b.d.cfg.Store.ReturnQuota(ctx, use); err != nil {
		b.d.cfg.Logger.Error("limit not given back", "error", err)
	}
}

// hand hands the message to the channel, and mentions its recipient where the
// channel can.
func (d *Dispatcher) hand(ctx context.Context, out *outlet, m Message) (providerID string, err error) {
	if group, ok := out.Channel.(Mentioner); ok {
		return group.SendTo(ctx, m, m.Mobile)
	}
	return out.Send(ctx, m)
}

// sent is the outcome of a message that its channel has taken.
func (b *batch) sent(n models.Notification, m Message, out *outlet, providerID string) models.Outcome {
	o := models.Outcome{State: models.NotificationSent, ProviderID: providerID, Wording: m.Wording}
	if out.careful == nil {
		return o
	}
	o.Parts, o.Cost = out.careful.Measure(m)
	if wait := out.careful.ReceiptWait(); wait > 0 {
		due := b.d.cfg.Clock.Now().Add(wait / receiptQueries)
		o.ReceiptDueAt = &due
		o.Receipts = awaited(n, providerID)
	}
	return o
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
