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
	// Columns are the columns (列) of a FieldTable: fields of a type that is
	// neither a file nor a table. The Max of a number column may name a number
	// column before it, which then bounds it in each row. RowsFrom says which
	// rows there are.
	Columns  []Field
	RowsFrom RowSource
	// Sum makes the field computed (自动合计): it is never entered but always
	// the exact sum of a column of the same type, written as table.column.
	Sum string
}

// Computed reports whether the field is computed, and nobody fills it in.
func (f Field) Computed() bool { return f.Sum != "" }

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
	FieldTable  FieldType = "table"  // rows of cells as JSON, see [Field.Rows]
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
// and blank ones are cleared. Sums are computed anew.
func (d Definition) fill(step string, about Case, old, entered Form, today calendar.Date) (Form, error) {
	next := maps.Clone(old)
	if next == nil {
		next = Form{}
	}
	bad := d.takeOver(step, about, next, entered, today)
	for _, f := range d.Form {
		if next[f.Name] == "" && f.demanded(about) && d.FilledAt(f.Name) == step && !hasProblem(bad, f.Name) {
			bad = append(bad, FieldProblem{f.Name, f.Label.Chinese + "：必填"})
		}
	}
	bad = append(bad, d.compute(next)...)
	if len(bad) > 0 {
		return nil, formInvalid(bad)
	}
	return next, nil
}

// takeOver sets what was entered in a form, and says what is wrong with it.
func (d Definition) takeOver(step string, about Case, form, entered Form, today calendar.Date) []FieldProblem {
	var bad []FieldProblem
	for _, name := range slices.Sorted(maps.Keys(entered)) {
		f, ok := d.Field(name)
		switch {
		case !ok || d.FilledAt(name) != step:
			bad = append(bad, FieldProblem{name, "此步骤不能填写该字段"})
			continue
		case f.Computed():
			bad = append(bad, FieldProblem{name, f.Label.Chinese + "：自动合计，不能填写"})
			continue
		}
		stored, problems := f.enter(entered[name], about, today)
		for _, problem := range problems {
			bad = append(bad, FieldProblem{name, problem})
		}
		if stored == "" {
			delete(form, name)
		} else {
			form[name] = stored
		}
	}
	return bad
}

func hasProblem(problems []FieldProblem, name string) bool {
	return slices.ContainsFunc(problems, func(p FieldProblem) bool { return p.Field == name })
}

// demanded reports whether the field must have a value. A table for rows that
// the case does not have is satisfied by nothing.
func (f Field) demanded(about Case) bool {
	return f.Required && (f.RowsFrom == RowsFree || len(about.Rows(f.RowsFrom)) > 0)
}

// enter turns an entered value into its stored form, or says all that is
// wrong, naming the field.
func (f Field) enter(s string, about Case, today calendar.Date) (stored string, problems []string) {
	if f.Type == FieldTable {
		return f.readTable(s, about.Rows(f.RowsFrom), today)
	}
	stored, problem := f.read(s, today)
	if problem != "" {
		problems = []string{f.Label.Chinese + "：" + problem}
	}
	return stored, problems
}

// read turns one entered value, of a field or a cell, into its stored form, or
// says what is wrong.
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
		return "", f.less() + f.show(f.Min)
	}
	limit := f.Max
	if limit == "" && f.Type == FieldText {
		limit = strconv.Itoa(maxText)
	}
	if limit != "" && f.compare(stored, limit) > 0 {
		return "", f.more() + f.show(limit)
	}
	return stored, ""
}

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
