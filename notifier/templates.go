package notifier

import (
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"net/url"
	"path"
	"strings"
	texttemplate "text/template"

	"duban/models"
)

// Templates are laid out so that text and HTML cannot contradict each other.
// A file such as zh-CN/reminder_today.tmpl holds the words of one template in
// one language; zh-CN/phrases.tmpl those that all of them share, which a
// template may replace by its own; layout.txt and layout.html arrange either.
// A new template is one file per language, and a line of templateTable.
//
//go:embed templates
var templateFiles embed.FS

// Errors of Render, which no retry will change.
var (
	// ErrUnknownTemplate means that there are no words for such a message.
	ErrUnknownTemplate = errors.New("没有这个消息模板")
	// ErrRender means that a template failed on the facts.
	ErrRender = errors.New("消息模板出错")
)

// The names of the templates.
const (
	ReminderBefore     = "reminder_before"
	ReminderToday      = "reminder_today"
	ReminderOverdue    = "reminder_overdue"
	WorkflowTask       = "workflow_task"       // 待办
	WorkflowUnassigned = "workflow_unassigned" // 待指派, to the administrators
	WorkflowSentBack   = "workflow_sent_back"  // 退回, to whoever must act again
	WorkflowRemind     = "workflow_remind"     // 到期提醒
	WorkflowUrge       = "workflow_urge"       // 催办
	WorkflowOverdue    = "workflow_overdue"    // 超期抄送, to managers or administrators
	WorkflowCopy       = "workflow_copy"       // 抄送
	WorkflowComment    = "workflow_comment"    // 评论
	WorkflowApproved   = "workflow_approved"   // 通过; this and the next to the applicant
	WorkflowRejected   = "workflow_rejected"   // 驳回
	WorkflowWithdrawn  = "workflow_withdrawn"  // 撤回
	WorkflowTerminated = "workflow_terminated" // 终止
	LoginCode          = "login_code"          // 登录验证码
	Digest             = "digest"              // 汇总, of several reminders
	Report             = "report"              // 周报
	Alarm              = "alarm"               // 告警, to the administrators
)

// about is what a message is about, and thereby which facts it cannot do
// without.
type about int

const (
	aboutDuty about = iota
	aboutApproval
	aboutLogin
	aboutDigest
	aboutWeek
	aboutAlarm
)

// templateTable lists every template.
var templateTable = []struct {
	name  string
	about about
}{
	{ReminderBefore, aboutDuty},
	{ReminderToday, aboutDuty},
	{ReminderOverdue, aboutDuty},
	{WorkflowTask, aboutApproval},
	{WorkflowUnassigned, aboutApproval},
	{WorkflowSentBack, aboutApproval},
	{WorkflowRemind, aboutApproval},
	{WorkflowUrge, aboutApproval},
	{WorkflowOverdue, aboutApproval},
	{WorkflowCopy, aboutApproval},
	{WorkflowComment, aboutApproval},
	{WorkflowApproved, aboutApproval},
	{WorkflowRejected, aboutApproval},
	{WorkflowWithdrawn, aboutApproval},
	{WorkflowTerminated, aboutApproval},
	{LoginCode, aboutLogin},
	{Digest, aboutDigest},
	{Report, aboutWeek},
	{Alarm, aboutAlarm},
}

var errNoFacts = errors.New("消息缺少所需的内容")

// check returns an error if the facts lack what the message is about.
func (a about) check(r models.Reminder) error {
	has := true
	switch a {
	case aboutDuty:
	case aboutApproval:
		has = r.Approval != nil
	case aboutLogin:
		has = r.Login != nil
	case aboutDigest:
		has = r.Digest != nil
	case aboutWeek:
		has = r.Weekly != nil
	case aboutAlarm:
		has = r.Alarm != nil
	}
	if !has {
		return errNoFacts
	}
	return nil
}

// Templates put notifications into words. They are immutable and safe for
// concurrent use.
type Templates struct {
	byName  map[templateKey]template
	baseURL string         // without a trailing slash, or blank
	linkKey models.LinkKey // empty: nothing is signed
}

type templateKey struct {
	language models.Language
	name     string
}

type template struct {
	about about
	text  *texttemplate.Template
	html  *htmltemplate.Template
}

// NewTemplates parses every template. With a base URL, such as
// https://duban.example.gov.cn, messages link to <base>/obligations/<id>, or to
// <base>/instances/<id> if they are about a workflow; a blank one means that
// they carry no link.
func NewTemplates(baseURL string) (*Templates, error) {
	if baseURL != "" {
		u, err := url.Parse(baseURL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("网址 %q 无效，应以 http:// 或 https:// 开头", baseURL)
		}
	}
	t := &Templates{byName: map[templateKey]template{}, baseURL: strings.TrimRight(baseURL, "/")}
	for _, language := range []models.Language{models.Chinese, models.English} {
		for _, entry := range templateTable {
			text, html, err := parse(language, entry.name)
			if err != nil {
				return nil, fmt.Errorf("template %s/%s: %w", language, entry.name, err)
			}
			t.byName[templateKey{language, entry.name}] = template{entry.about, text, html}
		}
	}
	return t, nil
}

func parse(language models.Language, name string) (*texttemplate.Template, *htmltemplate.Template, error) {
	dir := path.Join("templates", string(language))
	// The shared words come first, so that a template can replace them.
	files := []string{path.Join(dir, "phrases.tmpl"), path.Join(dir, name+".tmpl"), "templates/layout.txt"}
	text, err := texttemplate.New(name).ParseFS(templateFiles, files...)
	if err != nil {
		return nil, nil, err
	}
	// The HTML also needs "value", which layout.txt defines.
	html, err := htmltemplate.New(name).ParseFS(templateFiles, append(files, "templates/layout.html")...)
	return text, html, err
}

// Render puts the notification into words for the user, in the language in
// which it was created. It reads no clock and no database, so a preview shows
// exactly what is sent, but for the links that [Templates.WithLinks] signs. It
// returns ErrUnknownTemplate or ErrRender.
func (t *Templates) Render(n models.Notification, user models.User) (Message, error) {
	language := n.Language
	if language == "" {
		language = user.Language
	}
	if language != models.English {
		language = models.Chinese
	}
	tmpl, ok := t.byName[templateKey{language, n.Template}]
	if !ok {
		return Message{}, fmt.Errorf("%q: %w", n.Template, ErrUnknownTemplate)
	}
	if err := tmpl.about.check(n.Payload); err != nil {
		return Message{}, fmt.Errorf("%s/%s: %w: %w", language, n.Template, ErrRender, err)
	}
	facts := newView(n.Payload, user.Name, language)
	t.addLinks(&facts, n.ObligationID)
	m := Message{NotificationID: n.ID, Key: n.Key(), Name: user.Name, Address: user.Email}
	var subject, text, html, brief strings.Builder
	err := errors.Join(
		tmpl.text.ExecuteTemplate(&subject, "subject", facts),
		tmpl.text.ExecuteTemplate(&text, "text", facts),
		tmpl.html.ExecuteTemplate(&html, "html", facts),
	)
	if err != nil {
		return Message{}, fmt.Errorf("%s/%s: %w: %w", language, n.Template, ErrRender, err)
	}
	if len(facts.Sections) > 0 {
		if err := tmpl.text.ExecuteTemplate(&brief, "short", facts); err != nil {
			return Message{}, fmt.Errorf("%s/%s: %w: %w", language, n.Template, ErrRender, err)
		}
		m.Brief = brief.String()
	}
	m.Subject, m.Text, m.HTML = oneLine(subject.String()), text.String(), html.String()
	return m, nil
}
