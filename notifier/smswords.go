package notifier

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"

	"duban/models"
)

// smsFile holds the built-in text messages, by language and template.
const smsFile = "templates/sms.yaml"

// builtinForms returns the built-in text messages.
func builtinForms() (map[templateKey]SMSForm, error) {
	data, err := templateFiles.ReadFile(smsFile)
	if err != nil {
		return nil, err
	}
	var bodies map[models.Language]map[string]string
	if err := yaml.Unmarshal(data, &bodies); err != nil {
		return nil, fmt.Errorf("%s: %w", smsFile, err)
	}
	forms := map[templateKey]SMSForm{}
	for language, byName := range bodies {
		for name, body := range byName {
			form := SMSForm{Body: body}
			form.fill()
			forms[templateKey{language, name}] = form
		}
	}
	return forms, nil
}

// smsSource returns the source of a form as an administrator writes it.
func smsSource(f SMSForm) string {
	var b strings.Builder
	for _, line := range [][2]string{{"template_id", f.TemplateID}, {"signature", f.Signature}, {"body", f.Body}} {
		if line[1] != "" {
			quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(line[1])
			fmt.Fprintf(&b, "%s: \"%s\"\n", line[0], quoted)
		}
	}
	return b.String()
}

// fill gives a form that lists no variables those of its body: each place
// takes the fact of its own name.
func (f *SMSForm) fill() {
	if len(f.Vars) > 0 {
		return
	}
	for _, name := range Places(f.Body) {
		if v := (SMSVar{Name: name, Fact: name}); !slices.Contains(f.Vars, v) {
			f.Vars = append(f.Vars, v)
		}
	}
}

// The bounds of what an administrator may write.
const (
	maxSMSBody      = 500
	maxSMSSignature = 20
	maxSMSID        = 64
)

// check lists what is wrong with a form of a template in itself.
func (f SMSForm) check(template string, lines map[string]int, ps *problems) {
	body := lines["body"]
	switch {
	case strings.TrimSpace(f.Body) == "":
		ps.add(body, "body_missing", "没有正文：请写一行“body: 正文”", "there is no text: write a line “body: the text”")
	case strings.ContainsFunc(f.Body, unicode.IsControl):
		ps.add(body, "body_lines", "短信正文应为一行，不含换行和控制字符", "the text must be one line, without control characters")
	case len([]rune(f.Body)) > maxSMSBody:
		ps.add(body, "body_long", "正文超过 %d 字", "the text has more than %d characters", maxSMSBody)
	}
	if strings.ContainsAny(f.Body, "【】") {
		ps.add(body, "body_signature", "正文不含【】：签名由渠道加在最前面，或另写一行“signature: 签名”", "the text has no 【】: the channel puts the signature first, or write a line “signature: the signature”")
	}
	if strings.ContainsAny(f.Signature, "【】") || strings.ContainsFunc(f.Signature, unicode.IsControl) || len([]rune(f.Signature)) > maxSMSSignature {
		ps.add(lines["signature"], "signature_invalid", "签名应为不超过 %d 字的一行，不含【】", "a signature is one line of at most %d characters, without 【】", maxSMSSignature)
	}
	if strings.ContainsFunc(f.TemplateID, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) || len(f.TemplateID) > maxSMSID {
		ps.add(lines["template_id"], "template_id_invalid", "模板编号应为短信商给出的编号，不超过 %d 个字符", "a template id is the provider's, of at most %d characters", maxSMSID)
	}
	f.checkVars(template, lines, ps)
}

// checkVars checks that the places and the variables fit, and that there are
// such facts.
func (f SMSForm) checkVars(template string, lines map[string]int, ps *problems) {
	known := map[string]bool{}
	for _, fact := range Facts(template) {
		known[fact.Name] = true
	}
	line := func(i int) int { return cmp.Or(lines[fmt.Sprintf("vars.%d", i)], lines["body"]) }
	declared := map[string]bool{}
	for i, v := range f.Vars {
		switch {
		case v.Name == "" || v.Fact == "":
			ps.add(line(i), "var_incomplete", "变量应有 name 和 fact 两项", "a variable has a name and a fact")
		case declared[v.Name]:
			ps.add(line(i), "var_twice", "变量 %q 写了两次", "the variable %q is there twice", v.Name)
		case !known[v.Fact]:
			ps.add(line(i), "unknown_fact", "这种消息没有 %q 这项内容，可用的见下方列表", "a message of this kind has no fact %q; the list below has them all", v.Fact)
		}
		declared[v.Name] = true
	}
	places := Places(f.Body)
	for _, name := range places {
		if !declared[name] {
			ps.add(lines["body"], "place_undefined", "正文中的 ${%s} 没有在 vars 中说明填什么", "nothing in vars says what goes to ${%s}", name)
		}
	}
	for i, v := range f.Vars {
		if v.Name != "" && !slices.Contains(places, v.Name) {
			ps.add(line(i), "var_unused", "正文中没有 ${%s}", "the text has no ${%s}", v.Name)
		}
	}
	if strings.Contains(FillPlaces(f.Body, nil, func(string) string { return "" }), "${") {
		ps.add(lines["body"], "place_open", "“${”应写成 ${名称}", "“${” is written ${name}")
	}
}
