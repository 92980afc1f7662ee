package importer

import (
	"regexp"
	"strings"

	"duban/models/money"
)

// Value is the numeric meaning of an indicator's value (指标值).
type Value struct {
	Comparator string // ≥ > = < ≤
	Number     string // exact decimal
	Unit       string // %, 次, 元/天, ...
}

// The parts of a value: comparison, number, unit, and a closing comparison as
// in 4次以上. The unit holds no further number, so that 3—5次 is no value.
var valueForm = regexp.MustCompile(`^(\D*?)([+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)([^\d,.、;。]*?)((?:及|含)?(?:以上|以下|以内|之内))?$`)

// comparators gives each way of writing a comparison its sign. 以上 and 以下
// include the number, as in Chinese law.
var comparators = map[string]string{
	"": "=", "=": "=", "等于": "=",
	"≥": "≥", ">=": "≥", "≧": "≥", "⩾": "≥", "不低于": "≥", "不少于": "≥", "不小于": "≥", "大于等于": "≥",
	"大于或等于": "≥", "至少": "≥", "达到": "≥", "以上": "≥",
	"≤": "≤", "<=": "≤", "≦": "≤", "⩽": "≤", "不高于": "≤", "不超过": "≤", "不大于": "≤", "不多于": "≤",
	"小于等于": "≤", "小于或等于": "≤", "至多": "≤", "以下": "≤", "以内": "≤", "之内": "≤",
	">": ">", "﹥": ">", "大于": ">", "高于": ">", "超过": ">", "多于": ">",
	"<": "<", "﹤": "<", "小于": "<", "低于": "<", "少于": "<",
}

// maxValueBytes is more than any number with its unit takes.
const maxValueBytes = 200

// ParseValue reads ≥4次, <24 小时, 不低于95%, 3 个/单位. It reports false for a
// value that is qualitative, which is no defect.
func ParseValue(text string) (Value, bool) {
	if len(text) > maxValueBytes {
		return Value{}, false
	}
	m := valueForm.FindStringSubmatch(withoutRemark(money.Clean(text)))
	if m == nil {
		return Value{}, false
	}
	sign, ok := comparators[m[1]]
	if closing := strings.TrimLeft(m[4], "及含"); closing != "" {
		ok = ok && m[1] == ""
		sign = comparators[closing]
	}
	if !ok {
		return Value{}, false
	}
	return Value{Comparator: sign, Number: strings.ReplaceAll(m[2], ",", ""), Unit: m[3]}, true
}

// withoutRemark drops a closing parenthesis: 210平方米（等候区除外）.
func withoutRemark(s string) string {
	if m := remark.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return s
}
