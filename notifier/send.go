package notifier

import (
	"context"
	"errors"
	"time"

	"duban/models"
	"duban/models/calendar"
)

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
		b.works(ctx, out, true)
		return b.sent(n, m, out, providerID)
	}
	failure, ok := errors.AsType[*SendError](err)
	if !ok {
		failure = &SendError{Class: Unknown, Code: "send_failed", Err: err}
	}
	if failure.Class != Unknown && providerID == "" {
		b.giveBack(ctx, use)
	}
	switch {
	case failure.Class == Down:
		return b.down(ctx, n, out, failure)
	case failure.Local, failure.Class == Unknown: // nobody answered
		out.breaker.abstain()
	default: // the other side answered, if only about this message
		b.works(ctx, out, false)
	}
	switch {
	case out.careful == nil:
		return b.judge(n, failure)
	case failure.Class == Unknown:
		return b.unconfirmed(n, m, out, providerID, failure)
	}
	return b.billed(b.judge(n, failure), n, m, out, providerID)
}

// unconfirmed is the outcome of a message of which the channel may have taken
// all or, if there are ids, has taken some parts at least. The reports about
// those are awaited, together with one under our own key, that stands for what
// nobody confirmed: so the message cannot arrive by the others alone, and it
// falls back once one of them is lost, or when the wait is over.
func (b *batch) unconfirmed(n models.Notification, m Message, out *outlet, providerID string, failure *SendError) models.Outcome {
	inFront := n.Urgency == models.Instant && len(n.Route) > 0
	if providerID == "" || out.careful.ReceiptWait() == 0 || inFront {
		return b.unknown(n, b.d.cfg.Clock.Now(), failure.Error())
	}
	o := b.sent(n, m, out, providerID)
	o.LastError = failure.Error()
	o.Receipts = append(o.Receipts, models.Receipt{ProviderID: n.Key(), State: models.ReceiptPending})
	return o
}

// billed adds to the outcome of a message that was refused what its channel has
// taken of it all the same.
func (b *batch) billed(o models.Outcome, n models.Notification, m Message, out *outlet, providerID string) models.Outcome {
	if providerID != "" {
		taken := b.sent(n, m, out, providerID)
		o.ProviderID, o.Parts, o.Cost, o.Receipts = providerID, taken.Parts, taken.Cost, taken.Receipts
	}
	return o
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
		return 0, b.later(n, now.Add(messageBackoff.min), "database", true), false
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

// limited puts a message off until a limit permits it. Another channel may be
// free sooner than the message's urgency bears.
func (b *batch) limited(n models.Notification, wait time.Duration) models.Outcome {
	now := b.d.cfg.Clock.Now()
	o := waits(models.WaitsLimit, now.Add(wait))
	o.FailingSince = n.FailingSince
	switch {
	case n.Urgency == models.Instant && wait <= shortWait:
	case len(n.Route) > 0 && wait > b.d.Patience(n.Urgency):
		o.State, o.LastError, o.FallBack = models.NotificationFailed, models.WaitsLimit, true
	case n.Urgency != models.Instant:
		o.NextAttemptAt = awake(now, o.NextAttemptAt)
	}
	return o
}

// awake puts off to the morning what a person's limit would permit in the
// night: the limit of a day begins anew at midnight.
func awake(now, until time.Time) time.Time {
	day := calendar.DateOf(until)
	if !day.After(calendar.DateOf(now)) || until.Sub(now) <= time.Minute { // a channel's limit is over by then
		return until
	}
	morning := day.At(morningHour, morningMinute)
	if morning.Before(until) {
		return until
	}
	return morning
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
