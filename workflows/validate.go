package workflows

import (
	"fmt"
	"maps"
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
	seen := map[string]bool{}
	for i, f := range k.def.Form {
		at := fmt.Sprintf("form[%d]", i+1)
		k.identifier("", at+".name", f.Name)
		if _, reserved := caseNames()[f.Name]; reserved {
			k.fail("", at+".name", "%s 是事项本身的数据，字段不能叫这个名字", f.Name)
		}
		if seen[f.Name] {
			k.fail("", at+".name", "字段 %s 重复", f.Name)
		}
		seen[f.Name] = true
		k.text("", at+".label", f.Label)
		oneOf(k, "", at+".type", f.Type, FieldText, FieldNumber, FieldMoney, FieldDate, FieldChoice, FieldFile)
		k.bounds(at, f)
		k.options(at, f)
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
		default: // choices and files have no size
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

func (k *checker) effect(at string, e Completion) {
	params, open, ok := e.Do.parameters()
	if !ok {
		oneOf(k, "", at+".do", e.Do, MoveDueDate, ReviseBudget, CloseObligation, RefineBudget, RecordReport, CloseAfterVerification)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(e.With)) {
		f, exists := k.def.Field(e.With[name])
		i := slices.IndexFunc(params, func(p parameter) bool { return p.name == name })
		switch {
		case !open && i < 0:
			k.fail("", at+".with."+name, "%s 没有这个参数", e.Do)
		case !exists:
			k.fail("", at+".with."+name, "表单没有字段 %s", e.With[name])
		case !open && !slices.Contains(params[i].fields, f.Type):
			k.fail("", at+".with."+name, "字段 %s 的类型 %s 不适用", f.Name, f.Type)
		case !open && params[i].required && !k.certain(f):
			k.fail("", at+".with."+name, "字段 %s 应为必填，且由填报或必经步骤填写", f.Name)
		}
	}
	for _, p := range params {
		if _, given := e.With[p.name]; p.required && !given {
			k.fail("", at+".with", "%s 缺少参数 %s", e.Do, p.name)
		}
	}
	if open && len(e.With) == 0 {
		k.fail("", at+".with", "%s 至少写一个字段", e.Do)
	}
}

// certain reports whether a field has a value once the form has passed the
// step that fills it in.
func (k *checker) certain(f Field) bool {
	s, _ := k.def.Step(k.def.filledAt(f.Name))
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
