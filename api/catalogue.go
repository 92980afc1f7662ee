package api

import (
	"fmt"
	"maps"

	"duban/models"
)

// text is one text of the console in every language.
type text struct{ zh, en string }

func (t text) in(language models.Language) string {
	if language == models.English {
		return t.en
	}
	return t.zh
}

// say returns a text of the catalogue with its arguments filled in. A key that
// does not exist shows as itself; a test finds such keys in templates.
func say(language models.Language, key string, args ...any) string {
	t, ok := catalogue[key]
	switch {
	case !ok:
		return key
	case len(args) == 0:
		return t.in(language)
	}
	return fmt.Sprintf(t.in(language), args...)
}

// word returns the text for one value of a set, such as kind.completion. A
// value that the catalogue does not know yet is shown as it is.
func word(language models.Language, group string, value any) string {
	if t, ok := catalogue[fmt.Sprintf("%s.%v", group, value)]; ok {
		return t.in(language)
	}
	return fmt.Sprint(value)
}

// catalogue holds every text of the console. It is never written to.
var catalogue = together(catalogueParts...)

// catalogueParts are the parts of the catalogue. None has a key of another.
var catalogueParts = []map[string]text{
	consoleTexts, workflowTexts, errorTexts, deliveryTexts, channelTexts, peopleTexts, wordingTexts, auditTexts, digestTexts,
}

// together joins parts of a catalogue.
func together(parts ...map[string]text) map[string]text {
	all := map[string]text{}
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}

// consoleTexts are the texts of the pages that only read.
var consoleTexts = map[string]text{
	"brand":      {"督办", "Duban"},
	"skip":       {"跳到正文", "Skip to content"},
	"nav":        {"主导航", "Main"},
	"other.name": {"English", "中文"},
	"other.code": {"en", "zh-CN"},
	"footer":     {"督办 · 预算项目到期事项提醒", "Duban · dated duties of budget projects"},
	"wan":        {"万元", "10k yuan"},
	"file":       {"文件", "FILE"},
	"line":       {"第 %d 行", "line %d"},
	"any":        {"全部", "All"},
	"filter":     {"筛选", "Filter"},
	"years":      {"年度", "Fiscal years"},
	"budget":     {"预算数", "Budget"},
	"missing":    {"尚需支出", "Still to pay"},
	"paid":       {"累计支出", "Paid so far"},
	"points":     {"%s 个百分点", "%s points"},
	"reached":    {"已达到", "reached"},
	"not_yet":    {"尚未到期", "not due yet"},
	"unnamed":    {"未指定", "nobody named"},
	"nobody":     {"无收件人", "no recipient"},
	"empty_cell": {"（空白）", "(blank)"},
	"no_share":   {"无预算", "no budget"},

	"nav.overview":    {"总览", "Overview"},
	"nav.projects":    {"项目", "Projects"},
	"nav.obligations": {"台账", "Ledger"},
	"nav.messages":    {"消息", "Messages"},
	"nav.problems":    {"数据核查", "Data checks"},

	"pager":         {"翻页", "Pages"},
	"pager.first":   {"回到第一页", "First page"},
	"pager.next":    {"下一页", "Next page"},
	"filter.clear":  {"清除", "Clear"},
	"whole_unit":    {"%s（全单位）", "%s (whole unit)"},
	"none_missing":  {"不落后", "not behind"},
	"no_checkpoint": {"已无节点", "none left"},
	"all_messages":  {"全部消息", "All messages"},

	"light.red":    {"红", "Red"},
	"light.yellow": {"黄", "Yellow"},
	"light.blue":   {"蓝", "Blue"},
	"light.green":  {"绿", "Green"},

	"state.open":         {"未到期", "Open"},
	"state.met":          {"按期完成", "Met"},
	"state.missed":       {"逾期", "Missed"},
	"state.waived":       {"不再要求", "Waived"},
	"state.late":         {"逾期未完成", "Overdue"},
	"state.settled_late": {"逾期完成", "Settled late"},

	"kind.spending_target": {"支出进度", "Spending"},
	"kind.completion":      {"完成时限", "Completion"},
	"kind.recurring":       {"定期支付", "Recurring"},
	"kind.refinement":      {"代编细化", "Refinement"},
	"kind.monitoring":      {"绩效监控", "Monitoring"},
	"kind.self_evaluation": {"绩效自评", "Self-evaluation"},
	"kind.procurement":     {"政府采购", "Procurement"},
	"kind.rectification":   {"审计整改", "Rectification"},
	"kind.custom":          {"其他", "Other"},

	"days.late":      {"已逾期 %d 天", "%d days late"},
	"days.today":     {"今天到期", "due today"},
	"days.left":      {"还有 %d 天", "%d days left"},
	"days.settled":   {"%s 完成", "done %s"},
	"dayoff.holiday": {"%s放假，最后工作日 %s", "%s holiday, last workday %s"},
	"dayoff.weekend": {"休息日，最后工作日 %s", "day off, last workday %s"},

	"col.light":       {"灯号", "Light"},
	"col.duty":        {"督办事项", "Duty"},
	"col.due":         {"到期日", "Due"},
	"col.days":        {"剩余", "Left"},
	"col.plan":        {"计划", "Plan"},
	"col.actual":      {"实际", "Actual"},
	"col.missing":     {"尚需支出（万元）", "To pay (10k yuan)"},
	"col.owner":       {"经办人", "Owner"},
	"col.manager":     {"科室负责人", "Manager"},
	"col.state":       {"状态", "State"},
	"col.kind":        {"类别", "Kind"},
	"col.project":     {"项目", "Project"},
	"col.budget":      {"预算（万元）", "Budget (10k yuan)"},
	"col.share":       {"支出进度", "Executed"},
	"col.next":        {"下一节点", "Next checkpoint"},
	"col.checkpoint":  {"节点", "Checkpoint"},
	"col.plan_share":  {"计划进度", "Planned share"},
	"col.plan_amount": {"计划（万元）", "Planned (10k yuan)"},
	"col.paid_by":     {"到期时实际（万元）", "Paid by then (10k yuan)"},
	"col.short":       {"差额（万元）", "Short (10k yuan)"},
	"col.level":       {"指标类别", "Level"},
	"col.indicator":   {"指标", "Indicator"},
	"col.value":       {"指标值", "Value"},
	"col.basis":       {"确定依据", "Basis"},
	"col.paid_on":     {"支付日期", "Paid on"},
	"col.amount":      {"金额（万元）", "Amount (10k yuan)"},
	"col.voucher":     {"凭证号", "Voucher"},
	"col.payee":       {"收款人", "Payee"},
	"col.summary":     {"摘要", "Summary"},
	"col.what":        {"内容", "About"},
	"col.to":          {"收件人", "Recipient"},
	"col.channel":     {"渠道", "Channel"},
	"col.time":        {"时间", "Time"},
	"col.problem":     {"问题", "Problem"},
	"col.about":       {"涉及", "Concerns"},
	"col.published":   {"原文", "As published"},
	"col.place":       {"出处", "Where"},

	"checkpoints":  {"支出计划各节点", "Checkpoints of the spending plan"},
	"chart.paid":   {"实际累计支出", "Paid so far"},
	"chart.plan":   {"计划累计支出（按节点）", "Planned by checkpoint"},
	"chart.budget": {"预算数", "Budget"},
	"chart.today":  {"今天", "Today"},
	"chart.table":  {"各节点数据", "Figures by checkpoint"},
	"chart.label":  {"%d年支出进度：累计支出 %s 万元，预算 %s 万元", "Spending in %d: paid %s, budget %s (10k yuan)"},

	"overview.title":        {"总览 · %d年度", "Overview · %d"},
	"overview.paid_as_of":   {"支出数据截至 %s", "payments up to %s"},
	"overview.no_payments":  {"还没有导入支出数据", "no payments imported yet"},
	"overview.checked":      {"最近检查 %s", "last check %s"},
	"overview.unchecked":    {"还没有检查过，灯号尚未更新", "never checked, lights are not up to date"},
	"overview.no_holidays":  {"缺少 %d 年的放假安排：目前只按周六、周日休息计算工作日，请补录国务院办公厅通知的放假和调休日期。", "The holidays of %d are missing: only weekends count as days off. Add the State Council's arrangements."},
	"overview.empty":        {"还没有导入绩效目标表。", "No performance targets have been imported yet. "},
	"overview.empty_next":   {"下一步，运行", "Next, run"},
	"overview.counts":       {"事项数量", "Counts"},
	"overview.late":         {"逾期未完成", "overdue"},
	"overview.due_soon":     {"30 天内到期", "due within 30 days"},
	"overview.problems":     {"数据待核查", "data checks open"},
	"overview.lights":       {"待办事项灯号", "Lights of unsettled duties"},
	"overview.states":       {"%d年度事项状态", "Duties of %d by state"},
	"overview.progress":     {"支出进度", "Spending"},
	"overview.of_projects":  {"%d 个项目", "%d projects"},
	"overview.due":          {"已到节点应支出", "Due by passed checkpoints"},
	"overview.missing":      {"合计落后计划", "Behind plan in sum"},
	"overview.next":         {"即将到期", "Due next"},
	"overview.until":        {"至 %s", "until %s"},
	"overview.nothing_next": {"近 30 天没有到期事项。", "Nothing is due within 30 days."},
	"overview.overdue":      {"逾期未完成", "Overdue"},
	"overview.nobody_late":  {"没有逾期未完成的事项。", "Nothing is overdue."},
	"overview.more":         {"在台账中查看全部 %d 项", "See all %d in the ledger"},
	"overview.messages":     {"最新消息", "Latest messages"},

	"projects.title":    {"%d年度项目", "Projects of %d"},
	"projects.late":     {"逾期 %d 项", "%d overdue"},
	"projects.expected": {"应达到 %s", "should be %s"},
	"projects.to_reach": {"达到 %s", "reach %s"},
	"projects.legend":   {"条形中的竖线是已到节点的计划进度。灯号取该项目待办事项中最差的一个。", "The mark in a bar is the planned share by the last passed checkpoint. The light is the worst of the project's unsettled duties."},

	"project.dropped":       {"最近一次公开的绩效目标表已不再列出", "no longer in the published document"},
	"project.placeholder":   {"代编预算", "placeholder budget"},
	"project.expected":      {"计划进度", "Planned share"},
	"project.no_expected":   {"还没有到期的节点", "no checkpoint has passed"},
	"project.behind":        {"落后", "Behind"},
	"project.no_plan":       {"绩效目标表没有列出支出计划。", "The published table states no spending plan."},
	"project.about":         {"项目情况", "About"},
	"project.money":         {"资金构成", "Funds"},
	"project.fiscal":        {"财政资金", "fiscal"},
	"project.other":         {"其他资金", "other"},
	"project.purpose":       {"资金用途", "Purpose"},
	"project.goal":          {"绩效目标", "Goal"},
	"project.duties":        {"督办事项", "Duties"},
	"project.no_duties":     {"没有督办事项。", "No duties."},
	"project.indicators":    {"绩效指标", "Indicators"},
	"project.no_indicators": {"绩效目标表没有列出绩效指标。", "The published table states no indicators."},
	"project.read_as":       {"识别为 %s", "read as %s"},
	"project.payments":      {"支出明细", "Payments"},
	"project.more_payments": {"只显示最近 %d 笔。", "Only the latest %d are shown."},
	"project.no_payments":   {"还没有支出记录。导入支出明细：", "No payments yet. Import them:"},

	"obligations.title":    {"督办台账", "Ledger of duties"},
	"obligations.total":    {"共 %d 项", "%d in all"},
	"obligations.no_match": {"没有符合条件的事项。", "No duty matches."},
	"obligations.empty":    {"还没有督办事项。导入绩效目标表后自动生成：", "No duties yet. They follow from the performance targets:"},

	"obligation.reported":   {"报告完成", "Reported done"},
	"obligation.note":       {"说明", "Note"},
	"obligation.source":     {"公开原文", "As published"},
	"obligation.checked":    {"最近检查", "Last check"},
	"obligation.next_check": {"下次 %s", "next %s"},

	"messages":          {"提醒消息", "Messages"},
	"messages.none":     {"还没有消息。事项临近到期时，检查会自动生成提醒。", "No messages yet. The daily check creates them as duties come near."},
	"messages.no_match": {"没有这种状态的消息。", "No message is in this state."},

	"message.about":     {"%s：%s", "%s: %s"},
	"number":            {"编号 %d", "No. %d"},
	"message.title":     {"消息 %d", "Message %d"},
	"message.duty":      {"查看督办事项", "See the duty"},
	"message.delivery":  {"送达", "Delivery"},
	"message.day":       {"提醒日", "Reminder day"},
	"message.created":   {"生成", "Created"},
	"message.sent":      {"送出", "Sent"},
	"message.next":      {"下次尝试", "Next attempt"},
	"message.attempts":  {"尝试次数", "Attempts"},
	"message.uncertain": {"其中 %d 次结果不明，可能已送出", "%d of unknown outcome, may have been sent"},
	"message.error":     {"最近的错误", "Last error"},
	"message.provider":  {"对方编号", "Provider's id"},
	"message.key":       {"去重键", "Dedup key"},
	"message.facts":     {"提醒时的事实", "Facts when it was created"},
	"message.as_of":     {"截至", "As of"},
	"message.text":      {"正文", "Text"},
	"message.no_text":   {"没有模板 %s，无法生成正文。", "There is no template %s to word it with."},

	"template.reminder_before":  {"到期提醒", "Reminder"},
	"template.reminder_today":   {"今日到期", "Due today"},
	"template.reminder_overdue": {"逾期提醒", "Overdue"},

	"audience.owner":   {"经办人", "owner"},
	"audience.manager": {"科室负责人", "manager"},
	"audience.finance": {"财务科", "finance"},
	"audience.office":  {"办公室", "office"},
	"audience.leader":  {"分管领导", "leader"},

	"problems":       {"数据核查", "Data checks"},
	"problems.total": {"%d 项", "%d"},
	"problems.about": {"导入时发现、需要人核对的地方。系统不会自行改动公开的数据：更正后重新导入，或确认无误。", "What a person must look at. Published data is never changed by guessing: import a correction, or confirm it."},
	"problems.none":  {"没有这类问题。", "None."},

	"problem.open":      {"待核查", "Open"},
	"problem.corrected": {"已更正", "Corrected"},
	"problem.confirmed": {"已确认无误", "Confirmed"},

	"month.1": {"1月", "Jan"}, "month.2": {"2月", "Feb"}, "month.3": {"3月", "Mar"},
	"month.4": {"4月", "Apr"}, "month.5": {"5月", "May"}, "month.6": {"6月", "Jun"},
	"month.7": {"7月", "Jul"}, "month.8": {"8月", "Aug"}, "month.9": {"9月", "Sep"},
	"month.10": {"10月", "Oct"}, "month.11": {"11月", "Nov"}, "month.12": {"12月", "Dec"},
}
