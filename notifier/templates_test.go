package notifier_test

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
	"duban/notifier"
)

func TestEveryTemplateStatesTheFacts(t *testing.T) {
	for _, language := range allLanguages {
		for _, name := range allTemplates {
			for _, kind := range models.Kinds {
				t.Run(fmt.Sprintf("%s/%s/%s", language, name, kind), func(t *testing.T) {
					r := aReminder(kind)
					wants := []string{r.UnitName, r.ProjectName, r.ProjectCode, r.Source, "张三"}
					due, asOf := "2025年6月30日", "2025年6月20日"
					if language == models.English {
						due, asOf = "30 June 2025", "20 June 2025"
					}
					wants = append(wants, due, asOf)
					if kind == models.SpendingTarget {
						wants = append(wants, "50%", "32.4%", "17.6", "102,960.00", "10.296 万元", "585,000.00")
					} else {
						wants = append(wants, r.Title)
					}
					switch name {
					case notifier.ReminderBefore:
						wants = append(wants, "10")
					case notifier.ReminderOverdue:
						r.DaysLeft = -12
						wants = append(wants, "12")
					}
					m := render(t, aNotification(name, language, r))
					check(t, m, wants)
				})
			}
		}
	}
}

func TestSubjects(t *testing.T) {
	spending, refinement := aReminder(models.SpendingTarget), aReminder(models.Refinement)
	midMonth := spending
	midMonth.DueOn = calendar.MustDate(2025, 10, 15)
	refinement.ProjectName, refinement.Title = "", "6月底前细化代编预算：某市住房公积金管理中心"
	oneDay, overdue := aReminder(models.Completion), aReminder(models.Completion)
	oneDay.DaysLeft, oneDay.Title = 1, "完成时限：2025年6月30日"
	overdue.DaysLeft = -3
	long := aReminder(models.Custom)
	long.ProjectName, long.Title = strings.Repeat("长", 60), strings.Repeat("名", 200)
	for _, tc := range []struct {
		name     string
		template string
		language models.Language
		reminder models.Reminder
		want     string
	}{
		{"spending", notifier.ReminderBefore, models.Chinese, spending, "【督办】还有10天：办公楼运转经费 6月底支出进度应达 50%（当前 32.4%）"},
		{"a checkpoint inside a month", notifier.ReminderToday, models.Chinese, midMonth, "【督办】今天到期：办公楼运转经费 10月15日支出进度应达 50%（当前 32.4%）"},
		{"a title that names the unit", notifier.ReminderBefore, models.Chinese, refinement, "【督办】还有10天：6月底前细化代编预算：某市住房公积金管理中心（6月30日到期）"},
		{"a title that names the date", notifier.ReminderBefore, models.Chinese, oneDay, "【督办】还有1天：办公楼运转经费 完成时限：2025年6月30日"},
		{"overdue", notifier.ReminderOverdue, models.Chinese, overdue, "【督办】已逾期3天：办公楼运转经费 设备验收（6月30日到期）"},
		{"long names", notifier.ReminderBefore, models.Chinese, long, "【督办】还有10天：" + strings.Repeat("长", 23) + "… " + strings.Repeat("名", 29) + "…（6月30日到期）"},
		{"English", notifier.ReminderBefore, models.English, oneDay, "[duban] 1 day left: 办公楼运转经费: 完成时限：2025年6月30日"},
		{"English spending", notifier.ReminderBefore, models.English, spending, "[duban] 10 days left: 办公楼运转经费: spending to reach 50% by the end of June (now 32.4%)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := render(t, aNotification(tc.template, tc.language, tc.reminder)).Subject; got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestMessageSaysWhyItCame(t *testing.T) {
	for audience, want := range map[models.Audience]string{
		models.ToOwner:   "您收到此消息是因为您是该项目的经办人。",
		models.ToManager: "您收到此消息是因为您是该项目的科室负责人。",
		models.ToFinance: "您收到此消息是因为您在财务科负责本单位的资金支出。",
		models.ToOffice:  "您收到此消息是因为您在办公室负责本单位的督办。",
		models.ToLeader:  "您收到此消息是因为您是该项目的分管领导。",
		"":               "您收到此消息是因为您被列为该项目的督办对象。",
	} {
		asks := map[string]bool{}
		for _, name := range allTemplates {
			r := aReminder(models.Completion)
			r.Audience = audience
			m := render(t, aNotification(name, models.Chinese, r))
			check(t, m, []string{want})
			asks[m.Text] = true
		}
		if len(asks) != len(allTemplates) {
			t.Errorf("%s: the templates say the same", audience)
		}
	}
}

func TestWordsThatDependOnTheFacts(t *testing.T) {
	spending := func(change func(*models.Reminder)) models.Reminder {
		r := aReminder(models.SpendingTarget)
		change(&r)
		return r
	}
	for _, tc := range []struct {
		name     string
		template string
		reminder models.Reminder
		want     string
		not      string
	}{
		{"a due day off", notifier.ReminderBefore, spending(func(r *models.Reminder) { r.DueOnHoliday = "国庆节" }), "不是工作日（国庆节），但期限不顺延，请提前办结。", ""},
		{"a due day off that has passed", notifier.ReminderOverdue, spending(func(r *models.Reminder) { r.DueOnHoliday, r.DaysLeft = "国庆节", -1 }), "期限不顺延。", "提前"},
		{"a due day that is a working day", notifier.ReminderBefore, aReminder(models.Completion), "", "工作日"},
		{"a target that is reached", notifier.ReminderBefore, spending(func(r *models.Reminder) { r.Missing, r.Actual = 0, money.PercentOf(51) }), "已达到计划。", "尚需支付"},
		{"no budget", notifier.ReminderBefore, spending(func(r *models.Reminder) { r.Budget, r.Paid, r.Missing, r.Actual = 0, 0, 0, 0 }), "当前预算为 0", "百分点"},
		{"refinement claims no law", notifier.ReminderBefore, aReminder(models.Refinement), "按财政部门要求", "法"},
		{"a workflow", notifier.ReminderOverdue, spending(func(r *models.Reminder) { r.Workflow = "corrective_action" }), "相关流程：支出纠偏。", ""},
		{"a workflow of the administrator's", notifier.ReminderOverdue, spending(func(r *models.Reminder) { r.Workflow = "本单位流程" }), "相关流程：本单位流程。", ""},
		{"no base URL", notifier.ReminderBefore, aReminder(models.Custom), "", "http"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := render(t, aNotification(tc.template, models.Chinese, tc.reminder))
			check(t, m, []string{tc.want})
			if tc.not != "" && (strings.Contains(m.Text, tc.not) || strings.Contains(m.HTML, tc.not)) {
				t.Errorf("it contains %q:\n%s", tc.not, m.Text)
			}
		})
	}
}

func TestLinkNeedsABaseURL(t *testing.T) {
	m, err := templates(t, "https://duban.example.gov.cn/").Render(
		aNotification(notifier.ReminderBefore, models.Chinese, aReminder(models.Custom)), models.User{})
	if err != nil {
		t.Fatal(err)
	}
	check(t, m, []string{"https://duban.example.gov.cn/obligations/5"})
	for _, bad := range []string{"duban.example.gov.cn", "javascript:alert(1)", "https://", "ftp://x"} {
		if _, err := notifier.NewTemplates(bad); err == nil {
			t.Errorf("base URL %q is accepted", bad)
		}
	}
}

func TestPublishedTextIsEscaped(t *testing.T) {
	r := aReminder(models.Custom)
	r.Title, r.Source, r.UnitName = `<script>alert(1)</script>`, `a & b <img src=x onerror=y>`, "甲\r\nBcc: x@example.com"
	m := render(t, aNotification(notifier.ReminderBefore, models.Chinese, r))
	if strings.Contains(m.HTML, "<script") || strings.Contains(m.HTML, "<img") {
		t.Errorf("markup got through:\n%s", m.HTML)
	}
	if !strings.Contains(m.Text, "a & b <img src=x onerror=y>") {
		t.Errorf("plain text is escaped:\n%s", m.Text)
	}
	if strings.Contains(m.Text, "\nBcc") {
		t.Errorf("a name breaks the line:\n%s", m.Text)
	}
}

func TestProgressBarFillsItsWidth(t *testing.T) {
	cell := regexp.MustCompile(`<td height="16" width="(\d+)%" bgcolor="(#[0-9a-f]{6})"`)
	for _, tc := range []struct{ plan, actual money.Percent }{
		{money.PercentOf(50), 324_000},
		{money.PercentOf(50), money.PercentOf(70)},
		{money.PercentOf(50), money.PercentOf(50)},
		{0, 0},
		{money.Whole, 0},
		{money.Whole, money.Whole},
		{money.PercentOf(80), money.PercentOf(130)},
		{money.PercentOf(30), money.PercentOf(-20)},
	} {
		r := aReminder(models.SpendingTarget)
		r.Plan, r.Actual = tc.plan, tc.actual
		sum, marks := 0, 0
		for _, c := range cell.FindAllStringSubmatch(render(t, aNotification(notifier.ReminderBefore, models.Chinese, r)).HTML, -1) {
			width, err := strconv.Atoi(c[1])
			if err != nil || width < 1 {
				t.Errorf("plan %s, actual %s: a cell of %s%%", tc.plan, tc.actual, c[1])
			}
			sum += width
			if c[2] == "#1f2329" {
				marks++
			}
		}
		if sum != 100 || marks != 1 {
			t.Errorf("plan %s, actual %s: %d%% of the width, %d marks of the plan", tc.plan, tc.actual, sum, marks)
		}
	}
}

func TestLanguageAndUnknownTemplates(t *testing.T) {
	n := aNotification(notifier.ReminderBefore, "", aReminder(models.Custom))
	for language, want := range map[models.Language]string{models.English: "[duban]", models.Chinese: "【督办】", "fr": "【督办】", "": "【督办】"} {
		m, err := templates(t, "").Render(n, models.User{Language: language})
		if err != nil || !strings.HasPrefix(m.Subject, want) {
			t.Errorf("a user who speaks %q gets %q (%v)", language, m.Subject, err)
		}
	}
	n.Template = "../secrets"
	if _, err := templates(t, "").Render(n, models.User{}); !errors.Is(err, notifier.ErrUnknownTemplate) {
		t.Errorf("an unknown template: %v", err)
	}
}

func TestKeysAreStableAndDistinct(t *testing.T) {
	a := aNotification(notifier.ReminderBefore, models.Chinese, aReminder(models.Custom))
	b, c := a, a
	b.DedupKey, c.ID = "another", 8
	if first, second := render(t, a).Key, render(t, a).Key; first != second {
		t.Errorf("the same message is %q and %q", first, second)
	}
	if keys := map[string]bool{render(t, a).Key: true, render(t, b).Key: true, render(t, c).Key: true}; len(keys) != 3 {
		t.Errorf("three messages have the keys %v", keys)
	}
}

func TestAMessageSaysUpToWhichDayPaymentsAreOnRecord(t *testing.T) {
	for language, c := range map[models.Language]struct{ lag, day string }{
		models.Chinese: {"支出记录只登记到2025年6月3日", "2025年6月20日"},
		models.English: {"on record up to 3 June 2025", "20 June 2025"},
	} {
		r := aReminder(models.SpendingTarget)
		r.RecordsAsOf = calendar.MustDate(2025, 6, 3)
		m := render(t, aNotification(notifier.ReminderBefore, language, r))
		for kind, body := range map[string]string{"text": m.Text, "HTML": m.HTML} {
			if !strings.Contains(body, c.lag) || strings.Contains(body, c.day) {
				t.Errorf("%s %s claims records that nobody has imported:\n%s", language, kind, body)
			}
		}
		r.RecordsAsOf = r.AsOf
		if m := render(t, aNotification(notifier.ReminderBefore, language, r)); strings.Contains(m.Text, c.lag[:12]) {
			t.Errorf("%s: records of today lag behind:\n%s", language, m.Text)
		}
	}
}
