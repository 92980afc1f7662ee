package notifier_test

import (
	"strings"
	"testing"

	"duban/models"
	"duban/notifier"
)

// Where reminders go on until somebody acts, they say how to pause them.
func TestAnOverdueReminderSaysHowToPauseIt(t *testing.T) {
	words := map[models.Language]string{
		models.Chinese: "打开后可点“已阅”，暂停催办，最多 5 个工作日。",
		models.English: "There you can acknowledge it, which pauses these reminders for up to 5 working days.",
	}
	overdue := aReminder(models.Completion)
	overdue.DaysLeft, overdue.PauseDays = -3, 5
	before, barred := overdue, overdue
	before.DaysLeft, barred.PauseDays = 3, 0
	task := with(notifier.WorkflowTask, models.Chinese, func(*models.Approval) {})
	task.Payload.DaysLeft, task.Payload.PauseDays = -3, 5
	for language, want := range words {
		for _, c := range []struct {
			name    string
			message models.Notification
			baseURL string
			says    bool
		}{
			{"overdue", aNotification(notifier.ReminderOverdue, language, overdue), base, true},
			{"no page to open", aNotification(notifier.ReminderOverdue, language, overdue), "", false},
			{"not due yet", aNotification(notifier.ReminderBefore, language, before), base, false},
			{"a rule without a pause", aNotification(notifier.ReminderOverdue, language, barred), base, false},
			{"a task", task, base, false},
		} {
			m, err := templates(t, c.baseURL).Render(c.message, models.User{Name: "张三"})
			if err != nil {
				t.Fatal(err)
			}
			check(t, m, nil)
			if text, html := strings.Contains(m.Text, want), strings.Contains(m.HTML, want); text != c.says || html != c.says {
				t.Errorf("%s %s: text %v, HTML %v", language, c.name, text, html)
			}
		}
	}
	overdue.PauseDays = 1
	m, err := templates(t, base).Render(aNotification(notifier.ReminderOverdue, models.English, overdue), models.User{})
	if err != nil || !strings.Contains(m.Text, "up to 1 working day.") {
		t.Errorf("%v\n%s", err, m.Text)
	}
}
