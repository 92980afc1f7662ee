package notifier

import (
	"slices"
	"strconv"
	"strings"
	texttemplate "text/template"
	"time"

	"duban/models"
	"duban/models/money"
)

// Fact is something that a text message may mention, by its name.
type Fact struct {
	Name  string
	About Words
	// Most is how long a value may be, in characters. A longer one is cut: a
	// text message is paid for by its length.
	Most int
}

// Facts lists what the text messages of a template may mention.
func Facts(template string) []Fact {
	var facts []Fact
	for _, entry := range templateTable {
		if entry.name != template {
			continue
		}
		for _, f := range factTable {
			if slices.Contains(f.of, entry.about) {
				facts = append(facts, f.Fact)
			}
		}
	}
	return facts
}

// namedFact is a fact and where it comes from: a value of the message, or
// words that every language has for it in phrases.tmpl.
type namedFact struct {
	Fact
	of     []about
	value  func(view) string
	phrase string
}

var (
	ofAll      = []about{aboutDuty, aboutApproval, aboutLogin, aboutDigest, aboutWeek, aboutAlarm}
	ofDuty     = []about{aboutDuty, aboutApproval}
	ofReminder = []about{aboutDuty}
	ofApproval = []about{aboutApproval}
	ofLogin    = []about{aboutLogin}
	ofDigest   = []about{aboutDigest}
	ofWeek     = []about{aboutWeek}
	ofAlarm    = []about{aboutAlarm}
	ofPages    = []about{aboutDuty, aboutApproval, aboutDigest, aboutWeek, aboutAlarm}
)

// factTable lists every fact. Those that people would miss most come first. A
// value may be blank only where its description says for which messages it is:
// providers refuse a blank one.
var factTable = []namedFact{
	{Fact: Fact{"project", Words{"预算项目（单位事项为单位名称）", "the project, or the unit of a duty without one"}, 16}, of: ofDuty, value: func(v view) string { return v.Whose }},
	{Fact: Fact{"unit", Words{"预算单位", "the budget unit"}, 16}, of: ofDuty, value: func(v view) string { return v.UnitName }},
	{Fact: Fact{"duty", Words{"督办事项", "the duty"}, 20}, of: ofDuty, value: func(v view) string { return v.Title }},
	{Fact: Fact{"kind", Words{"督办类型", "the kind of duty"}, 12}, of: ofDuty, phrase: "kind"},
	{Fact: Fact{"due", Words{"到期日，如 6月30日", "the due date: 30 June"}, 12}, of: ofDuty, value: func(v view) string { return v.ShortDue }},
	{Fact: Fact{"days", Words{"距到期还有几天（逾期后为空）", "days until then, blank when overdue"}, 5}, of: ofReminder, value: func(v view) string { return count(v.DaysLeft >= 0, v.DaysLeft) }},
	{Fact: Fact{"over", Words{"已逾期几天（未逾期时为空）", "days overdue, else blank"}, 5}, of: ofReminder, value: func(v view) string { return count(v.DaysOver > 0, v.DaysOver) }},
	{Fact: Fact{"status", Words{"办理情况，如 现32.4%，差17.6个百分点", "how it stands: now 32.4%, 17.6 points short"}, 32}, of: ofDuty, phrase: "status"},
	{Fact: Fact{"light", Words{"预警灯", "the traffic light"}, 12}, of: ofReminder, phrase: "light"},
	{Fact: Fact{"plan", Words{"计划进度（仅支出进度）", "planned share, spending only"}, 8}, of: ofDuty, value: spending(func(v view) string { return v.Plan.String() })},
	{Fact: Fact{"actual", Words{"实际进度（仅支出进度）", "actual share, spending only"}, 8}, of: ofDuty, value: spending(func(v view) string { return v.Actual.String() })},
	{Fact: Fact{"behind", Words{"落后几个百分点（仅支出进度）", "points behind, spending only"}, 8}, of: ofDuty, value: spending(func(v view) string { return v.Behind })},
	{Fact: Fact{"missing", Words{"尚需支付，万元（仅支出进度）", "still to be paid in 万元, spending only"}, 14}, of: ofDuty, value: spending(func(v view) string { return v.Missing.In(money.TenThousand) })},
	{Fact: Fact{"as_of", Words{"支出数据截至", "the day up to which payments are on record"}, 16}, of: ofDuty, value: func(v view) string { return v.AsOfText }},
	{Fact: Fact{"workflow", Words{"流程名称", "the workflow"}, 12}, of: ofApproval, value: func(v view) string { return v.Approval.WorkflowTitle }},
	{Fact: Fact{"step", Words{"当前步骤（没有步骤时为流程名称）", "the step, or the workflow if it has none"}, 12}, of: ofApproval, value: func(v view) string { return either(v.Approval.Step, v.Approval.WorkflowTitle) }},
	{Fact: Fact{"applicant", Words{"申请人（尚未申请时为“系统”）", "the applicant, or the system"}, 10}, of: ofApproval, phrase: "applied_by"},
	{Fact: Fact{"by", Words{"操作人（系统自动操作时为“系统”）", "who acted, or the system"}, 10}, of: ofApproval, phrase: "by"},
	{Fact: Fact{"assignee", Words{"应由谁办理（没有时为“待指派”）", "whose task it is, or that it is nobody's"}, 10}, of: ofApproval, phrase: "for_whom"},
	{Fact: Fact{"limit", Words{"办理时限，如 7月2日前、已超期3天、未设时限", "the time limit: by 2 July, 3 days overdue, no limit"}, 20}, of: ofApproval, phrase: "time_left"},
	{Fact: Fact{"count", Words{"汇总了几项", "how many duties it tells"}, 5}, of: ofDigest, value: func(v view) string { return strconv.Itoa(v.Listed) }},
	{Fact: Fact{"topic", Words{"概况，如 逾期 2 项，今天到期 1 项", "in short: 2 overdue, 1 due today"}, 90}, of: []about{aboutDigest, aboutWeek, aboutAlarm}, phrase: "topic"},
	{Fact: Fact{"summary", Words{"周报的概述", "the report in a sentence"}, 110}, of: ofWeek, phrase: "lead"},
	{Fact: Fact{"headline", Words{"系统告警或恢复正常", "whether it is an alarm, or its end"}, 12}, of: ofAlarm, phrase: "headline"},
	{Fact: Fact{"code", Words{"登录验证码", "the login code"}, 6}, of: ofLogin, value: func(v view) string { return v.Code }},
	{Fact: Fact{"minutes", Words{"验证码有效几分钟", "for how many minutes the code is good"}, 3}, of: ofLogin, value: func(view) string { return strconv.Itoa(int(models.LoginLife / time.Minute)) }},
	{Fact: Fact{"recipient", Words{"收件人", "the recipient"}, 10}, of: ofAll, value: func(v view) string { return v.Recipient }},
	// It may be as long as the server's address is: a link that is cut is none.
	{Fact: Fact{"link", Words{"页面网址（未配置 server.base_url 时为空）", "the page's address, blank without server.base_url"}, 200}, of: ofPages, value: func(v view) string { return v.page }},
}

func spending(value func(view) string) func(view) string {
	return func(v view) string {
		if !v.Spending {
			return ""
		}
		return value(v)
	}
}

func either(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func count(shown bool, n int) string {
	if !shown {
		return ""
	}
	return strconv.Itoa(n)
}

// named returns the facts by name. The words are those that every template of
// the language shares.
func (v view) named(a about, words *texttemplate.Template) (map[string]string, error) {
	facts := map[string]string{}
	for _, f := range factTable {
		if !slices.Contains(f.of, a) {
			continue
		}
		var value strings.Builder
		if f.phrase == "" {
			value.WriteString(f.value(v))
		} else if err := words.ExecuteTemplate(&value, f.phrase, v.subjectOf(f.phrase)); err != nil {
			return nil, err
		}
		facts[f.Name] = short(oneLine(value.String()), f.Most)
	}
	return facts, nil
}

// subjectOf returns what a phrase is told: the identifier that it has words
// for, or everything.
func (v view) subjectOf(phrase string) any {
	switch phrase {
	case "kind":
		return string(v.Kind)
	case "light":
		return string(v.Light)
	}
	return v
}
