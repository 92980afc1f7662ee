package notifier_test

import (
	"strings"
	"sync"
	"testing"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
	"duban/notifier"
)

var (
	allTemplates = []string{notifier.ReminderBefore, notifier.ReminderToday, notifier.ReminderOverdue}
	allLanguages = []models.Language{models.Chinese, models.English}
)

// aReminder returns the facts of a duty of the given kind.
func aReminder(kind models.Kind) models.Reminder {
	r := models.Reminder{
		Kind: kind, Title: "设备验收", UnitName: "某市住房公积金管理中心", ProjectName: "办公楼运转经费", ProjectCode: "603001-17",
		FiscalYear: 2025, DueOn: calendar.MustDate(2025, 6, 30), AsOf: calendar.MustDate(2025, 6, 20), DaysLeft: 10,
		Light: models.Green, Audience: models.ToOwner, Source: "2025年6月30日前完成验收",
	}
	if kind == models.SpendingTarget {
		r.Title, r.Source, r.Light = "6月底支出进度达到50%", "资金支出计划 6月底 50%", models.Yellow
		r.Budget, r.Paid, r.Missing = 58_500_000, 18_954_000, 10_296_000
		r.Plan, r.Actual = money.PercentOf(50), 324_000
	}
	return r
}

func aNotification(name string, language models.Language, r models.Reminder) models.Notification {
	return models.Notification{ID: 7, DedupKey: "7|1|2025-06-30|-10|0|3|email", Channel: models.ChannelEmail, ObligationID: 5, Template: name, Language: language, Payload: r}
}

// parsed keeps the templates by base URL: parsing takes its time.
var parsed sync.Map

func templates(t testing.TB, baseURL string) *notifier.Templates {
	t.Helper()
	if ts, ok := parsed.Load(baseURL); ok {
		return ts.(*notifier.Templates)
	}
	ts, err := notifier.NewTemplates(baseURL)
	if err != nil {
		t.Fatal(err)
	}
	parsed.Store(baseURL, ts)
	return ts
}

func render(t testing.TB, n models.Notification) notifier.Message {
	t.Helper()
	m, err := templates(t, "").Render(n, models.User{Name: "张三", Email: "zhangsan@example.gov.cn"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func check(t *testing.T, m notifier.Message, wants []string) {
	t.Helper()
	for part, text := range map[string]string{"subject": m.Subject, "text": m.Text, "HTML": m.HTML} {
		for _, bad := range []string{"<no value>", "ZgotmplZ", "%!", "{{", "\n\n\n"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s contains %q:\n%s", part, bad, text)
			}
		}
	}
	for _, want := range wants {
		if !strings.Contains(m.Text, want) {
			t.Errorf("text lacks %q:\n%s", want, m.Text)
		}
		if !strings.Contains(m.HTML, want) {
			t.Errorf("HTML lacks %q:\n%s", want, m.HTML)
		}
	}
	if m.Subject == "" || strings.ContainsAny(m.Subject, "\r\n") || len([]rune(m.Subject)) > 110 {
		t.Errorf("subject %q", m.Subject)
	}
}
