package notifier

import (
	"context"
	"time"

	"duban/models"
)

// minAttempts is how often a message is tried at least before it is given up,
// however old it is: it may have waited long for a channel that was down.
const minAttempts = 8

// judge decides whether a message that failed is tried again, falls back on
// another channel, or is given up.
func (b *batch) judge(n models.Notification, failure *SendError) models.Outcome {
	now := b.d.cfg.Clock.Now()
	log := b.d.cfg.Logger.With("notification", n.ID, "channel", n.Channel, "attempt", n.Attempts,
		"code", failure.Code, "class", failure.Class.String())
	if failure.Class == Reject || n.Attempts >= minAttempts && now.Sub(n.CreatedAt) >= b.d.cfg.MaxAge {
		log.Error("message given up")
		return models.Outcome{State: models.NotificationDead, LastError: failure.Error(), FallBack: len(n.Route) > 0, Handed: n.HandedAt != nil}
	}
	o := b.later(n, now.Add(messageBackoff.after(n.Attempts)), failure.Error(), false)
	log.Warn("message not sent", "retry_at", o.NextAttemptAt)
	return o
}

// later puts a message off that could not be sent, or lets the next channel of
// its route take over once this one has had its time. One that was not even
// tried gets its attempt back.
func (b *batch) later(n models.Notification, retryAt time.Time, cause string, untried bool) models.Outcome {
	now := b.d.cfg.Clock.Now()
	since := now
	if n.FailingSince != nil {
		since = *n.FailingSince
	}
	o := models.Outcome{
		State: models.NotificationFailed, NextAttemptAt: retryAt, LastError: cause, Untried: untried,
		FailingSince: &since, Handed: n.HandedAt != nil,
	}
	if len(n.Route) == 0 {
		return o
	}
	fallsBack := since.Add(b.d.Patience(n.Urgency))
	if !now.Before(fallsBack) {
		b.d.cfg.Logger.Warn("message falls back", "notification", n.ID, "channel", n.Channel, "to", n.Route[0])
		o.FallBack = true
		return o
	}
	if fallsBack.Before(retryAt) {
		o.NextAttemptAt = fallsBack
	}
	return o
}

// Patience is for how long a message may fail before it falls back.
func (d *Dispatcher) Patience(u models.Urgency) time.Duration {
	switch u {
	case models.Instant:
		return 0
	case models.Urgent:
		return d.cfg.UrgentFallbackAfter
	case models.Normal:
	}
	return d.cfg.FallbackAfter
}

// down opens the breaker of a channel, which puts off the rest of the batch.
func (b *batch) down(ctx context.Context, n models.Notification, out *outlet, failure *SendError) models.Outcome {
	retryAt, opened := out.breaker.fail(b.d.cfg.Clock.Now(), failure.Error())
	if opened {
		b.d.cfg.Logger.Error("channel is down", "channel", n.Channel, "code", failure.Code, "retry_at", retryAt)
		ctx, cancel := settled(ctx)
		defer cancel()
		if err := b.d.cfg.Store.ChannelFails(ctx, out.name, failure.Error()); err != nil {
			b.d.cfg.Logger.Error("state of a channel not recorded", "channel", out.name, "error", err)
		}
	}
	return b.later(n, retryAt, failure.Error(), true)
}

// works closes the breaker of a channel that took a message, or that answered
// at least by refusing one.
func (b *batch) works(ctx context.Context, out *outlet, took bool) {
	recovered := out.breaker.succeed()
	if recovered {
		b.d.cfg.Logger.Info("channel works again", "channel", out.name)
	}
	worth := took && out.worth(b.d.cfg.Clock.Now())
	if !worth && !recovered {
		return
	}
	record := b.d.cfg.Store.ChannelWorks
	if !took {
		record = b.d.cfg.Store.ChannelAnswers
	}
	ctx, cancel := settled(ctx)
	defer cancel()
	if err := record(ctx, out.name); err != nil {
		b.d.cfg.Logger.Error("state of a channel not recorded", "channel", out.name, "error", err)
	}
}
