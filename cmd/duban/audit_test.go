package main

import (
	"encoding/json"
	"testing"

	"duban/models"
)

func TestAuditRemindersFindsWhatWasNotSaid(t *testing.T) {
	d := newOffice(t)
	audit := []string{"audit", "reminders"}
	d.fails(exitFailed, []string{"没有完成过检查"}, audit...)
	d.must("send", "--sweep")
	contains(t, d.must(audit...), "检查 1 次", "已发送", "应提醒")

	s := d.store()
	var row models.Notification
	if err := s.Read(t.Context()).Where("instance_id = 0 AND state = ?", models.NotificationSent).Order("id").Take(&row).Error; err != nil {
		t.Fatal(err)
	}
	err := s.Read(t.Context()).Model(&models.Notification{}).Where("id = ?", row.ID).UpdateColumn("state", models.NotificationDead).Error
	if err != nil {
		t.Fatal(err)
	}
	contains(t, d.fails(exitFailed, []string{"有 1 项没有提醒到"}, audit...), "已放弃", row.Payload.Title, row.Day.String())
	var report struct {
		Counts      map[models.Verdict]int
		Expected    int
		Differences []difference
	}
	if err := json.Unmarshal([]byte(d.fails(exitFailed, nil, append(audit, "--format", "json")...)), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Differences) != 1 || report.Differences[0].Message != row.ID || report.Differences[0].Verdict != models.GapDead ||
		report.Counts[models.GapDead] != 1 || report.Expected < 50 {
		t.Errorf("%+v", report)
	}
	rows := parseCSV(t, d.fails(exitFailed, nil, append(audit, "--format", "csv")...))
	if len(rows) != 2 || rows[1][1] != "已放弃，无接替" {
		t.Errorf("%q", rows)
	}
	d.fails(exitUsage, []string{"--from", "不晚于"}, "audit", "reminders", "--from", "2026-01-02", "--to", "2026-01-01")
	d.fails(exitUsage, []string{"--format"}, "audit", "reminders", "--format", "xml")
	d.fails(exitUsage, []string{"--to"}, "audit", "reminders", "--to", "x")
}
