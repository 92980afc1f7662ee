package api

// digestTexts are the texts about digests, reports and alarms.
var digestTexts = map[string]text{
	"template.digest": {"汇总", "Digest"},
	"template.report": {"周报", "Weekly report"},
	"template.alarm":  {"告警", "Alarm"},

	"message.told_in": {"并入", "Told in"},
	"message.tells":   {"汇总的提醒", "The reminders that it tells"},
	"message.items":   {"%d 项", "%d duties"},

	"alarm.run":     {"定时任务", "Job"},
	"alarm.queue":   {"消息积压", "Messages wait"},
	"alarm.channel": {"渠道故障", "Channel fails"},
	"alarm.dead":    {"消息未送达", "Messages given up"},
	"alarm.unknown": {"消息结果不明", "Messages unknown"},
	"alarm.timers":  {"流程时限", "Time limits"},
	"alarm.gaps":    {"应发未发", "Missing reminders"},
	"alarm.over":    {"恢复正常", "works again"},

	"alarm_subject.sweep":    {"每日检查", "daily check"},
	"alarm_subject.report":   {"周报", "weekly report"},
	"alarm_subject.audit":    {"提醒核对", "audit of reminders"},
	"alarm_subject.email":    {"邮件", "e-mail"},
	"alarm_subject.sms":      {"短信", "SMS"},
	"alarm_subject.wecom":    {"企业微信", "WeCom"},
	"alarm_subject.dingtalk": {"钉钉", "DingTalk"},
	"alarm_subject.feishu":   {"飞书", "Feishu"},
	"alarm_subject.webhook":  {"Webhook", "webhook"},
	"alarm_subject.file":     {"文件", "files"},
}
