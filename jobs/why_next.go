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
	for n, day := 0, x.Day.AddDays(1); n < ahead && (len(x.Next) < upcoming || x.NextOn.IsZero()); n, day = n+1, day.AddDays(1) {
		hearings := now.addressed(day)
		if len(hearings) == 0 {
			continue
		}
		next := Explained{Day: day, Hearings: hearings, As: capacities(hearings, x.Person.ID)}
		e.foresee(&next, x, now, silences)
		if len(x.Next) < upcoming {
			x.Next = append(x.Next, next)
		}
		switch next.Cause {
		case CauseWillHear:
			x.hears(day)
		case CausePaused: // it is put off, and not dropped
			x.hears(next.Until.AddDays(1))
		default:
			if !slices.Contains(x.Never, next.Cause) {
				x.Never = append(x.Never, next.Cause)
			}
		}
	}
	switch {
	case !x.NextOn.IsZero():
		x.Never = nil
	case len(x.Next) == 0:
		x.Never = []Cause{CauseNoMore}
	}
}

// hears records a day on which the person will hear of the duty.
func (x *Explanation) hears(day calendar.Date) {
	if x.NextOn.IsZero() || day.Before(x.NextOn) {
		x.NextOn = day
	}
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
			ObligationID: x.Duty.ID, RecipientID: x.Person.ID, Payload: models.Reminder{Audience: as, DaysLeft: next.Day.DaysUntil(now.DueOn)},
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
	switch {
	case len(next.As) == 0 && !x.Person.Active:
		next.Cause = CauseInactive
	case len(next.As) == 0:
		next.Cause = CauseNotAddressed
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
