package notifier

import (
	"time"

	"duban/models"
	"duban/models/calendar"
)

// Gate decides whether a message may be sent now. What should be said is
// decided when a message is created; whether it still says something, and
// whether this is the time, when its turn comes: a duty may have been
// fulfilled, a silence begun, or a night fallen since.
//
// It is pure: the same message, standing and moment give the same answer.
type Gate struct {
	Standing models.Standing
	Now      time.Time
}

// morning is when what somebody paused is said again: with the day's first
// reminders.
const morningHour, morningMinute = 8, 30

// Judge returns ok if the message may be sent, or else what becomes of it: it
// is suppressed for good, or waits, and the outcome says why.
func (g Gate) Judge(n models.Notification) (models.Outcome, bool) {
	if n.Urgency == models.Instant {
		if l := n.Payload.Login; l != nil && !g.Now.Before(l.Link.ExpiresAt) {
			return suppressed(models.SuppressedExpired), false
		}
		return models.Outcome{}, true
	}
	duty := g.Standing.Duties[n.ObligationID]
	reminder := n.ObligationID != 0 && n.InstanceID == 0
	switch {
	// What a person has reported done is settled by the next sweep.
	case reminder && (duty.Settled() || !duty.DoneOn.IsZero()), g.Standing.Decided(n):
		return suppressed(models.SuppressedSettled), false
	case reminder && g.Standing.Newer(n):
		return suppressed(models.SuppressedStale), false
	}
	var window *models.Silence
	for _, s := range g.Standing.Silences {
		switch {
		case !s.At(g.Now):
		case s.Kind == models.Window:
			if s.Covers(n, duty) && (window == nil || s.EndsAt.After(*window.EndsAt)) {
				window = &s
			}
		case reminder && s.Covers(n, duty):
			return silenced(s), false
		}
	}
	if window != nil {
		return waits(models.WaitsMaintenance, *window.EndsAt), false
	}
	if until := g.pausedUntil(n); until.After(g.Now) {
		return waits(models.WaitsAcknowledged, until), false
	}
	if until := g.Standing.Users[n.RecipientID].Reach.QuietEnd(g.Now); !until.IsZero() {
		return waits(models.WaitsQuiet, until), false
	}
	return models.Outcome{}, true
}

// pausedUntil returns when the last pause is over that somebody asked for by
// 已阅, or the zero time.
func (g Gate) pausedUntil(n models.Notification) time.Time {
	today, until := calendar.DateOf(g.Now), time.Time{}
	for _, a := range g.Standing.Acks[n.ObligationID] {
		if a.Pauses(n, today) {
			if end := a.UntilOn.AddDays(1).At(morningHour, morningMinute); end.After(until) {
				until = end
			}
		}
	}
	return until
}

func suppressed(reason string) models.Outcome {
	return models.Outcome{State: models.NotificationSuppressed, Reason: reason, Untried: true}
}

func silenced(s models.Silence) models.Outcome {
	o := suppressed(models.SuppressedSilenced)
	if s.Kind == models.Mute {
		o.Reason = models.SuppressedMuted
	}
	o.SilenceID = s.ID
	return o
}

// waits puts a message off that nothing is wrong with.
func waits(reason string, until time.Time) models.Outcome {
	return models.Outcome{State: models.NotificationPending, Reason: reason, NextAttemptAt: until, Untried: true}
}
