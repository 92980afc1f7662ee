package notifier_test

import (
	"errors"
	"fmt"
	"html"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"duban/models"
	"duban/models/calendar"
	"duban/notifier"
	"duban/workflows"
)

// workflowTemplates are all that a workflow sends.
var workflowTemplates = []string{
	notifier.WorkflowTask, notifier.WorkflowUnassigned, notifier.WorkflowSentBack, notifier.WorkflowRemind,
	notifier.WorkflowUrge, notifier.WorkflowOverdue, notifier.WorkflowCopy, notifier.WorkflowComment,
	notifier.WorkflowApproved, notifier.WorkflowRejected, notifier.WorkflowWithdrawn, notifier.WorkflowTerminated,
}

// anApproval returns the facts of a message about a workflow.
func anApproval(kind models.Kind) models.Reminder {
	r := aReminder(kind)
	r.Audience = ""
	r.Approval = &models.Approval{
		InstanceID: 12, Workflow: "corrective_action", WorkflowTitle: "支出纠偏", Step: "科室负责人确认", Applicant: "王五",
		By: "李四", Comment: "第一条：金额不符\n第二条：请补充依据", DueOn: calendar.MustDate(2025, 7, 2), DaysLeft: 2,
	}
	return r
}

// with returns a message about a workflow whose facts are changed.
func with(name string, language models.Language, change func(*models.Approval)) models.Notification {
	r := anApproval(models.SpendingTarget)
	change(r.Approval)
	return aNotification(name, language, r)
}

func unchanged(*models.Approval) {}

func TestEveryWorkflowMessageStatesTheFacts(t *testing.T) {
	for _, language := range allLanguages {
		limit, left := "2025年7月2日", "还有 2 天"
		if language == models.English {
			limit, left = "2 July 2025", "2 days left"
		}
		for _, name := range workflowTemplates {
			for _, kind := range models.Kinds {
				t.Run(fmt.Sprintf("%s/%s/%s", language, name, kind), func(t *testing.T) {
					r := anApproval(kind)
					wants := []string{
						r.UnitName, r.ProjectName, r.ProjectCode, r.Title, "张三",
						"支出纠偏", "科室负责人确认", "王五", "第一条：金额不符", "第二条：请补充依据", limit, left,
					}
					if kind == models.SpendingTarget {
						wants = append(wants, "50%", "32.4%", "17.6", "10.296 万元", "585,000.00")
					}
					m := render(t, aNotification(name, language, r))
					check(t, m, wants)
					sameWords(t, m)
				})
			}
		}
	}
}

var (
	tag   = regexp.MustCompile(`(?s)<[^>]*>`)
	space = regexp.MustCompile(`[\s\x{a0}]+`)
)

// sameWords checks that every line of the text is in the HTML.
func sameWords(t *testing.T, m notifier.Message) {
	t.Helper()
	flat := func(s string) string { return space.ReplaceAllString(s, "") }
	words := flat(html.UnescapeString(tag.ReplaceAllString(m.HTML, "")))
	for line := range strings.Lines(m.Text) {
		for _, part := range regexp.MustCompile(`：|: |，用于|\. It |https?://\S+`).Split(line, -1) {
			if !strings.Contains(words, flat(part)) {
				t.Errorf("HTML lacks %q:\n%s", part, words)
			}
		}
	}
}

func TestEveryTemplateFileIsListedAndEveryMessageHasWords(t *testing.T) {
	for _, language := range allLanguages {
		files, err := os.ReadDir("templates/" + string(language))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			name := strings.TrimSuffix(file.Name(), ".tmpl")
			if name == "phrases" {
				continue
			}
			samples := notifier.Samples(name)
			if len(samples) == 0 {
				t.Fatalf("there is no sample of %s", name)
			}
			render(t, aNotification(name, language, samples[0].Payload))
		}
	}
	for _, name := range []workflows.Template{
		workflows.NotifyTask, workflows.NotifyUnassigned, workflows.NotifySentBack, workflows.NotifyRemind,
		workflows.NotifyUrge, workflows.NotifyOverdue, workflows.NotifyCopy, workflows.NotifyComment,
		workflows.NotifyApproved, workflows.NotifyRejected, workflows.NotifyWithdrawn, workflows.NotifyTerminated,
	} {
		if !slices.Contains(workflowTemplates, string(name)) {
			t.Errorf("a workflow sends %s, which has no words", name)
		}
	}
}

func TestSubjectsOfWorkflowMessages(t *testing.T) {
	late := func(a *models.Approval) { a.DaysLeft = -3 }
	for _, tc := range []struct {
		name     string
		template string
		language models.Language
		change   func(*models.Approval)
		want     string
	}{
		{"a task", notifier.WorkflowTask, models.Chinese, unchanged, "待您办理（7月2日前）"},
		{"a task of today", notifier.WorkflowTask, models.Chinese, func(a *models.Approval) { a.DaysLeft = 0 }, "待您办理（今天到期）"},
		{"a task without a limit", notifier.WorkflowTask, models.Chinese, func(a *models.Approval) { a.DueOn = calendar.Date{} }, "待您办理"},
		{"nobody", notifier.WorkflowUnassigned, models.Chinese, unchanged, "待指派（7月2日前）"},
		{"sent back", notifier.WorkflowSentBack, models.Chinese, unchanged, "退回重办（7月2日前）"},
		{"a limit that comes", notifier.WorkflowRemind, models.Chinese, unchanged, "请按时办理（7月2日前）"},
		{"urged", notifier.WorkflowUrge, models.Chinese, unchanged, "催办（7月2日前）"},
		{"urged when late", notifier.WorkflowUrge, models.Chinese, late, "催办（已超期3天）"},
		{"overdue", notifier.WorkflowOverdue, models.Chinese, late, "超期3天未办"},
		{"told before it is overdue", notifier.WorkflowOverdue, models.Chinese, unchanged, "尚未办理（7月2日前）"},
		{"a copy", notifier.WorkflowCopy, models.Chinese, unchanged, "抄送，请阅知"},
		{"a comment", notifier.WorkflowComment, models.Chinese, unchanged, "新评论，请阅"},
		{"approved", notifier.WorkflowApproved, models.Chinese, unchanged, "审批通过"},
		{"rejected", notifier.WorkflowRejected, models.Chinese, unchanged, "已驳回"},
		{"withdrawn", notifier.WorkflowWithdrawn, models.Chinese, unchanged, "已撤回"},
		{"terminated", notifier.WorkflowTerminated, models.Chinese, unchanged, "已终止"},
		{"English", notifier.WorkflowTask, models.English, unchanged, "Awaiting your action (by 2 July)"},
		{"English, late by a day", notifier.WorkflowOverdue, models.English, func(a *models.Approval) { a.DaysLeft = -1 }, "1 day overdue"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := "【督办】" + tc.want + "：支出纠偏 · 办公楼运转经费 6月底支出进度达到50%"
			if tc.language == models.English {
				want = "[duban] " + tc.want + ": 支出纠偏 · 办公楼运转经费 6月底支出进度达到50%"
			}
			if got := render(t, with(tc.template, tc.language, tc.change)).Subject; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// columns is how wide a subject is, a Chinese character taking two.
func columns(s string) int { return len([]rune(s)) + len(chinese.FindAllString(s, -1)) }

var chinese = regexp.MustCompile(`[\p{Han}，：（）【】]`)

func TestSubjectsFitAPhone(t *testing.T) {
	for _, name := range workflowTemplates {
		for _, title := range []string{"支出纠偏", strings.Repeat("流", 60), strings.Repeat("x", 60)} {
			r := anApproval(models.Completion)
			r.ProjectName, r.Title, r.Approval.WorkflowTitle = strings.Repeat("长", 60), strings.Repeat("名", 200), title
			r.Approval.DueOn, r.Approval.DaysLeft = calendar.MustDate(2025, 12, 31), 11
			m := render(t, aNotification(name, models.Chinese, r))
			if n := columns(m.Subject); n > 2*43 {
				t.Errorf("%d columns: %s", n, m.Subject)
			}
			if !strings.Contains(m.Subject, "长") || !strings.Contains(m.Subject, "名") {
				t.Errorf("it names no duty: %s", m.Subject)
			}
		}
	}
}

func TestWordsThatDependOnTheWorkflow(t *testing.T) {
	for _, tc := range []struct {
		name     string
		template string
		change   func(*models.Approval)
		want     string
		not      string
	}{
		{"a task", notifier.WorkflowTask, unchanged, "请于2025年7月2日前（含当日）办理“支出纠偏”流程的“科室负责人确认”。由李四转来。", "代"},
		{"a task from the system", notifier.WorkflowTask, func(a *models.Approval) { a.By = "" }, "由系统转来。", "李四"},
		{"another's task", notifier.WorkflowTask, func(a *models.Approval) { a.Assignee = "赵六" }, "前（含当日）代赵六办理", ""},
		{"why another's task", notifier.WorkflowTask, func(a *models.Approval) { a.Assignee = "赵六" }, "可代赵六办理该步骤", ""},
		{"a task that is late", notifier.WorkflowTask, func(a *models.Approval) { a.DaysLeft = -3 }, "请尽快办理“支出纠偏”流程的“科室负责人确认”，办理时限为2025年7月2日，已超期 3 天。", "前（含当日）办理"},
		{"a task without a limit", notifier.WorkflowTask, func(a *models.Approval) { a.DueOn = calendar.Date{} }, "请办理“支出纠偏”", "办理时限"},
		{"no step", notifier.WorkflowTask, func(a *models.Approval) { a.Step = "" }, "办理“支出纠偏”流程。", "当前步骤"},
		{"the last day", notifier.WorkflowRemind, func(a *models.Approval) { a.DaysLeft = 0 }, "今天是办理时限的最后一天。", "还有"},
		{"urged", notifier.WorkflowUrge, unchanged, "由李四催办。", ""},
		{"urged by the clock", notifier.WorkflowUrge, func(a *models.Approval) { a.By, a.Comment = "", "" }, "请于2025年7月2日前", "由系统"},
		{"whose decision is overdue", notifier.WorkflowOverdue, func(a *models.Approval) { a.Assignee, a.DaysLeft = "赵六", -3 }, "请督促赵六尽快办理", "代赵六"},
		{"nobody's decision is overdue", notifier.WorkflowOverdue, unchanged, "请尽快指派人员办理", ""},
		{"sent back", notifier.WorkflowSentBack, unchanged, "该流程由李四退回。", ""},
		{"rejected", notifier.WorkflowRejected, unchanged, "驳回理由", ""},
		{"rejected without a reason", notifier.WorkflowRejected, func(a *models.Approval) { a.Comment = " \r\n " }, "由李四驳回", "驳回理由："},
		{"withdrawn by the system", notifier.WorkflowWithdrawn, func(a *models.Approval) { a.By = "" }, "由系统撤回", ""},
		{"no other workflow", notifier.WorkflowTask, unchanged, "", "相关流程"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := with(tc.template, models.Chinese, tc.change)
			n.Payload.Workflow = "extension"
			m := render(t, n)
			check(t, m, []string{tc.want})
			if tc.not != "" && (strings.Contains(m.Text, tc.not) || strings.Contains(m.HTML, tc.not)) {
				t.Errorf("it contains %q:\n%s", tc.not, m.Text)
			}
		})
	}
}

func TestCommentsSurviveAndCannotPosture(t *testing.T) {
	long := strings.Repeat("长", 2000)
	comment := "同意\r\n验证码 000000\r\n\r\n\r\nBcc: x@example.com\u2028<script>alert(1)</script>\n" + long
	for _, language := range allLanguages {
		for _, name := range workflowTemplates {
			n := with(name, language, func(a *models.Approval) {
				a.Comment, a.By, a.WorkflowTitle, a.Step = comment, "李四\r\nBcc: y@example.com", "<b>流程</b>\n流程", "步骤\r\n步骤"
			})
			n.Payload.Title = "事项\r\nBcc: z@example.com"
			m := render(t, n)
			check(t, m, []string{"同意", long})
			if strings.Contains(m.HTML, "<script") || strings.Contains(m.HTML, "<b>流程") {
				t.Errorf("%s: markup got through:\n%s", name, m.HTML)
			}
			if !strings.Contains(m.Text, "    <script>alert(1)</script>\n    "+long) {
				t.Errorf("%s: the text lost lines:\n%s", name, m.Text)
			}
			if strings.Contains(m.Text, "\nBcc") || strings.Contains(m.Text, "\n验证码") {
				t.Errorf("%s: a comment passes for a line of ours:\n%s", name, m.Text)
			}
			if strings.Contains(m.Subject, "同意") || strings.Contains(m.Subject, "alert") {
				t.Errorf("%s: the subject repeats the comment: %s", name, m.Subject)
			}
			if a := n.Payload.Approval; a.Comment != comment || a.Step != "步骤\r\n步骤" {
				t.Errorf("%s: rendering changed the facts", name)
			}
		}
	}
}

func TestMessagesWithoutTheirFactsAreRefused(t *testing.T) {
	for _, name := range append([]string{notifier.LoginCode}, workflowTemplates...) {
		_, err := templates(t, "").Render(aNotification(name, models.Chinese, aReminder(models.Custom)), models.User{})
		if !errors.Is(err, notifier.ErrRender) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAWorkflowMessageSpeaksChineseToStrangers(t *testing.T) {
	for language, want := range map[models.Language]string{models.English: "[duban]", "fr": "【督办】", "": "【督办】"} {
		for _, n := range []models.Notification{with(notifier.WorkflowTask, "", unchanged), aNotification(notifier.LoginCode, "", aLogin())} {
			m, err := templates(t, "").Render(n, models.User{Language: language})
			if err != nil || !strings.HasPrefix(m.Subject, want) {
				t.Errorf("a user who speaks %q gets %q (%v)", language, m.Subject, err)
			}
		}
	}
}
