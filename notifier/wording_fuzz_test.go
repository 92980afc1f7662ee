package notifier_test

import (
	"html"
	"strings"
	"testing"

	"duban/models"
	"duban/notifier"
)

// Whatever somebody enters, the checker answers; and what it lets through puts
// every message into words that are one subject line, show no secret where it
// does not belong, and bring no tag of their own.
func FuzzWording(f *testing.F) {
	for _, name := range []string{notifier.ReminderBefore, notifier.WorkflowTask, notifier.LoginCode} {
		f.Add(builtin(f, name))
	}
	lead := `{{define "accent"}}#000000{{end}}{{define "headline"}}x{{end}}{{define "subject"}}y{{end}}{{define "ask"}}z{{end}}{{define "lead"}}`
	for _, words := range []string{
		`{{.Code}}`, `{{template "lead" .}}`, `{{range 9999999}}x{{end}}`, `{{with .}}{{.}}{{end}}`, `{{$}}`, `{{(.).Link}}`, `<b>`, `{{"<b>"}}`,
		`{{range $i, $l := .Comment}}{{$i}}{{$l}}{{else}}n{{end}}`, `{{if .Code}}{{.Left.Over}}{{end}}`, `{{.DueOn.Chinese}}{{.Money .Missing}}`, `{{/* c */}}a`,
		`{{define "a"}}`, `{{block "b" .}}{{.Whose}}{{end}}`, `{{break}}`, `{{or .Left $}}`, "a\r\nb", `{{len .Facts}}{{range .Facts}}{{.Value}}{{end}}`, `{{nil}}`, `{{true}}`,
	} {
		f.Add(lead + words + `{{end}}`)
	}
	f.Add("body: ${project}\nvars:\n  - {name: project, fact: unit}")
	f.Add("body: &a [*a, *a]")
	ts := templates(f, base)
	token := linkKey.Token(aLink())
	code := linkKey.Code(token)
	f.Fuzz(func(t *testing.T, source string) {
		ts.Check(smsOf(notifier.ReminderBefore, source), parts)
		for _, name := range []string{notifier.ReminderBefore, notifier.WorkflowTask} {
			w := textOf(name, source)
			if len(ts.Check(w, parts)) > 0 {
				continue
			}
			with, err := ts.With([]models.Wording{w})
			if err != nil {
				t.Fatal(err)
			}
			n := aDecision(models.Chinese)
			n.Template = name
			n.Payload.Title = "<script>alert(1)</script>\r\nBcc: x"
			m, err := with.WithLinks(linkKey).Render(n, models.User{Name: "张三"})
			if err != nil || m.Wording != 1 {
				t.Fatalf("wording %d: %v", m.Wording, err)
			}
			if m.Subject == "" || strings.ContainsAny(m.Subject, "\r\n") || strings.Contains(m.Subject, code) || strings.Contains(m.Subject, token) {
				t.Errorf("subject %q", m.Subject)
			}
			if strings.Count(m.Text, token) != 1 || strings.Count(m.HTML, token) != 1 || strings.Count(m.Text, code) != 1 {
				t.Errorf("the link or the code is not where it belongs:\n%s", m.Text)
			}
			if strings.Contains(m.HTML, "<script") {
				t.Errorf("a tag got through:\n%s", m.HTML)
			}
			for _, fact := range []string{n.Payload.UnitName, "50%", "32.4%", "科室负责人确认"} {
				if !strings.Contains(m.Text, fact) || !strings.Contains(html.UnescapeString(m.HTML), fact) {
					t.Errorf("the fact %s is lost:\n%s", fact, m.Text)
				}
			}
		}
	})
}
