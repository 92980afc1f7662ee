package workflows

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

// identifier is what keys, step ids, field names and option values look like.
var identifier = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

const (
	maxLimit = 250 // workdays, about a year
	maxSteps = 50
)

// Validate returns everything because of which the definition could not run,
// as an [InvalidError], or nil. Parse has called it.
func (d Definition) Validate() error {
	if problems := d.problems(); len(problems) > 0 {
		return InvalidError(problems)
	}
	return nil
}

// compile compiles the conditions of the steps.
func (d *Definition) compile() []Problem {
	k := checker{def: *d}
	for i := range d.Steps {
		s := &d.Steps[i]
		if s.When.source == "" {
			continue
		}
		c, err := compileCondition(s.When.source, d.Form)
		if err != nil {
			first, _, _ := strings.Cut(err.Error(), "\n")
			k.fail(s.ID, "when", "条件无法解析：%s", first)
			continue
		}
		s.When = c
	}
	return k.found
}

func (d Definition) problems() []Problem {
	k := checker{def: d}
	k.head()
	k.form()
	k.apply()
	for i, s := range d.Steps {
		k.oneStep(i, s)
	}
	k.path()
	for i, e := range d.Effects {
		k.effect(fmt.Sprintf("effects[%d]", i+1), e)
	}
	k.effects()
	return k.found
}

// checker collects the problems of a definition.
type checker struct {
	def   Definition
	found []Problem
}

func (k *checker) fail(step, field, format string, args ...any) {
	line := k.def.lines[place{step, field}]
	if line == 0 {
		line = k.def.lines[place{step, ""}] // a key that is missing: where its step begins
	}
	k.found = append(k.found, Problem{line, step, field, fmt.Sprintf(format, args...)})
}

func (k *checker) identifier(step, field, value string) {
	if !identifier.MatchString(value) {
		k.fail(step, field, "“%s”应由小写字母开头，只含小写字母、数字和下划线，不超过 64 位", value)
	}
}

func (k *checker) text(step, field string, t Text) {
	if strings.TrimSpace(t.Chinese) == "" || strings.TrimSpace(t.English) == "" {
		k.fail(step, field, "应写明中文 zh 和英文 en")
	}
}

// oneOf requires a value to be one of a list.
func oneOf[T ~string](k *checker, step, field string, value T, allowed ...T) {
	if !slices.Contains(allowed, value) {
		names := make([]string, len(allowed))
		for i, a := range allowed {
			names[i] = string(a)
		}
		k.fail(step, field, "“%s”应为 %s 之一", value, strings.Join(names, "、"))
	}
}

func (k *checker) head() {
	d := k.def
	k.identifier("", "key", d.Key)
	if d.Version < 1 {
		k.fail("", "version", "应为 1 或更大的整数")
	}
	k.text("", "title", d.Title)
	if len(d.Kinds) == 0 {
		k.fail("", "kinds", "至少写一类事项")
	}
	for i, kind := range d.Kinds {
		oneOf(k, "", fmt.Sprintf("kinds[%d]", i+1), kind, models.Kinds...)
	}
	oneOf(k, "", "withdraw", d.Withdraw, WithdrawUndecided, WithdrawRunning, WithdrawNever)
	if d.UrgeHours < 1 || d.UrgeHours > 720 {
		k.fail("", "urge_hours", "应为 1 到 720 小时")
	}
}

func (k *checker) form() {
	k.fields("form", k.def.Form, FieldText, FieldNumber, FieldMoney, FieldDate, FieldChoice, FieldFile, FieldTable)
	for i, f := range k.def.Form {
		at := fmt.Sprintf("form[%d]", i+1)
		if _, reserved := caseNames()[f.Name]; reserved {
			k.fail("", at+".name", "%s 是事项本身的数据，字段不能叫这个名字", f.Name)
		}
		k.table(at, f)
		k.sum(at, f)
	}
}

// fields checks the fields of a form, or the columns of a table.
func (k *checker) fields(path string, fields []Field, types ...FieldType) {
	seen := map[string]bool{}
	for i, f := range fields {
		at := fmt.Sprintf("%s[%d]", path, i+1)
		k.identifier("", at+".name", f.Name)
		if seen[f.Name] {
			k.fail("", at+".name", "字段 %s 重复", f.Name)
		}
		seen[f.Name] = true
		k.text("", at+".label", f.Label)
		oneOf(k, "", at+".type", f.Type, types...)
		k.bounds(at, f)
		k.options(at, f)
	}
}

func (k *checker) table(at string, f Field) {
	if (f.Type == FieldTable) != (len(f.Columns) > 0) {
		k.fail("", at+".columns", "table 类型应有列，其他类型不应有")
	}
	if f.RowsFrom != RowsFree {
		oneOf(k, "", at+".rows", f.RowsFrom, RowsIndicators, RowsCheckpoints)
		if f.Type != FieldTable {
			k.fail("", at+".rows", "只用于 table 类型")
		}
	}
	columns := slices.Clone(f.Columns)
	for i := range columns {
		if j, ok := f.limiter(i); ok {
			columns[i].Max = columns[j].Max // the most that it can be in any row
		}
	}
	k.fields(at+".columns", columns, FieldText, FieldNumber, FieldMoney, FieldDate, FieldChoice)
}

func (k *checker) sum(at string, f Field) {
	if !f.Computed() {
		return
	}
	table, column, ok := k.def.summed(f)
	switch {
	case !ok:
		k.fail("", at+".sum", "“%s”不是表格的列，应写作 表格.列", f.Sum)
	case f.Type != column.Type || f.Type != FieldMoney && f.Type != FieldNumber:
		k.fail("", at+".sum", "%s.%s 的类型是 %s，合计与它应同为 money 或 number", table.Name, column.Name, column.Type)
	}
	if f.Required {
		k.fail("", at+".required", "自动合计的字段不写 required")
	}
}

func (k *checker) bounds(at string, f Field) {
	bounds := map[string]string{"min": f.Min, "max": f.Max}
	for _, name := range []string{"min", "max"} {
		s := bounds[name]
		ok := s == ""
		switch f.Type {
		case FieldText:
			n, err := strconv.Atoi(s)
			ok = ok || err == nil && n > 0 && n <= maxText
		case FieldNumber, FieldMoney:
			_, fits := f.canonical(s)
			ok = ok || fits
		case FieldDate:
			_, err := calendar.ParseDate(s)
			ok = ok || err == nil || s == boundToday && name == "min"
		default: // choices, files and tables have no size
		}
		if !ok {
			k.fail("", at+"."+name, "“%s”不适用于 %s 类型", s, f.Type)
			return
		}
	}
	// Lengths compare as numbers, and "today" with nothing.
	measure := f
	if f.Type == FieldText {
		measure.Type = FieldNumber
	}
	if f.Min != "" && f.Max != "" && f.Min != boundToday && measure.compare(f.Min, f.Max) > 0 {
		k.fail("", at+".max", "不得小于 min")
	}
}

func (k *checker) options(at string, f Field) {
	if (f.Type == FieldChoice) != (len(f.Options) > 0) {
		k.fail("", at+".options", "choice 类型应有选项，其他类型不应有")
	}
	seen := map[string]bool{}
	for i, o := range f.Options {
		here := fmt.Sprintf("%s.options[%d]", at, i+1)
		k.identifier("", here+".value", o.Value)
		k.text("", here+".label", o.Label)
		if seen[o.Value] {
			k.fail("", here+".value", "选项 %s 重复", o.Value)
		}
		seen[o.Value] = true
	}
}

// certain reports whether a field has a value once the form has passed the
// step that fills it in. A sum has one if its table does.
func (k *checker) certain(f Field) bool {
	if f.Computed() {
		f, _, _ = k.def.summed(f)
	}
	s, _ := k.def.Step(k.def.FilledAt(f.Name))
	return f.Required && s.inevitable()
}

// inevitable reports whether nothing but a decision gets past the step.
func (s Step) inevitable() bool { return s.When.source == "" && s.Empty != EmptySkip }

// shareValid reports whether the share suits the mode.
func (s Step) shareValid() bool {
	if s.Mode == ModeShare {
		return s.Share > 0 && s.Share <= money.Whole
	}
	return s.Share == 0
}
