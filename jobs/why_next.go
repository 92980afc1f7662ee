package jobs

import (
	"slices"

	"duban/models"
)

// explainNext explains the next occasions, and if the person will hear of none
// of them, why.
func (e *Explainer) explainNext(x *Explanation, now view, silences []models.Silence) {
	if never, ok := over(now); ok {
		x.Never = []Cause{never}
		return
	}
	for n, day := 0, x.Day.AddDays(1); n < ahead && len(x.Next) < upcoming; n, day = n+1, day.AddDays(1) {
		if hearings := now.addressed(day); len(hearings) > 0 {
			next := Explained{Day: day, Hearings: hearings, As: capacities(hearings, x.Person.ID)}
			e.foresee(&next, x, now, silences)
			x.Next = append(x.Next, next)
		}
	}
	for _, next := range x.Next {
		if next.Cause == CauseWillHear {
			x.NextOn = next.Day
			return
		}
		if !slices.Contains(x.Never, next.Cause) {
			x.Never = append(x.Never, next.Cause)
		}
	}
	if len(x.Next) == 0 {
		x.Never = []Cause{CauseNoMore}
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
