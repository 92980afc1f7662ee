package notifier

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"duban/models"
)

// Render puts the notification into words for the user, in the language in
// which it was created. It reads no clock and no database, so a preview shows
// exactly what is sent, but for the links that [Templates.WithLinks] signs. It
// returns ErrUnknownTemplate or ErrRender.
//
// What goes to a public channel carries neither a signed link nor a code, and
// a login is never rendered for one. An administrator's wording that fails on
// the facts is replaced by the built-in one: it must not stop a message.
func (t *Templates) Render(n models.Notification, user models.User) (Message, error) {
	key := templateKey{n.Language, n.Template}
	if key.language == "" {
		key.language = user.Language
	}
	key.language = spoken(key.language)
	words, ok := t.inForce[key]
	if !ok {
		return Message{}, fmt.Errorf("%q: %w", n.Template, ErrUnknownTemplate)
	}
	err := words.about.check(n.Payload)
	if err == nil && words.about == aboutLogin && n.Channel.Public() {
		err = errPublicLogin
	}
	var m Message
	if err == nil {
		m, err = t.render(key, words, n, user)
	}
	if err != nil {
		return Message{}, fmt.Errorf("%s/%s: %w: %w", key.language, n.Template, ErrRender, err)
	}
	return m, nil
}

var errPublicLogin = errors.New("登录消息不能发到公开渠道")

func (t *Templates) render(key templateKey, words template, n models.Notification, user models.User) (Message, error) {
	v, err := t.view(n.Payload, user.Name, key.language)
	if err != nil {
		return Message{}, err
	}
	t.addLinks(&v, n)
	m := Message{
		NotificationID: n.ID, Key: n.Key(), Template: n.Template, Language: key.language,
		Name: user.Name, Address: user.Email, Mobile: user.Mobile, SMS: words.sms,
	}
	builtin := t.builtin[key]
	if n.Channel == models.ChannelSMS {
		if m.Facts, err = v.named(words.about, builtin.text); err != nil {
			return m, err
		}
	}
	err = words.execute(v, &m)
	if err != nil && words.number != 0 {
		words.number = 0
		err = builtin.execute(v, &m)
	}
	m.Wording = words.number
	if n.Channel == models.ChannelSMS {
		m.Wording = words.smsNo
	}
	return m, err
}

// spoken returns the language in which there are words for those who read
// another.
func spoken(language models.Language) models.Language {
	if slices.Contains(Languages, language) {
		return language
	}
	return models.Chinese
}

// view returns what a template sees of the facts.
func (t *Templates) view(r models.Reminder, recipient string, language models.Language) (view, error) {
	language = spoken(language)
	v := newView(r, recipient, language)
	return v, t.phrases[language].explain(v.Facts)
}

// execute fills in the subject and the bodies.
func (w template) execute(v view, m *Message) error {
	subject, text, html, brief := bounded{}, bounded{}, bounded{}, bounded{}
	err := errors.Join(
		w.text.ExecuteTemplate(&subject, "subject", v),
		w.text.ExecuteTemplate(&text, "text", v),
		w.html.ExecuteTemplate(&html, "html", v),
	)
	if err == nil && len(v.Sections) > 0 {
		err = w.text.ExecuteTemplate(&brief, "short", v)
	}
	m.Subject, m.Text, m.Brief, m.HTML = oneLine(subject.String()), text.String(), brief.String(), html.String()
	return err
}

// maxBody bounds each part of a message, in bytes: a wording that repeats
// itself must not fill the memory.
const maxBody = 4 << 20

var errLongBody = errors.New("消息过长")

// bounded is a buffer that takes no more than maxBody.
type bounded struct{ strings.Builder }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxBody {
		return 0, errLongBody
	}
	return b.Builder.Write(p)
}

// WriteString is Write. The builder's own would have no bound.
func (b *bounded) WriteString(s string) (int, error) { return b.Write([]byte(s)) }

var _ io.StringWriter = (*bounded)(nil)
