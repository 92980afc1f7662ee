package notifier

import (
	"strings"
	"time"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

// Sample is a made-up message, with which a wording is tried out before it is
// published, and shown where there is no real one yet.
type Sample struct {
	Situation Words // what is special about it
	Payload   models.Reminder
}

// Samples returns messages of the template as they can come: the ordinary one
// first, then those that have less, or more, than that. None is of a real
// person or project.
func Samples(template string) []Sample {
	for _, entry := range templateTable {
		if entry.name != template {
			continue
		}
		switch entry.about {
		case aboutApproval:
			return approvalSamples()
		case aboutLogin:
			return []Sample{{Words{"登录", "a login"}, models.Reminder{Login: &models.Login{Link: sampleLink(0)}}}}
		case aboutDigest:
			return digestSamples()
		case aboutWeek:
			return weekSamples()
		case aboutAlarm:
			return alarmSamples()
		case aboutDuty:
			return dutySamples(sampleDays(template))
		}
	}
	return nil
}

// sampleDays returns when the duty of a sample is due, in days.
func sampleDays(template string) int {
	switch template {
	case ReminderToday:
		return 0
	case ReminderOverdue:
		return -12
	}
	return 10
}

var sampleDay = calendar.MustDate(2025, time.June, 20)

func sampleLink(instance int64) models.Link {
	l := models.Link{UserID: 1, InstanceID: instance, ExpiresAt: sampleDay.At(18, 0).UTC(), Nonce: "SAMPLE"}
	if instance != 0 {
		l.Task, l.TaskVersion = 1, 1
	}
	return l
}

func sampleDuty(kind models.Kind, days int) models.Reminder {
	r := models.Reminder{
		Kind: kind, Title: "设备验收", UnitName: "某市住房公积金管理中心", ProjectName: "办公楼运转经费", ProjectCode: "603001-17",
		FiscalYear: 2025, DueOn: sampleDay.AddDays(days), AsOf: sampleDay, DaysLeft: days, Light: models.Green, Audience: models.ToOwner,
		Source: "公布的原文",
	}
	if kind == models.SpendingTarget {
		r.Title, r.Source, r.Light = "6月底支出进度达到50%", "资金支出计划 6月底 50%", models.Yellow
		r.Budget, r.Paid, r.Missing = 58_500_000, 18_954_000, 10_296_000
		r.Plan, r.Actual = money.PercentOf(50), money.PercentOf(32)+4_000
	}
	return r
}

// changed returns a sample of a spending target with something else about it.
func changed(r models.Reminder, chinese, english string, change func(*models.Reminder)) Sample {
	change(&r)
	return Sample{Words{chinese, english}, r}
}

func dutySamples(days int) []Sample {
	spending := sampleDuty(models.SpendingTarget, days)
	samples := []Sample{
		{Words{"支出进度", "a spending target"}, spending},
		changed(spending, "已达到计划", "a plan that is reached", func(r *models.Reminder) { r.Missing, r.Actual = 0, money.PercentOf(51) }),
		changed(spending, "预算为 0", "no budget", func(r *models.Reminder) { r.Budget, r.Paid, r.Missing, r.Actual = 0, 0, 0, 0 }),
		changed(spending, "支出数据未更新", "records that lag behind", func(r *models.Reminder) { r.RecordsAsOf = r.AsOf.AddDays(-17) }),
		changed(spending, "到期日放假，另有流程", "a day off, and a workflow", func(r *models.Reminder) { r.DueOnHoliday, r.Workflow = "国庆节", "corrective_action" }),
		changed(sampleDuty(models.Refinement, days), "单位事项", "a duty without a project", func(r *models.Reminder) {
			r.ProjectName, r.ProjectCode, r.Title, r.Source = "", "", "6月底前细化代编预算："+r.UnitName, ""
		}),
		{Words{"各项内容最长", "the longest values"}, longest(spending)},
		{Words{"各项内容最长的其他事项", "the longest values of another duty"}, longest(sampleDuty(models.Custom, days))},
	}
	for _, kind := range models.Kinds {
		for _, audience := range []models.Audience{models.ToOwner, models.ToManager, models.ToFinance, models.ToOffice, models.ToLeader, ""} {
			samples = append(samples, changed(sampleDuty(kind, days), string(kind)+" / "+string(audience), string(kind)+" / "+string(audience),
				func(r *models.Reminder) { r.Audience = audience }))
		}
	}
	return samples
}

// longest returns the facts with names and numbers as long as they come, and
// with what could break a line or a page if it were let through.
func longest(r models.Reminder) models.Reminder {
	r.UnitName, r.ProjectName, r.ProjectCode = strings.Repeat("单位名称", 15), strings.Repeat("项目名称", 30), strings.Repeat("603001-", 8)
	r.Title = "事项\r\nBcc: x@example.cn <b>&" + strings.Repeat("事项名称", 45)
	r.Source = strings.Repeat("公布的原文", 60) + "\n<script>"
	r.DueOn = calendar.MustDate(2025, time.December, 31)
	if r.DaysLeft > 0 {
		r.DaysLeft = 365
	} else if r.DaysLeft < 0 {
		r.DaysLeft = -1_000
	}
	if r.Kind == models.SpendingTarget {
		r.Budget, r.Paid, r.Missing = 99_999_999_999_99, 1, 99_999_999_999_98
		r.Plan, r.Actual = money.PercentOf(100), money.PercentOf(-1)+1
	}
	return r
}

func approvalSamples() []Sample {
	base := sampleDuty(models.SpendingTarget, 10)
	base.Audience = ""
	with := func(chinese, english string, change func(*models.Reminder, *models.Approval)) Sample {
		link := sampleLink(12)
		a := models.Approval{
			InstanceID: 12, Workflow: "corrective_action", WorkflowTitle: "支出纠偏", Step: "科室负责人确认", Applicant: "王五", By: "李四",
			Comment: "第一条：金额不符\n第二条：请补充依据", DueOn: sampleDay.AddDays(5), DaysLeft: 5, Link: &link,
		}
		return changed(base, chinese, english, func(r *models.Reminder) {
			change(r, &a)
			r.Approval = &a
		})
	}
	return []Sample{
		with("普通情形", "an ordinary one", func(*models.Reminder, *models.Approval) {}),
		with("无需办理", "nothing to decide", func(_ *models.Reminder, a *models.Approval) { a.Link = nil }),
		with("内容最少", "as little as there can be", func(r *models.Reminder, a *models.Approval) {
			*r = sampleDuty(models.Refinement, 10)
			r.ProjectName, r.ProjectCode, r.Source, r.Audience = "", "", "", ""
			*a = models.Approval{InstanceID: 12, Workflow: "extension", WorkflowTitle: "延期"}
		}),
		with("代他人办理，今天到期", "for somebody else, due today", func(_ *models.Reminder, a *models.Approval) {
			a.Assignee, a.DueOn, a.DaysLeft = "赵六", sampleDay, 0
		}),
		with("已超期", "overdue", func(_ *models.Reminder, a *models.Approval) { a.DueOn, a.DaysLeft = sampleDay.AddDays(-3), -3 }),
		with("其他事项，没有意见", "another duty, without a comment", func(r *models.Reminder, a *models.Approval) {
			*r = sampleDuty(models.Completion, 10)
			a.Comment = ""
		}),
		with("各项内容最长", "the longest values", func(r *models.Reminder, a *models.Approval) {
			*r = longest(*r)
			for _, s := range []*string{&a.WorkflowTitle, &a.Step, &a.Applicant, &a.By, &a.Assignee} {
				*s = strings.Repeat("很长的名称", 12) + "\r\nBcc: x"
			}
			a.Comment = strings.Repeat("意见"+strings.Repeat("很长", 40)+"\r\n", 30)
			a.DueOn, a.DaysLeft = calendar.MustDate(2025, time.December, 31), -1_000
		}),
	}
}
