package jobs

import (
	"context"

	"duban/models"
	"duban/models/calendar"
)

// Pause is for how long a person may pause the reminders about a duty by
// acknowledging it (已阅).
type Pause struct {
	Audience models.Audience // the capacity in which they acknowledge
	// Until are the last days of a pause of 1, 2, … workdays; never empty.
	Until []calendar.Date
}

// MayAcknowledge returns what the person may ask for on the given day, or a
// [models.AckError] that says why they may not acknowledge the duty now.
func MayAcknowledge(ctx context.Context, store *models.Store, userID, obligation int64, day calendar.Date) (p Pause, err error) {
	err = store.View(ctx, func(tx *models.Tx) error {
		p, err = mayPause(tx, userID, obligation, day)
		return err
	})
	return p, err
}

// Acknowledge records that the person knows of a duty and pauses the reminders
// to them, and to the rungs above, for a number of workdays after the given
// day. Before the due date the pause is over when the due day's reminder comes.
// It returns a [models.AckError] if that may not be.
func Acknowledge(ctx context.Context, store *models.Store, person models.User, obligation int64, days int, note string, day calendar.Date) (models.Acknowledgement, error) {
	var a models.Acknowledgement
	err := store.Tx(ctx, person.Account, func(tx *models.Tx) error {
		p, err := mayPause(tx, person.ID, obligation, day)
		if err != nil {
			return err
		}
		if days < 1 || days > len(p.Until) {
			return models.AckRefused(models.AckDays, "暂停 %d 个工作日不行，应为 1 至 %d 个", days, len(p.Until))
		}
		a = models.Acknowledgement{
			ObligationID: obligation, UserID: person.ID, Audience: p.Audience, AckedOn: day, UntilOn: p.Until[days-1], Note: note,
		}
		return tx.Acknowledge(&a)
	})
	return a, err
}

func mayPause(tx *models.Tx, userID, obligation int64, day calendar.Date) (Pause, error) {
	m, err := tx.Matter(obligation)
	if err != nil {
		return Pause{}, err
	}
	audience, err := tx.AckAudience(m, userID, day)
	if err != nil {
		return Pause{}, err
	}
	rules, err := tx.Rules()
	if err != nil {
		return Pause{}, err
	}
	cal, err := tx.Calendar()
	if err != nil {
		return Pause{}, err
	}
	rule := NewRuleSet(rules).For(m.Obligation)
	if rule.PauseDays <= 0 {
		return Pause{}, models.AckRefused(models.AckBarred, "按提醒规则，这类事项的催办不能暂停")
	}
	until := pauses(rule.PauseDays, m.Obligation.DueOn, day, cal)
	if len(until) == 0 {
		return Pause{}, models.AckRefused(models.AckDue, "事项 %s 到期，到期当日的提醒不能暂停", m.Obligation.DueOn)
	}
	return Pause{audience, until}, nil
}

// pauses returns the last days of pauses of 1, 2, … workdays after day, up to
// limit of them. Until the due date has passed none reaches the day on which
// the due day's reminder comes; there is none that would be over before the next
// working day begins.
func pauses(limit int, due, day calendar.Date, cal *calendar.Calendar) []calendar.Date {
	var until []calendar.Date
	last := cal.AddWorkdays(cal.WorkdayOnOrBefore(due), -1)
	capped := !day.After(due)
	if capped && !last.After(day) {
		return nil
	}
	for n := 1; n <= limit; n++ {
		end := cal.AddWorkdays(day, n)
		if capped && !end.Before(last) {
			return append(until, last)
		}
		until = append(until, end)
	}
	return until
}
