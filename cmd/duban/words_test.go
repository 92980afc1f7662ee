package main

import (
	"strings"
	"testing"
)

func TestWordsAreListedCheckedAndPublished(t *testing.T) {
	d := newOffice(t)
	contains(t, d.must("words", "list"), "reminder_before", "workflow_task", "内置")
	source := d.must("words", "show", "reminder_before")
	contains(t, source, `{{define "lead"}}`)
	contains(t, d.must("words", "show", "reminder_before", "--form", "sms", "--in", "en"), `body: "${project}`)

	file := d.file("words.tmpl", strings.Replace(source, `{{template "duty" .}}`, "新的措辞：{{.Title}}", 1))
	contains(t, d.must("words", "check", "reminder_before", file), "没有问题")
	contains(t, d.must("words", "publish", "reminder_before", file), "已启用：reminder_before 第 1 版")
	contains(t, d.must("words", "publish", "reminder_before", file), "第 2 版")
	contains(t, d.must("words", "show", "reminder_before"), "新的措辞")
	contains(t, d.must("words", "list", "--language", "en"), "zh-CN")

	broken := d.file("broken.tmpl", strings.Replace(source, "{{.DaysLeft}} 天", "{{.DaysLeft}} {{.Nothing}}", 1))
	for _, command := range []string{"check", "publish"} {
		d.fails(exitUsage, []string{"broken.tmpl:4: 没有变量 .Nothing", "1 处需要修改"}, "words", command, "reminder_before", broken)
	}
	d.fails(exitUsage, []string{"没有模板", "reminder_today"}, "words", "show", "reminder_never")
	d.fails(exitUsage, []string{"--form"}, "words", "show", "reminder_before", "--form", "voice")
	d.fails(exitUsage, []string{"--in"}, "words", "show", "reminder_before", "--in", "fr")
	d.fails(exitUsage, nil, "words", "check", "reminder_before", "nothing.tmpl")
	contains(t, d.must("audit", "verify"), "完整")
}
