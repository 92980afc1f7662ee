package workflows

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"duban/models/calendar"
	"duban/models/money"
)

// Field is one field of a form (表单字段).
type Field struct {
	Name     string
	Label    Text
	Type     FieldType
	Required bool
	// Min and Max bound the value, "" for no bound: the length of a text, a
	// number, 分, or a date (Min may be "today").
	Min, Max string
	Options  []Option // of FieldChoice
}

// FieldType is the type of a form field.
type FieldType string

// The types, with the form in which a value is stored.
const (
	FieldText   FieldType = "text"
	FieldNumber FieldType = "number" // a decimal, "12.5"
	FieldMoney  FieldType = "money"  // 分 as an integer, "5850000"
	FieldDate   FieldType = "date"   // "2025-06-30"
	FieldChoice FieldType = "choice" // an option's value
	FieldFile   FieldType = "file"   // the reference of a stored file
)

// Option is one choice of a field.
type Option struct {
	Value string
	Label Text
}

// Form holds the values of a form by field name, each in the stored form of
// its type. A field that is left blank is absent.
type Form map[string]string

// maxText bounds texts whose field states no limit, in characters.
const maxText = 2000

// maxFen bounds amounts as models/money does.
const maxFen = 1_000_000_000_000_000

// decimalText is what a number may look like: at most 15 digits.
var decimalText = regexp.MustCompile(`^-?\d{1,9}(\.\d{1,6})?$`)

// Hash identifies the values of a form. Approvals are bound to it.
func (f Form) Hash() string {
	b, err := json.Marshal(f) // the keys of a map are sorted
	if err != nil {
		panic(err) // impossible: strings can always be written
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// fill checks what a person entered at a step, and returns the form with it.
// Fields of other steps cannot be entered; values that are left out stay,
// and blank ones are cleared.
func (d Definition) fill(step string, old, entered Form, today calendar.Date) (Form, error) {
	next := maps.Clone(old)
	if next == nil {
		next = Form{}
	}
	var bad []FieldProblem
	for _, name := range slices.Sorted(maps.Keys(entered)) {
		f, ok := d.Field(name)
		if !ok || d.filledAt(name) != step {
			bad = append(bad, FieldProblem{name, "此步骤不能填写该字段"})
			continue
		}
		v, problem := f.read(entered[name], today)
		switch {
		case problem != "":
			bad = append(bad, FieldProblem{name, f.Label.Chinese + "：" + problem})
		case v == "":
			delete(next, name)
		default:
			next[name] = v
		}
	}
	for _, f := range d.Form {
		if f.Required && next[f.Name] == "" && d.filledAt(f.Name) == step && !hasProblem(bad, f.Name) {
			bad = append(bad, FieldProblem{f.Name, f.Label.Chinese + "：必填"})
		}
	}
	if len(bad) > 0 {
		return nil, formInvalid(bad)
	}
	return next, nil
}

func hasProblem(problems []FieldProblem, name string) bool {
	return slices.ContainsFunc(problems, func(p FieldProblem) bool { return p.Field == name })
}

// read turns an entered value into its stored form, or says what is wrong.
func (f Field) read(s string, today calendar.Date) (stored, problem string) {
	if !utf8.ValidString(s) {
		return "", "含有无法识别的字符"
	}
	s = strings.TrimSpace(s)
	if s == "" {
		return "", ""
	}
	stored, ok := f.canonical(s)
	if !ok {
		return "", f.expected()
	}
	if f.Min != "" && f.compare(stored, f.bound(f.Min, today)) < 0 {
		return "", "不得小于 " + f.show(f.Min)
	}
	limit := f.Max
	if limit == "" && f.Type == FieldText {
		limit = strconv.Itoa(maxText)
	}
	if limit != "" && f.compare(stored, limit) > 0 {
		return "", "不得大于 " + f.show(limit)
	}
	return stored, ""
}

func (f Field) bound(s string, today calendar.Date) string {
	if f.Type == FieldDate && s == boundToday {
		return today.String()
	}
	return s
}

// boundToday as the lower bound of a date is the day of the action.
const boundToday = "today"

// canonical returns the one stored form of a value, so that equal values have
// equal hashes.
func (f Field) canonical(s string) (string, bool) {
	switch f.Type {
	case FieldNumber:
		if !decimalText.MatchString(s) {
			return "", false
		}
		n, err := decimal.NewFromString(s)
		return n.String(), err == nil
	case FieldMoney:
		n, err := strconv.ParseInt(s, 10, 64)
		return strconv.FormatInt(n, 10), err == nil && -maxFen <= n && n <= maxFen
	case FieldDate:
		date, err := calendar.ParseDate(s)
		return date.String(), err == nil
	case FieldChoice:
		return s, slices.ContainsFunc(f.Options, func(o Option) bool { return o.Value == s })
	case FieldFile:
		return s, len(s) <= 200
	default:
		return s, true
	}
}

func (f Field) expected() string {
	switch f.Type {
	case FieldNumber:
		return "应为数字，整数不超过 9 位，小数不超过 6 位"
	case FieldMoney:
		return "应为以分计的整数"
	case FieldDate:
		return "应为日期，写作 2025-06-30"
	case FieldChoice:
		return "不在可选项之内"
	default:
		return "过长"
	}
}

// compare compares a stored value with a bound; a text by its length.
func (f Field) compare(stored, bound string) int {
	switch f.Type {
	case FieldText:
		limit, _ := strconv.Atoi(bound) // validated with the definition
		return utf8.RuneCountInString(stored) - limit
	case FieldNumber, FieldMoney:
		a, _ := decimal.NewFromString(stored)
		b, _ := decimal.NewFromString(bound)
		return a.Cmp(b)
	default:
		return strings.Compare(stored, bound) // dates sort as text
	}
}

// show writes a bound for people.
func (f Field) show(bound string) string {
	switch {
	case f.Type == FieldText:
		return bound + " 个字"
	case f.Type == FieldMoney:
		n, _ := strconv.ParseInt(bound, 10, 64)
		return money.Fen(n).String() + " 元"
	case bound == boundToday:
		return "当天"
	}
	return bound
}
