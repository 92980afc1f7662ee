package notifier_test

import (
	"fmt"
	"strings"
	"testing"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
	"duban/notifier"
)

// someItems are four duties: overdue, due today, behind its plan, and later.
func someItems() []models.DigestItem {
	day := calendar.MustDate
	return []models.DigestItem{
		{ObligationID: 11, Kind: models.Completion, Title: "设备验收", ProjectName: "办公楼运转经费", DueOn: day(2025, 6, 15), DaysLeft: -5, Light: models.Red},
		{ObligationID: 12, Kind: models.Custom, Title: "报送材料", UnitName: "某市住房公积金管理中心", DueOn: day(2025, 6, 20), Light: models.Green},
		{
			ObligationID: 13, Kind: models.SpendingTarget, Title: "6月底支出进度达到50%", ProjectName: "网络通信费", DueOn: day(2025, 6, 30), DaysLeft: 10, Light: models.Yellow,
			Budget: 58_500_000, Plan: money.PercentOf(50), Actual: 324_000, Missing: 10_296_000,
		},
		{ObligationID: 14, Kind: models.Monitoring, Title: "绩效运行监控", ProjectName: "会议费", DueOn: day(2025, 8, 31), DaysLeft: 72, Light: models.Green},
	}
}

func aDigest(language models.Language, items ...models.DigestItem) models.Notification {
	lights := map[models.Light]int{}
	for _, i := range items {
		lights[i.Light]++
	}
	n := aNotification(notifier.Digest, language, models.Reminder{
		AsOf: calendar.MustDate(2025, 6, 20),
		Digest: &models.Digest{Items: items, Lights: lights, Trend: &models.Trend{AsOf: calendar.MustDate(2025, 6, 18), Weeks: []models.TrendWeek{
			{On: calendar.MustDate(2025, 6, 11), Plan: money.PercentOf(45), Actual: money.PercentOf(20)},
			{On: calendar.MustDate(2025, 6, 18), Plan: money.PercentOf(45), Actual: 175_000},
		}}},
	})
	n.ObligationID = 0
	return n
}

func TestADigestTellsEachDutyInBothLanguages(t *testing.T) {
	for language, c := range map[models.Language]struct {
		subject string
		wants   []string
	}{
		models.Chinese: {"【督办】4 项督办提醒：逾期 1 项，今天到期 1 项，最近一项6月30日到期", []string{
			"红灯 1 项", "黄灯 1 项", "绿灯 2 项", "6月15日到期", "已逾期 5 天", "今天到期", "还有 10 天", "还有 72 天",
			"实际 32.4%，计划 50%，尚需支付 10.296\u00a0万元", "20% / 45%", "17.5% / 45%", "支出记录截至6月18日", "请先办理逾期事项",
		}},
		models.English: {"[duban] 4 reminders: 1 overdue, 1 due today, next due 30 June", []string{
			"1 red", "1 yellow", "2 green", "due 15 June", "5 days overdue", "due today", "10 days left", "72 days left",
			"actual 32.4%, planned 50%, CNY\u00a0102,960.00 still to be paid", "20% / 45%", "17.5% / 45%", "up to 18 June",
		}},
	} {
		m := render(t, aDigest(language, someItems()...))
		if m.Subject != c.subject {
			t.Errorf("subject %s", m.Subject)
		}
		wants := c.wants
		for _, i := range someItems() {
			wants = append(wants, i.Title)
		}
		check(t, m, append(wants, "办公楼运转经费", "某市住房公积金管理中心"))
		sameWords(t, withoutMarks(m))
		if strings.Contains(m.Text+m.HTML, "http") {
			t.Error("it links without a base URL")
		}
	}
}

// withoutMarks drops what only the text has: its dashes, and the separators of
// what stands in cells.
func withoutMarks(m notifier.Message) notifier.Message {
	m.Text = strings.NewReplacer("- ", "", " · ", "\n", "；", "\n", "; ", "\n").Replace(m.Text)
	return m
}

func TestADigestLinksToEachDuty(t *testing.T) {
	m, err := templates(t, "https://duban.example.gov.cn").Render(aDigest(models.Chinese, someItems()...), models.User{})
	if err != nil {
		t.Fatal(err)
	}
	check(t, m, []string{"https://duban.example.gov.cn/obligations/11", "https://duban.example.gov.cn/obligations/14"})
	if !strings.Contains(m.Brief, "https://duban.example.gov.cn/obligations") || strings.Contains(m.Brief, "/obligations/11") {
		t.Errorf("a group reads:\n%s", m.Brief)
	}
}

func TestWhatAGroupReadsIsShort(t *testing.T) {
	item := someItems()[0]
	many := make([]models.DigestItem, 100)
	for i := range many {
		item.Title = fmt.Sprintf("第%d项", i+1)
		many[i] = item
	}
	m := render(t, aDigest(models.Chinese, many...))
	if !strings.Contains(m.Text, "第100项") || !strings.Contains(m.HTML, "第100项") {
		t.Error("the text leaves something out")
	}
	if !strings.Contains(m.Brief, "100 项") || !strings.Contains(m.Brief, "第5项") || strings.Contains(m.Brief, "第6项") || len(m.Brief) > 1000 {
		t.Errorf("a group reads %d bytes:\n%s", len(m.Brief), m.Brief)
	}
	if one := render(t, aNotification(notifier.ReminderBefore, models.Chinese, aReminder(models.Custom))); one.Brief != "" {
		t.Errorf("a reminder is short as it is, but: %s", one.Brief)
	}
}

func TestNamesInADigestAreEscaped(t *testing.T) {
	item := someItems()[0]
	item.Title, item.ProjectName = `<script>alert(1)</script>`, "甲\r\n- 乙<img src=x>"
	r := models.Reminder{AsOf: item.DueOn, Weekly: &models.WeeklyReport{Situation: &models.Situation{
		Worst: models.First([]models.DigestItem{item}, 1),
		Flows: models.First([]models.OverdueFlow{{Title: "<b>粗</b>", Assignee: "<i>甲</i>"}}, 1),
		Mutes: models.First([]models.MutedProject{{ProjectName: "<u>乙</u>", Owner: "<s>丙</s>", Reason: "a\nb<hr>"}}, 1),
	}}}
	for name, n := range map[string]models.Notification{"digest": aDigest(models.Chinese, item), "report": aNotification(notifier.Report, models.Chinese, r)} {
		m := render(t, n)
		for _, bad := range []string{"<script", "<img", "<i>", "<u>", "<s>", "<hr>", "<b>粗"} {
			if strings.Contains(m.HTML, bad) {
				t.Errorf("%s: %s got through", name, bad)
			}
		}
		if strings.Contains(m.Text, "\n- 乙") || strings.Contains(m.Brief, "\n- 乙") || strings.Contains(m.Text, "\nb<hr>") {
			t.Errorf("%s: a name breaks the line:\n%s", name, m.Text)
		}
	}
}

func TestAWeeklyReportTellsHowThingsStand(t *testing.T) {
	items := someItems()
	settled := items[3]
	settled.SettledOn = calendar.MustDate(2025, 6, 17)
	r := models.Reminder{AsOf: calendar.MustDate(2025, 6, 23), Weekly: &models.WeeklyReport{
		From: calendar.MustDate(2025, 6, 16), To: calendar.MustDate(2025, 6, 22),
		Situation: &models.Situation{
			UnitName: "某中心", Lights: map[models.Light]int{models.Red: 7, models.Green: 30},
			Worst:   models.Excerpt[models.DigestItem]{Items: items[:1], Total: 9},
			Due:     models.First(items[2:3], 5),
			Settled: models.First([]models.DigestItem{settled}, 5),
			Flows:   models.First([]models.OverdueFlow{{InstanceID: 5, Title: "支出进度", ProjectName: "会议费", DueOn: calendar.MustDate(2025, 6, 18), DaysLeft: -5}}, 5),
			Mutes:   models.First([]models.MutedProject{{ProjectName: "租车费", Owner: "李四", Reason: "停用", Since: calendar.MustDate(2025, 6, 1)}}, 5),
		},
	}}
	for language, c := range map[models.Language]struct {
		subject string
		wants   []string
	}{
		models.Chinese: {"【督办】督办周报：某中心 6月16日至6月22日", []string{
			"红灯 7 项", "红灯和逾期事项（9）", "另有 8 项", "未来14天到期（1）", "过去7天办结（1）", "6月17日办结", "超期未办的流程（1）", "待指派", "已逾期 5 天",
			"生效中的项目免打扰（1）", "负责人：李四；原因：停用", "6月1日起",
		}},
		models.English: {"[duban] Weekly report: 某中心, 16 June to 22 June", []string{
			"7 red", "Red or overdue (9)", "8 more", "Due in the next 14 days (1)", "settled 17 June", "nobody yet", "Owner: 李四; reason: 停用", "since 1 June",
		}},
	} {
		m := render(t, aNotification(notifier.Report, language, r))
		if m.Subject != c.subject {
			t.Errorf("subject %s", m.Subject)
		}
		check(t, m, c.wants)
	}
	r.Weekly.Situation, r.Digest = nil, &models.Digest{}
	m := render(t, aNotification(notifier.Report, models.Chinese, r))
	check(t, m, []string{"过去一周没有需要提醒您的事项。", "事项清单（0）", "无。", "选择了每周接收一次提醒"})
}

func TestEachAlarmSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	since := calendar.MustDate(2025, 6, 20).At(8, 30)
	said := map[string]string{}
	for _, a := range []models.Alarm{
		{Kind: models.AlarmRun, Subject: models.JobSweep, Problem: "missed"},
		{Kind: models.AlarmRun, Subject: models.JobSweep, Problem: "failed", Detail: "disk full"},
		{Kind: models.AlarmRun, Subject: models.JobAudit, Problem: "stuck"},
		{Kind: models.AlarmRun, Subject: models.JobReport, Problem: "refused"},
		{Kind: models.AlarmQueue, Subject: "sms", Count: 3},
		{Kind: models.AlarmChannel, Subject: "email", Detail: "smtp_auth_535"},
		{Kind: models.AlarmDead, Subject: "sms", Count: 3},
		{Kind: models.AlarmUnknown, Subject: "sms", Count: 3},
		{Kind: models.AlarmTimers, Count: 3},
		{Kind: models.AlarmGaps, Count: 3},
	} {
		for _, language := range allLanguages {
			for _, over := range []bool{false, true} {
				a := a
				a.Since, a.Over = since, over
				m := render(t, aNotification(notifier.Alarm, language, models.Reminder{AsOf: calendar.MustDate(2025, 6, 20), Alarm: &a}))
				wants := []string{"08:30"}
				if a.Detail != "" {
					wants = append(wants, a.Detail)
				}
				check(t, m, wants)
				if strings.Contains(m.Text, string(a.Kind)+" ") && a.Kind != models.AlarmDead && language == models.Chinese {
					t.Errorf("%s is not put into words:\n%s", a.Kind, m.Text)
				}
				key := fmt.Sprint(language, m.Subject)
				if other, ok := said[key]; ok && (!over || a.Kind != models.AlarmRun) {
					t.Errorf("%+v and %s have the subject %s", a, other, m.Subject)
				}
				said[key] = string(a.Kind)
			}
		}
	}
}
