package sms

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"

	"duban/notifier"
)

// invalid is about a template that an administrator must correct. Its messages
// wait for that, or fall back; those of other templates go on.
func (t Template) invalid(problem string, err error) *notifier.SendError {
	return &notifier.SendError{
		Class: notifier.Retry, Code: "sms_template_invalid", Local: true,
		Detail: fmt.Sprintf("短信模板 %s：%s", t.Name, problem), Err: err,
	}
}

// safeKey keeps the key in one piece on its way through URLs, forms and the
// percent escapes of Kannel.
var safeKey = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// checked returns the message with its number in plain form, or what is wrong
// with it. Nobody has been asked yet.
func (m Message) checked() (Message, *notifier.SendError) {
	mobile, err := notifier.ParseMobile(m.Mobile)
	switch {
	case err != nil:
		return m, &notifier.SendError{Class: notifier.Reject, Code: "sms_mobile_invalid", Local: true, Err: err}
	case !safeKey.MatchString(m.Key):
		return m, &notifier.SendError{Class: notifier.Reject, Code: "sms_key_invalid", Local: true}
	}
	if err := m.Template.Validate(); err != nil {
		return m, m.Template.invalid(err.Error(), err)
	}
	if place := m.Template.Missing(m.Facts); place != "" { // providers refuse a blank value, so it is not worth asking
		return m, &notifier.SendError{Class: notifier.Reject, Code: "sms_value_missing", Detail: place, Local: true}
	}
	m.Mobile = mobile
	return m, nil
}

// approved is checked for providers that know the template by its id.
func (m Message) approved() (Message, *notifier.SendError) {
	if m.Template.TemplateID == "" {
		return m, m.Template.invalid("必须填写已审核通过的模板编号", nil)
	}
	return m.checked()
}

// Text is what the person reads.
func (m Message) Text() string { return m.Template.Text(m.Facts) }

// named returns the values by the provider's names, as a JSON object.
func (m Message) named() (string, error) {
	text, err := json.Marshal(m.Template.Values(m.Facts))
	return string(text), err
}

// numbered is approved for providers that number the places. It returns the
// values in their order too.
func (m Message) numbered() (Message, []string, *notifier.SendError) {
	m, failure := m.approved()
	if failure != nil {
		return m, nil, failure
	}
	values := make([]string, len(m.Template.Vars))
	for _, v := range m.Template.Vars {
		i, err := strconv.Atoi(v.Name)
		if err != nil || i < 1 || i > len(values) || values[i-1] != "" {
			return m, nil, m.Template.invalid(fmt.Sprintf("变量应为 1 到 %d 的序号", len(values)), err)
		}
		values[i-1] = m.Facts[v.Fact]
	}
	return m, values, nil
}
