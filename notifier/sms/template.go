package sms

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"duban/notifier"
)

// place is where a value goes in the approved text.
var place = regexp.MustCompile(`\$\{([^{}]*)\}`)

// Validate reports what an administrator must correct before the template can
// be used.
func (t Template) Validate() error {
	if t.Signature == "" || strings.ContainsAny(t.Signature, "【】") {
		return fmt.Errorf("短信模板 %s：必须填写已审核通过的签名，不含【】", t.Name)
	}
	declared := map[string]bool{}
	for _, v := range t.Vars {
		if v.Name == "" || v.Fact == "" || declared[v.Name] {
			return fmt.Errorf("短信模板 %s：变量 %q 无名、重复或没有对应的内容", t.Name, v.Name)
		}
		declared[v.Name] = true
	}
	used := map[string]bool{}
	for _, m := range place.FindAllStringSubmatch(t.Body, -1) {
		if !declared[m[1]] {
			return fmt.Errorf("短信模板 %s：正文中的变量 ${%s} 没有定义", t.Name, m[1])
		}
		used[m[1]] = true
	}
	if len(used) != len(declared) {
		return fmt.Errorf("短信模板 %s：定义了 %d 个变量，正文中有 %d 个", t.Name, len(declared), len(used))
	}
	return nil
}

// safeKey keeps the key in one piece on its way through URLs, forms and the
// percent escapes of Kannel.
var safeKey = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// checked returns the message with its number in plain form, or what is wrong
// with it. Nobody has been asked yet.
func (m Message) checked() (Message, *notifier.SendError) {
	mobile, err := ParseMobile(m.Mobile)
	switch {
	case err != nil:
		return m, &notifier.SendError{Class: notifier.Reject, Code: "sms_mobile_invalid", Local: true, Err: err}
	case !safeKey.MatchString(m.Key):
		return m, &notifier.SendError{Class: notifier.Reject, Code: "sms_key_invalid", Local: true}
	}
	if err := m.Template.Validate(); err != nil { // every message of this template fails
		return m, &notifier.SendError{Class: notifier.Down, Code: "sms_template_invalid", Detail: err.Error(), Local: true, Err: err}
	}
	for _, v := range m.Template.Vars { // providers refuse a blank value, so it is not worth asking
		if strings.TrimSpace(m.Values[v.Fact]) == "" {
			return m, &notifier.SendError{Class: notifier.Reject, Code: "sms_value_missing", Detail: v.Name, Local: true}
		}
	}
	m.Mobile = mobile
	return m, nil
}

// approved is checked for providers that know the template by its id.
func (m Message) approved() (Message, *notifier.SendError) {
	if m.Template.ID == "" {
		return m, &notifier.SendError{
			Class: notifier.Down, Code: "sms_template_invalid",
			Detail: fmt.Sprintf("短信模板 %s：必须填写已审核通过的模板编号", m.Template.Name), Local: true,
		}
	}
	return m.checked()
}

// body is the approved text with the values in place.
func (m Message) body() string {
	values := make(map[string]string, len(m.Template.Vars))
	for _, v := range m.Template.Vars {
		values[v.Name] = m.Values[v.Fact]
	}
	return place.ReplaceAllStringFunc(m.Template.Body, func(p string) string {
		return values[p[len("${"):len(p)-len("}")]]
	})
}

// Text is what the person reads: 【签名】 and the text. Its length is what is
// paid for.
func (m Message) Text() string { return "【" + m.Template.Signature + "】" + m.body() }

// named returns the values by the provider's names, as a JSON object.
func (m Message) named() (string, error) {
	values := make(map[string]string, len(m.Template.Vars))
	for _, v := range m.Template.Vars {
		values[v.Name] = m.Values[v.Fact]
	}
	text, err := json.Marshal(values)
	return string(text), err
}

// positional returns the values in the order of their positions.
func (m Message) positional() ([]string, *notifier.SendError) {
	values := make([]string, len(m.Template.Vars))
	for _, v := range m.Template.Vars {
		i, err := strconv.Atoi(v.Name)
		if err != nil || i < 1 || i > len(values) || values[i-1] != "" {
			return nil, &notifier.SendError{
				Class: notifier.Down, Code: "sms_template_invalid",
				Detail: fmt.Sprintf("短信模板 %s：变量应为 1 到 %d 的序号", m.Template.Name, len(values)), Local: true,
			}
		}
		values[i-1] = m.Values[v.Fact]
	}
	return values, nil
}
