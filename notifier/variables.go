package notifier

import "slices"

// Variable is something that the words of a template may say or ask for, as it
// is written between {{ and }}.
type Variable struct {
	Name  string
	About Words
}

// Variables lists what an editor of a template needs most. A wording may use
// every exported field of the facts beside.
func Variables(template string) []Variable {
	var list []Variable
	for _, entry := range templateTable {
		if entry.name != template {
			continue
		}
		for _, v := range variableTable {
			if slices.Contains(v.of, entry.about) {
				list = append(list, v.Variable)
			}
		}
	}
	return list
}

var ofListing = []about{aboutDigest, aboutWeek}

var variableTable = []struct {
	of []about
	Variable
}{
	{ofAll, Variable{".Recipient", Words{"收件人姓名", "the recipient's name"}}},
	{ofDuty, Variable{".Whose", Words{"预算项目；单位事项为单位名称", "the project, or the unit of a duty without one"}}},
	{ofDuty, Variable{".About", Words{"同上，较短，用于标题；事项名称里已有时为空", "the same for a subject line; blank if the title says it"}}},
	{ofDuty, Variable{".UnitName", Words{"预算单位", "the budget unit"}}},
	{ofDuty, Variable{".ProjectName", Words{"预算项目，单位事项为空", "the project, blank for a duty of the unit"}}},
	{ofDuty, Variable{".ProjectCode", Words{"项目编码", "the project's code"}}},
	{ofDuty, Variable{".Title", Words{"督办事项全称", "the duty in full"}}},
	{ofDuty, Variable{".Duty", Words{"督办事项，较短，用于标题", "the duty, short enough for a subject line"}}},
	{ofDuty, Variable{".Kind", Words{"督办类型的代码，用于 if eq", "the kind's identifier, for if eq"}}},
	{ofDuty, Variable{".Due", Words{"到期日", "the due date"}}},
	{ofDuty, Variable{".ShortDue", Words{"到期日，不含年份", "the due date without the year"}}},
	{ofReminder, Variable{".Checkpoint", Words{"支出计划的节点，如 6月底", "the checkpoint of the plan: the end of June"}}},
	{ofReminder, Variable{".DaysLeft", Words{"距到期天数，逾期后为负", "days until then, negative when overdue"}}},
	{ofReminder, Variable{".DaysOver", Words{"逾期天数", "days overdue"}}},
	{ofDuty, Variable{".Spending", Words{"是否支出进度事项，用于 if", "whether it is about spending, for if"}}},
	{ofDuty, Variable{".Plan", Words{"计划进度", "planned share"}}},
	{ofDuty, Variable{".Actual", Words{"实际进度", "actual share"}}},
	{ofDuty, Variable{".Behind", Words{"落后几个百分点", "percentage points behind"}}},
	{ofDuty, Variable{".Money .Missing", Words{"尚需支付", "what is still to be paid"}}},
	{ofDuty, Variable{".Money .Budget", Words{"年度预算", "the annual budget"}}},
	{ofDuty, Variable{".Money .Paid", Words{"已支付", "what is paid"}}},
	{ofDuty, Variable{".AsOfText", Words{"数据截至日期", "the day of the records"}}},
	{ofReminder, Variable{".Audience", Words{"收件人的身份代码：owner 经办人、manager 科室负责人、finance 财务科、office 办公室、leader 分管领导", "why it came: owner, manager, finance, office, leader"}}},
	{ofApproval, Variable{".Matter", Words{"流程和事项，较短，用于标题", "the workflow and its duty, for a subject line"}}},
	{ofApproval, Variable{".Approval.WorkflowTitle", Words{"流程名称", "the workflow"}}},
	{ofApproval, Variable{".Approval.Step", Words{"当前步骤，可能为空", "the step, may be blank"}}},
	{ofApproval, Variable{".Approval.Applicant", Words{"申请人，可能为空", "the applicant, may be blank"}}},
	{ofApproval, Variable{".Approval.By", Words{"操作人，系统自动操作时为空", "who acted, blank for the system"}}},
	{ofApproval, Variable{".Approval.Assignee", Words{"应由谁办理，本人办理时为空", "whose task it is, blank if it is the recipient's"}}},
	{ofApproval, Variable{".Limit", Words{"办理时限，没有时为空", "the time limit, blank without one"}}},
	{ofApproval, Variable{".Left", Words{"距办理时限天数，超期后为负", "days until the limit, negative when over"}}},
	{ofApproval, Variable{".Left.Over", Words{"超期天数", "days over the limit"}}},
	{ofListing, Variable{".Listed", Words{"汇总的项数", "how many duties it tells"}}},
	{ofListing, Variable{".Overdue", Words{"其中逾期的项数", "of those, how many are overdue"}}},
	{ofListing, Variable{".Today", Words{"其中今天到期的项数", "of those, how many are due today"}}},
	{ofListing, Variable{".Next", Words{"其余最近的到期日，可能为空", "when the next one is due, may be blank"}}},
	{ofWeek, Variable{".From", Words{"周报的第一天", "the first day of the report"}}},
	{ofWeek, Variable{".To", Words{"周报的最后一天", "its last day"}}},
	{ofAlarm, Variable{".Alarm.Kind", Words{"告警类型的代码，用于 if eq", "the alarm's identifier, for if eq"}}},
	{ofAlarm, Variable{".Alarm.Subject", Words{"涉及的任务或渠道的代码，可能为空", "the job or channel, may be blank"}}},
	{ofAlarm, Variable{".Alarm.Count", Words{"涉及的条数", "how many are concerned"}}},
	{ofAlarm, Variable{".Alarm.Over", Words{"是否已恢复，用于 if", "whether it is over, for if"}}},
	{ofAlarm, Variable{".Since", Words{"开始时间", "since when"}}},
	{ofAll, Variable{"template \"headline\" .", Words{"引用另一片段", "the words of another part"}}},
	{ofReminder, Variable{"template \"duty\" .", Words{"完整的一句话：谁应在何时办结什么", "a sentence: what is due when"}}},
	{ofAll, Variable{"template \"topic\" .", Words{"标题里的事项", "what it is about, for the subject line"}}},
	{ofApproval, Variable{"template \"act\" .", Words{"如何办理（点链接并输入验证码，或登录系统）", "how to act: by the link and its code, or by logging in"}}},
}
