package notifier

import (
	"context"
	"strconv"
	"time"

	"duban/models"
	"duban/models/calendar"
)

// Try tries a channel out (测试): by its own test if it has one, which reaches a
// group or a program, and else with a message to a person. Its errors are those
// of [Channel.Send].
func Try(ctx context.Context, ch Channel, m Message) error {
	if t, ok := ch.(Tester); ok {
		return t.Test(ctx)
	}
	_, err := ch.Send(ctx, m)
	return err
}

// trialDays is how far off the duty of a trial is.
const trialDays = 7

// Trial words a message by which somebody tries a channel out: a reminder like
// any other, because carriers deliver only texts that they know, about a duty
// that says what it is. It is in no outbox.
func (t *Templates) Trial(c models.Channel, to models.User, now time.Time) (Message, error) {
	project, title := "渠道测试", "测试消息，无需处理"
	if to.Language == models.English {
		project, title = "Channel test", "a test, nothing to do"
	}
	today := calendar.DateOf(now)
	m, err := t.Render(models.Notification{
		RecipientID: to.ID, Channel: c, Day: today, Template: ReminderBefore, Language: to.Language,
		Payload: models.Reminder{
			Kind: models.Custom, Title: title, UnitName: project, ProjectName: project, FiscalYear: today.Year(),
			DueOn: today.AddDays(trialDays), AsOf: today, DaysLeft: trialDays, Light: models.Green, Audience: models.ToOwner,
		},
	}, to)
	m.Key, m.Date = "test-"+strconv.FormatInt(now.UnixNano(), 36), now
	return m, err
}
