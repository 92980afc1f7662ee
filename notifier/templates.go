package notifier

import (
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"maps"
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
// A new template is one file per language, a line of templateTable, and a text
// for phones in sms.yaml. An administrator's wording stands in for the file,
// see wording.go; the shared words and the layouts stay ours.
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

// TemplateNames returns the names of all templates, in the order in which
// people are shown them.
func TemplateNames() []string {
	names := make([]string, len(templateTable))
	for i, entry := range templateTable {
		names[i] = entry.name
	}
	return names
}

// Languages are those in which there are words.
var Languages = []models.Language{models.Chinese, models.English}

// Templates put notifications into words. They are immutable and safe for
// concurrent use.
type Templates struct {
	builtin map[templateKey]template
	inForce map[templateKey]template // with the wordings of With
	phrases map[models.Language]*phrasebook
	baseURL string         // without a trailing slash, or blank
	linkKey models.LinkKey // empty: nothing is signed
}

type templateKey struct {
	language models.Language
	name     string
}

// template is the words of one message in one language.
type template struct {
	about  about
	text   *texttemplate.Template
	html   *htmltemplate.Template
	number int // of the wording that text and html come from, 0 for the built-in
	sms    SMSForm
	smsNo  int // likewise of sms
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
	forms, err := builtinForms()
	if err != nil {
		return nil, err
	}
	t := &Templates{
		builtin: map[templateKey]template{}, phrases: map[models.Language]*phrasebook{}, baseURL: strings.TrimRight(baseURL, "/"),
	}
	for _, language := range Languages {
		if t.phrases[language], err = newPhrasebook(language); err != nil {
			return nil, fmt.Errorf("template %s/phrases: %w", language, err)
		}
		for _, entry := range templateTable {
			key := templateKey{language, entry.name}
			words := template{about: entry.about, sms: forms[key]}
			source, err := builtinSource(key)
			if err == nil {
				words.text, words.html, err = parseWords(language, entry.name, source)
			}
			if err != nil {
				return nil, fmt.Errorf("template %s/%s: %w", language, entry.name, err)
			}
			t.builtin[key] = words
		}
	}
	t.inForce = maps.Clone(t.builtin)
	return t, nil
}

// folder holds the words of a language.
func folder(language models.Language) string { return path.Join("templates", string(language)) }

// builtinSource returns the file of a template.
func builtinSource(key templateKey) (string, error) {
	source, err := templateFiles.ReadFile(path.Join(folder(key.language), key.name+".tmpl"))
	return string(source), err
}

// sourceName is what parsed words are called in errors, so that a line number
// of the source can be told from one of a layout.
const sourceName = "wording"

// parseWords puts the words of a template between those that all share, which come
// first so that it can replace them, and the layouts, which it cannot.
func parseWords(language models.Language, name, source string) (*texttemplate.Template, *htmltemplate.Template, error) {
	phrases := path.Join(folder(language), "phrases.tmpl")
	text, err := texttemplate.New(name).ParseFS(templateFiles, phrases)
	if err == nil {
		_, err = text.New(sourceName).Parse(source)
	}
	if err == nil {
		_, err = text.ParseFS(templateFiles, "templates/layout.txt")
	}
	if err != nil {
		return nil, nil, err
	}
	html, err := htmltemplate.New(name).ParseFS(templateFiles, phrases)
	if err == nil {
		_, err = html.New(sourceName).Parse(source)
	}
	if err == nil {
		_, err = html.ParseFS(templateFiles, "templates/layout.html")
	}
	return text, html, err
}
