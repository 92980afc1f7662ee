package notifier_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"duban/models"
	"duban/notifier"
	"duban/notifier/sms"
)

func parts(text string) int { return sms.Count(text).Parts }

func textOf(name, source string) models.Wording {
	return models.Wording{Template: name, Language: models.Chinese, Form: models.WordingText, Number: 1, Source: source}
}

func smsOf(name, source string) models.Wording {
	w := textOf(name, source)
	w.Form = models.WordingSMS
	return w
}

// builtin returns the built-in words of a template in Chinese.
func builtin(t testing.TB, name string) string {
	t.Helper()
	source, ok := templates(t, "").Builtin(textOf(name, ""))
	if !ok {
		t.Fatalf("there is no %s", name)
	}
	return source
}

// found lists problems as line and code.
func found(ps []notifier.Problem) string {
	list := make([]string, len(ps))
	for i, p := range ps {
		list[i] = fmt.Sprintf("%d %s", p.Line, p.Code)
	}
	return strings.Join(list, ", ")
}

// The built-in words pass the same checks as an administrator's, in every form.
func TestTheBuiltinWordsPassTheirOwnChecks(t *testing.T) {
	ts := templates(t, base)
	for _, name := range notifier.TemplateNames() {
		for _, language := range notifier.Languages {
			for _, form := range models.WordingForms {
				w := models.Wording{Template: name, Language: language, Form: form}
				source, ok := ts.Builtin(w)
				if w.Source = source; !ok || source == "" {
					t.Errorf("%s/%s/%s has no words", name, language, form)
				}
				for _, p := range ts.Check(w, parts) {
					t.Errorf("%s/%s/%s: line %d: %s %s", name, language, form, p.Line, p.Code, p.In(models.English))
				}
			}
		}
	}
}

// What the editor's page says that there is, is there.
func TestEveryVariableAndFactThatIsListedCanBeUsed(t *testing.T) {
	ts := templates(t, base)
	for _, name := range notifier.TemplateNames() {
		var all strings.Builder
		for _, v := range notifier.Variables(name) {
			// Every built-in template has a headline and a topic, which cannot contain themselves.
			if v.Name != `template "headline" .` && v.Name != `template "topic" .` {
				fmt.Fprintf(&all, "{{%s}}\n", v.Name)
			}
		}
		source := strings.Replace(builtin(t, name), `{{define "ask"}}`, `{{define "ask"}}`+all.String(), 1)
		if ps := ts.Check(textOf(name, source), parts); len(ps) > 0 {
			t.Errorf("%s: %s %s", name, found(ps), ps[0].In(models.Chinese))
		}
		facts := notifier.Facts(name)
		if len(facts) == 0 {
			t.Errorf("%s has no facts", name)
		}
		for _, f := range facts {
			ps := ts.Check(smsOf(name, "body: 内容${"+f.Name+"}"), parts)
			if len(ps) > 0 && ps[0].Code != "fact_blank" {
				t.Errorf("%s of %s: %s", f.Name, name, found(ps))
			}
		}
	}
}

func TestChecksOfTexts(t *testing.T) {
	// changed puts words into the lead of a built-in template, on line 4.
	changed := func(name, lead string) string {
		var b strings.Builder
		for line := range strings.Lines(builtin(t, name)) {
			if strings.HasPrefix(line, `{{define "lead"}}`) {
				line = `{{define "lead"}}` + lead + "{{end}}\n"
			}
			b.WriteString(line)
		}
		return b.String()
	}
	before := func(lead string) string { return changed(notifier.ReminderBefore, lead) }
	task := func(lead string) string { return changed(notifier.WorkflowTask, lead) }
	with := func(more string) string { return builtin(t, notifier.ReminderBefore) + more }
	subject := func(words string) string {
		return strings.Replace(builtin(t, notifier.ReminderBefore), `【督办】{{template "headline" .}}`, words, 1)
	}
	for _, tc := range []struct {
		name, template, source, want string
	}{
		{"other words", notifier.ReminderBefore, before("请注意，{{.Title}}。"), ""},
		{"a comparison and a variable", notifier.ReminderBefore, before(`{{$d := .DaysLeft}}{{if and .Spending (gt $d 3)}}还有 {{$d}} 天{{else}}快到了{{end}}`), ""},
		{"a part of one's own", notifier.ReminderBefore, before(`{{template "mine" .}}`) + `{{define "mine"}}{{.Whose}}{{end}}`, ""},
		{"another greeting", notifier.ReminderBefore, with(`{{define "greeting"}}{{.Recipient}}同志：{{end}}`), ""},
		{"a loop over the comment", notifier.WorkflowTask, task(`转来。{{range $i, $line := .Comment}}{{if $i}}；{{end}}{{$line}}{{end}}`), ""},
		{"to ask whether there is a code", notifier.WorkflowTask, task(`请{{if and .Code .Link}}点链接{{else}}登录{{end}}办理`), ""},
		{"nothing", notifier.ReminderBefore, "  \n", "0 empty"},
		{"no template", "reminder_never", "x", "0 unknown_name"},
		{"no UTF-8", notifier.ReminderBefore, before("\xff"), "0 not_utf8"},
		{"too large", notifier.ReminderBefore, before(strings.Repeat("x", models.MaxWording)), "0 too_large"},
		{"an open brace", notifier.ReminderBefore, before("{{.Title"), "4 syntax"},
		{"no end", notifier.ReminderBefore, "{{define \"lead\"}}\n{{if .Title}}", "2 syntax"},
		{"a function that does not exist", notifier.ReminderBefore, before("{{env}}"), "4 unknown_function"},
		{"a function that formats without bound", notifier.ReminderBefore, before(`{{printf "%9999999d" 1}}`), "4 unknown_function"},
		{"a function that calls", notifier.ReminderBefore, before(`{{call .Money}}`), "4 unknown_function"},
		{"a function that unescapes", notifier.ReminderBefore, before(`{{html .Title}}`), "4 unknown_function"},
		{"a variable that does not exist", notifier.ReminderBefore, before("{{.Titel}}"), "4 unknown_variable"},
		{"one on a branch that no sample takes", notifier.ReminderBefore, before("请看。{{if eq .Title \"x\"}}\n{{.Nothing}}{{end}}"), "5 unknown_variable"},
		{"a field that is not exported", notifier.ReminderBefore, before("{{.page}}"), "4 unknown_variable"},
		{"a method that is not for words", notifier.ReminderBefore, before("{{.DueOn.AddDays 999999999}}"), "4 unknown_variable"},
		{"a whole record", notifier.ReminderBefore, before("{{.}}"), "4 not_text"},
		{"a whole record inside", notifier.ReminderBefore, before("{{.Reminder}}"), "4 not_text"},
		{"a whole record behind a choice", notifier.ReminderBefore, before("{{or .Title .}}"), "4 not_text"},
		{"a whole record in a variable", notifier.WorkflowTask, task(`{{$x := ""}}{{if .Limit}}{{$x = .}}{{end}}请{{$x}}`), "4 assignment"},
		{"facts that a workflow alone has", notifier.ReminderBefore, before("{{.Approval.Step}}"), "4 fails"},
		{"the code", notifier.WorkflowTask, task("{{.Code}}"), "4 secret"},
		{"the code behind a with", notifier.WorkflowTask, task("请{{with .Code}}{{.}}{{end}}"), "4 secret"},
		{"the code in a variable of a condition", notifier.WorkflowTask, task("请{{if $c := .Code}}{{$c}}{{end}}"), "4 secret"},
		{"the code behind an or", notifier.WorkflowTask, task(`{{or .Code "x"}}`), "4 secret"},
		{"the code compared", notifier.WorkflowTask, task(`请{{if eq .Code "123456"}}!{{end}}`), "4 secret"},
		{"the link", notifier.WorkflowTask, task("{{.Link}}"), "4 secret"},
		{"what the link is signed over", notifier.WorkflowTask, task("{{.Approval.Link.Nonce}}"), "4 secret"},
		{"the code by another part", notifier.WorkflowTask, task(`{{template "x" .}}`) + "\n" + `{{define "x"}}{{.Code}}{{end}}`, "7 secret"},
		{"a part that contains itself", notifier.ReminderBefore, before(`{{template "lead" .}}`), "4 recursion"},
		{"two parts that contain each other", notifier.ReminderBefore, before(`{{template "a" .}}`) + `{{define "a"}}{{template "b" .}}{{end}}` + "\n" + `{{define "b"}}{{template "a" .}}{{end}}`, "15 recursion"},
		{"the text inside its lead", notifier.ReminderBefore, before(`{{template "text" .}}`), "4 recursion"},
		{"a loop over a number", notifier.ReminderBefore, before(`{{range 1000000000}}x{{end}}`), "4 not_a_list"},
		{"a loop over an amount", notifier.ReminderBefore, before(`{{range .Budget}}x{{end}}`), "4 not_a_list"},
		{"parts that multiply", notifier.ReminderBefore, before(`{{template "p0" .}}`) + multiplying(30), "39 too_complex"},
		{"a tag", notifier.ReminderBefore, before("请看\n<script>alert(1)</script>"), "5 markup"},
		{"a control character", notifier.ReminderBefore, before("请\x07看"), "4 markup"},
		{"a pipeline", notifier.ReminderBefore, before(`{{.Title | len}}`), "4 pipe"},
		{"a blank lead", notifier.ReminderBefore, before(" "), "0 blank"},
		{"a lead that is blank for some", notifier.ReminderBefore, before(`{{if .Spending}}请看{{end}}`), "0 blank"},
		{"no subject", notifier.ReminderBefore, "{{define \"accent\"}}#000000{{end}}", "0 part_missing"},
		{"words that nobody sees", notifier.ReminderBefore, with("\n请看"), "13 outside"},
		{"an action that nobody sees", notifier.ReminderBefore, with(`{{.Title}}`), "14 outside"},
		{"a part that nothing uses", notifier.ReminderBefore, with(`{{define "laed"}}x{{end}}`), "14 unused"},
		{"a part that states the facts", notifier.ReminderBefore, with(`{{define "label"}}{{end}}`), "14 reserved"},
		{"a part of the layout", notifier.ReminderBefore, with(`{{define "html"}}{{end}}`), "14 reserved"},
		{"a part that is not there", notifier.ReminderBefore, before(`{{template "nowhere" .}}`), "4 unknown_template"},
		{"the same part twice", notifier.ReminderBefore, with(`{{define "lead"}}x{{end}}`), "14 syntax"},
		{"a colour that breaks out of its attribute", notifier.ReminderBefore, strings.Replace(builtin(t, notifier.ReminderBefore), "#1f4e79", `#1f4e79" onload="x`, 1), "1 accent"},
		{"a subject of two lines", notifier.ReminderBefore, subject("督办\nBcc: x@example.cn "), "0 subject_lines"},
		{"a subject with a tab", notifier.ReminderBefore, subject("督办\t"), "0 subject_lines"},
		{"a subject that is too long", notifier.ReminderBefore, subject("{{.Source}}{{.Title}}"), "0 subject_long"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ps := templates(t, base).Check(textOf(tc.template, tc.source), parts)
			got := map[string]bool{}
			for _, code := range strings.Split(found(ps), ", ") {
				got[code] = true
			}
			if !got[tc.want] || tc.want == "" && len(ps) > 0 {
				t.Errorf("found %q, want %q", found(ps), tc.want)
			}
			for _, p := range ps {
				for _, language := range notifier.Languages {
					if says := p.In(language); says == "" || strings.Contains(says, "%!") {
						t.Errorf("it says %q", says)
					}
				}
			}
		})
	}
}

// multiplying returns n parts, each of which has the next one ten times.
func multiplying(n int) string {
	var b strings.Builder
	for i := range n {
		next := strings.Repeat(fmt.Sprintf(`{{template "p%d" .}}`, i+1), 10)
		if i == n-1 {
			next = "x"
		}
		fmt.Fprintf(&b, "\n{{define \"p%d\"}}%s{{end}}", i, next)
	}
	return b.String()
}

func TestChecksOfTextMessages(t *testing.T) {
	for _, tc := range []struct{ name, template, source, want string }{
		{"a body", notifier.ReminderBefore, "body: ${project}快到期了", ""},
		{"a provider's names", notifier.ReminderBefore, "template_id: 1234567\nsignature: 市公积金中心\nbody: ${1}还有${2}天\nvars:\n  - {name: 1, fact: project}\n  - {name: \"2\", fact: days}\n", ""},
		{"no YAML", notifier.ReminderBefore, "body: \"${project}", "1 yaml_invalid"},
		{"no mapping", notifier.ReminderBefore, "快到期了", "1 yaml_mapping"},
		{"two documents", notifier.ReminderBefore, "body: a\n---\nbody: b\n", "0 yaml_document"},
		{"an alias", notifier.ReminderBefore, "signature: &a x\nbody: *a", "1 yaml_text, 2 yaml_text"},
		{"a key that is not one", notifier.ReminderBefore, "body: x\ntext: y", "2 yaml_key"},
		{"a key twice", notifier.ReminderBefore, "body: x\nbody: y", "2 yaml_twice"},
		{"no body", notifier.ReminderBefore, "signature: x", "0 body_missing"},
		{"a signature in the body", notifier.ReminderBefore, "body: 【督办】快到期了", "1 body_signature"},
		{"a long signature", notifier.ReminderBefore, "body: x\nsignature: " + strings.Repeat("长", 21), "2 signature_invalid"},
		{"two lines", notifier.ReminderBefore, "body: |\n  一\n  二", "1 body_lines"},
		{"an unknown fact", notifier.ReminderBefore, "body: ${projekt}", "1 unknown_fact"},
		{"a fact of other messages", notifier.ReminderBefore, "body: 验证码${code}", "1 unknown_fact"},
		{"a place without a fact", notifier.ReminderBefore, "body: ${1}${2}\nvars:\n  - {name: 1, fact: project}", "1 place_undefined"},
		{"a fact without a place", notifier.ReminderBefore, "body: ${1}\nvars:\n  - {name: 1, fact: project}\n  - {name: 2, fact: unit}", "4 var_unused"},
		{"a name twice", notifier.ReminderBefore, "body: ${1}\nvars:\n  - {name: 1, fact: project}\n  - {name: 1, fact: unit}", "4 var_twice"},
		{"half a variable", notifier.ReminderBefore, "body: ${1}\nvars:\n  - {name: 1}", "3 var_incomplete"},
		{"an open place", notifier.ReminderBefore, "body: ${project", "1 place_open"},
		{"a fact that is blank for some", notifier.ReminderBefore, "body: 差${behind}", "1 fact_blank"},
		{"too long", notifier.ReminderBefore, "body: " + strings.Repeat("长", 260) + "${project}", "1 sms_long"},
		{"an id with a space", notifier.ReminderBefore, "template_id: a b\nbody: x", "1 template_id_invalid"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := found(templates(t, base).Check(smsOf(tc.template, tc.source), parts)); got != tc.want {
				t.Errorf("found %q, want %q", got, tc.want)
			}
		})
	}
}

// The built-in text messages go in two parts at most, and usually in one.
func TestBuiltinTextMessagesAreShort(t *testing.T) {
	for _, language := range notifier.Languages {
		for _, name := range notifier.TemplateNames() {
			for i, sample := range notifier.Samples(name) {
				n := aNotification(name, language, sample.Payload)
				n.Channel = models.ChannelSMS
				m, err := templates(t, base).Rehearsing().Render(n, models.User{Name: "张三", Mobile: "13800138000"})
				if err != nil {
					t.Fatal(err)
				}
				text := m.SMS.Signed(notifier.DefaultSignature).Text(m.Facts)
				limit := 2
				if i == 0 && language == models.Chinese {
					limit = 1
				}
				if c := sms.Count(text); c.Parts > limit || c.Chars < 15 || strings.ContainsAny(text, "${}\n") {
					t.Errorf("%s, %s: %d characters in %d parts: %s", name, sample.Situation.Chinese, c.Chars, c.Parts, text)
				}
				for _, f := range notifier.Facts(name) {
					if got := len([]rune(m.Facts[f.Name])); got > f.Most {
						t.Errorf("%s of %s has %d characters: %s", f.Name, name, got, m.Facts[f.Name])
					}
				}
				if m.Mobile != "13800138000" || m.Template != name || m.Language != language {
					t.Errorf("%+v", m)
				}
			}
		}
	}
}

// A code goes into a text message only where it is of use without its link.
func TestOnlyALoginSaysItsCodeInATextMessage(t *testing.T) {
	ts := templates(t, base).WithLinks(linkKey)
	for _, n := range []models.Notification{aDecision(models.Chinese), aLoginMessage(models.Chinese)} {
		n.Channel = models.ChannelSMS
		m, err := ts.Render(n, models.User{})
		if err != nil {
			t.Fatal(err)
		}
		text := m.SMS.Signed("督办").Text(m.Facts)
		login := n.Template == notifier.LoginCode
		if has := strings.Contains(text, linkKey.Code(linkKey.Token(aLogin().Login.Link))); has != login {
			t.Errorf("%s: %s", n.Template, text)
		}
		for name, value := range m.Facts {
			if strings.Contains(value, "/links/") || !login && name == "code" {
				t.Errorf("%s: the fact %s is %s", n.Template, name, value)
			}
		}
	}
}

// Others read what goes to a group or to a program.
func TestPublicChannelsGetNoSecrets(t *testing.T) {
	ts := templates(t, base).WithLinks(linkKey)
	for _, channel := range models.Channels {
		n := aDecision(models.Chinese)
		n.Channel = channel
		m, err := ts.Render(n, models.User{})
		if err != nil {
			t.Fatal(err)
		}
		token := linkKey.Token(aLink())
		for _, part := range []string{m.Text, m.HTML} {
			if channel.Public() == (strings.Contains(part, token) || strings.Contains(part, linkKey.Code(token))) {
				t.Errorf("%s: a message with a secret goes to a public channel, or one without to a person:\n%s", channel, part)
			}
		}
		if channel.Public() && !strings.Contains(m.Text, base+"/instances/12") {
			t.Errorf("%s: there is no way in:\n%s", channel, m.Text)
		}
		login := aLoginMessage(models.Chinese)
		login.Channel = channel
		if _, err := ts.Render(login, models.User{}); (err != nil) != channel.Public() {
			t.Errorf("a login by %s: %v", channel, err)
		}
	}
	if !slices.ContainsFunc(models.Channels, models.Channel.Public) {
		t.Error("no channel is public")
	}
}
