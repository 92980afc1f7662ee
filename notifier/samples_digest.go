package notifier

import (
	"strings"

	"duban/models"
	"duban/models/money"
)

// sampleItems are duties as a digest lists them.
func sampleItems() []models.DigestItem {
	late, today, soon := sampleDuty(models.Completion, -12), sampleDuty(models.Recurring, 0), sampleDuty(models.SpendingTarget, 10)
	late.Light = models.Red
	return []models.DigestItem{late.Item(1), today.Item(2), soon.Item(3)}
}

// manyItems are as many duties as may come together, with the longest names.
func manyItems() []models.DigestItem {
	item := longest(sampleDuty(models.SpendingTarget, -12)).Item(1)
	items := make([]models.DigestItem, 200)
	for i := range items {
		items[i] = item
	}
	return items
}

func sampleTrend() *models.Trend {
	return &models.Trend{AsOf: sampleDay, Weeks: []models.TrendWeek{
		{On: sampleDay.AddDays(-7), Plan: money.PercentOf(40), Actual: money.PercentOf(38)},
		{On: sampleDay, Plan: money.PercentOf(50), Actual: money.PercentOf(32)},
	}}
}

func digestSamples() []Sample {
	with := func(chinese, english string, trend *models.Trend, items ...models.DigestItem) Sample {
		lights := map[models.Light]int{}
		for _, i := range items {
			lights[i.Light]++
		}
		return Sample{Words{chinese, english}, models.Reminder{AsOf: sampleDay, Digest: &models.Digest{Items: items, Lights: lights, Trend: trend}}}
	}
	items := sampleItems()
	return []Sample{
		with("几项提醒", "a few reminders", sampleTrend(), items...),
		with("只有逾期事项", "only what is overdue", nil, items[0]),
		with("只有今天到期的事项", "only what is due today", nil, items[1]),
		with("只有未到期的事项", "only what is due later", nil, items[2]),
		with("项数最多，内容最长", "as many and as long as they come", sampleTrend(), manyItems()...),
	}
}

func weekSamples() []Sample {
	items, many := sampleItems(), manyItems()
	situation := func(list []models.DigestItem, unit string) *models.Situation {
		settled := list[0]
		settled.SettledOn = sampleDay.AddDays(-2)
		return &models.Situation{
			UnitName: unit, Lights: map[models.Light]int{models.Red: 1, models.Green: 2}, Trend: sampleTrend(),
			Worst: models.First(list, 20), Due: models.First(list, 20), Settled: models.First([]models.DigestItem{settled}, 20),
			Flows: models.First([]models.OverdueFlow{{InstanceID: 12, Title: list[0].Title, ProjectName: list[0].ProjectName, DueOn: sampleDay, DaysLeft: -3}}, 20),
			Mutes: models.First([]models.MutedProject{{ProjectName: list[0].ProjectName, Owner: "王五", Reason: "合同诉讼", Since: sampleDay}}, 20),
		}
	}
	with := func(chinese, english string, s *models.Situation, own ...models.DigestItem) Sample {
		r := models.Reminder{AsOf: sampleDay, Weekly: &models.WeeklyReport{From: sampleDay.AddDays(-7), To: sampleDay.AddDays(-1), Situation: s}}
		if len(own) > 0 {
			r.Digest = &models.Digest{Items: own, Lights: map[models.Light]int{models.Green: len(own)}}
		}
		return Sample{Words{chinese, english}, r}
	}
	quiet := &models.Situation{UnitName: "某市住房公积金管理中心"}
	return []Sample{
		with("本单位情况和本人提醒", "a unit, and one's own reminders", situation(items, "某市住房公积金管理中心"), items...),
		with("全部单位", "all units", situation(items, "")),
		with("只有本人提醒", "only one's own reminders", nil, items...),
		with("没有提醒", "nothing to remind of", nil),
		with("没有红灯和逾期事项", "nothing red or overdue", quiet),
		with("项数最多，内容最长", "as many and as long as they come", situation(many, strings.Repeat("单位名称", 15)), many...),
	}
}

func alarmSamples() []Sample {
	var samples []Sample
	add := func(a models.Alarm) {
		a.Since = sampleDay.At(8, 30).UTC()
		situation := strings.TrimSpace(string(a.Kind) + " " + a.Problem)
		over := a
		over.Over = true
		samples = append(samples,
			Sample{Words{"告警 " + situation, "alarm " + situation}, models.Reminder{Alarm: &a}},
			Sample{Words{"告警恢复 " + situation, "the end of alarm " + situation}, models.Reminder{Alarm: &over}})
	}
	for _, problem := range []string{"missed", "failed", "stuck", "refused"} {
		add(models.Alarm{Kind: models.AlarmRun, Subject: models.JobSweep, Problem: problem, Detail: "connection refused"})
	}
	for _, kind := range []models.AlarmKind{models.AlarmQueue, models.AlarmChannel, models.AlarmDead, models.AlarmUnknown} {
		add(models.Alarm{Kind: kind, Subject: string(models.ChannelWeCom), Count: 1_000, Detail: strings.Repeat("detail ", 40)})
	}
	add(models.Alarm{Kind: models.AlarmTimers, Count: 1})
	add(models.Alarm{Kind: models.AlarmGaps, Count: 1})
	return samples
}
