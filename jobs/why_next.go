package jobs

import (
	"slices"

	"duban/models"
	"duban/models/calendar"
)

// explainNext explains the next occasions, and if the person will hear of none
// of them, why.
func (e *Explainer) explainNext(x *Explanation, now view, silences []models.Silence) {
	if never, ok := over(now); ok {
		x.Never = []Cause{never}
		return
	}
	x.NextOn = x.waitsUntil()
	var causes []Cause
	heard := false
	for n, day := 0, x.Day.AddDays(1); n < ahead && (!heard || len(x.Next) < upcoming); n, day = n+1, day.AddDays(1) {
		hearings := now.addressed(day)
		if len(hearings) == 0 {
			continue
		}
		next := Explained{Day: day, Hearings: hearings, As: capacities(hearings, x.Person.ID)}
		e.foresee(&next, x, now, silences)
		if len(x.Next) < upcoming {
			x.Next = append(x.Next, next)
		}
		heard = heard || next.Cause == CauseWillHear
		x.NextOn = earlier(x.NextOn, next.heardOn(), x.Day.AddDays(-1))
		if !slices.Contains(causes, next.Cause) {
			causes = append(causes, next.Cause)
		}
	}
	switch {
	case !x.NextOn.IsZero():
	case len(causes) == 0:
		x.Never = []Cause{CauseNoMore}
	default:
		x.Never = causes
	}
}

// heardOn returns the day on which a person hears of an occasion to come, or no
// date: what is paused is said when the pause is over.
func (next Explained) heardOn() calendar.Date {
	switch next.Cause {
	case CauseWillHear:
		return next.Day
	case CausePaused:
		return next.Until.AddDays(1)
	default:
		return calendar.Date{}
	}
}

// waitsUntil returns the day on which the first of the messages that wait is to
// leave, or no date.
func (x *Explanation) waitsUntil() calendar.Date {
	var first calendar.Date
	var consider func([]Trace)
	consider = func(traces []Trace) {
		for _, t := range traces {
			if t.leaves() {
				day := calendar.DateOf(t.NextAttemptAt)
				if day.Before(x.Day) {
					day = x.Day // it is late already
				}
				first = earlier(first, day, x.Day.AddDays(-1))
			}
			consider(t.StandIns)
			if t.Digest != nil {
				consider([]Trace{*t.Digest})
			}
		}
	}
	consider(x.Others)
	for _, e := range x.Past {
		consider(e.Messages)
	}
	return first
}

// leaves reports whether the message is not sent yet and its next attempt tells
// when it is to be.
func (t Trace) leaves() bool {
	return t.State == models.NotificationPending || t.State == models.NotificationFailed ||
		t.State == models.NotificationHeld && t.Reason == models.WaitsAcknowledged
}

// over returns why nothing will be said about a duty at all, to whomever.
func over(now view) (Cause, bool) {
	switch {
	case now.State == models.StateWaived:
		return CauseWaived, true
	case !now.finding.SettledOn.IsZero():
		return CauseSettled, true
	case now.rule.ID == 0 && NewRuleSet(now.Disabled).For(now.Obligation).ID != 0:
		return CauseRuleDisabled, true
	case now.rule.ID == 0:
		return CauseNoRule, true
	}
	return "", false
}

// foresee says whether the person will hear of an occasion to come, as far as
// it can be told today.
func (e *Explainer) foresee(next *Explained, x *Explanation, now view, silences []models.Silence) {
	morning := next.Day.At(SweepHour, SweepMinute)
	for _, as := range next.As {
		message := models.Notification{
			ObligationID: x.Duty.ID, RecipientID: x.Person.ID, Payload: models.Reminder{
				Audience: as, DaysLeft: next.Day.DaysUntil(now.DueOn), DueDay: isDueDay(next.Day, now.DueOn, now.Calendar),
			},
		}
		message.Urgency = urgencyOf(message.Payload)
		for _, c := range e.Routing.Route(x.Person, message.Urgency, false) {
			if !slices.Contains(next.Channels, c) {
				next.Channels = append(next.Channels, c)
			}
		}
		for _, s := range silences {
			if s.Kind != models.Window && s.At(morning) && s.Covers(message, now.Obligation) {
				next.Silence = &s
			}
		}
		for _, a := range x.Acks {
			if a.Pauses(message, next.Day) && a.UntilOn.After(next.Until) {
				next.Until = a.UntilOn
			}
		}
	}
	why, unaddressed := now.unaddressed(*next, x.Person.ID)
	switch {
	case unaddressed:
		next.Cause = why
	case now.finding.Fulfilled:
		next.Cause = CauseFulfilled
	case len(next.Channels) == 0:
		next.Cause = CauseNoAddress
	case next.Silence != nil && next.Silence.Kind == models.Mute:
		next.Cause = CauseMuted
	case next.Silence != nil:
		next.Cause = CauseSilenced
	case !next.Until.IsZero():
		next.Cause = CausePaused
	default:
		next.Cause = CauseWillHear
	}
}
