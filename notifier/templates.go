package notifier

import (
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"net/url"
	"path"
	"strconv"
	"strings"
	texttemplate "text/template"

	"duban/models"
)

// Templates are laid out so that text and HTML cannot contradict each other.
// A file such as zh-CN/reminder_today.tmpl holds the words of one template in
// one language; zh-CN/phrases.tmpl those that all of them share; layout.txt
// and layout.html arrange either. A new template is one file per language.
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
	ReminderBefore  = "reminder_before"
	ReminderToday   = "reminder_today"
	ReminderOverdue = "reminder_overdue"
)

// Templates put notifications into words. They are immutable and safe for
// concurrent use.
type Templates struct {
	byName  map[templateKey]template
	baseURL string // without a trailing slash, or blank
}

type templateKey struct {
	language models.Language
	name     string
}

type template struct {
	text *texttemplate.Template
	html *htmltemplate.Template
}

// NewTemplates parses every template. With a base URL, such as
// https://duban.example.gov.cn, messages link to <base>/obligations/<id>; a
// blank one means that they carry no link.
func NewTemplates(baseURL string) (*Templates, error) {
	if baseURL != "" {
		u, err := url.Parse(baseURL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("网址 %q 无效，应以 http:// 或 https:// 开头", baseURL)
		}
	}
	t := &Templates{byName: map[templateKey]template{}, baseURL: strings.TrimRight(baseURL, "/")}
	for _, language := range []models.Language{models.Chinese, models.English} {
		for _, name := range []string{ReminderBefore, ReminderToday, ReminderOverdue} {
			parsed, err := parse(language, name)
			if err != nil {
				return nil, fmt.Errorf("template %s/%s: %w", language, name, err)
			}
			t.byName[templateKey{language, name}] = parsed
		}
	}
	return t, nil
}

func parse(language models.Language, name string) (template, error) {
	dir := path.Join("templates", string(language))
	words := []string{path.Join(dir, "phrases.tmpl"), path.Join(dir, name+".tmpl")}

	text, err := texttemplate.New(name).ParseFS(templateFiles, append(words, "templates/layout.txt")...)
	if err != nil {
		return template{}, err
	}
	// The HTML also needs "value", which layout.txt defines.
	html, err := htmltemplate.New(name).ParseFS(templateFiles, append(words, "templates/layout.txt", "templates/layout.html")...)
	if err != nil {
		return template{}, err
	}
	return template{text, html}, nil
}

// Render puts the notification into words for the user, in the language in
// which it was created. It reads no clock and no database, so a preview shows
// exactly what is sent. It returns ErrUnknownTemplate or ErrRender.
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
	facts := newView(n.Payload, user.Name, language)
	if t.baseURL != "" {
		facts.Link = t.baseURL + "/obligations/" + strconv.FormatInt(n.ObligationID, 10)
	}
	m := Message{NotificationID: n.ID, Key: messageKey(n), Name: user.Name, Address: user.Email}
	var subject, text, html strings.Builder
	err := errors.Join(
		tmpl.text.ExecuteTemplate(&subject, "subject", facts),
		tmpl.text.ExecuteTemplate(&text, "text", facts),
		tmpl.html.ExecuteTemplate(&html, "html", facts),
	)
	if err != nil {
		return Message{}, fmt.Errorf("%s/%s: %w: %w", language, n.Template, ErrRender, err)
	}
	m.Subject, m.Text, m.HTML = oneLine(subject.String()), text.String(), html.String()
	return m, nil
}
