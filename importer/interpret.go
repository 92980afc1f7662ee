package importer

import (
	"cmp"
	"errors"
	"reflect"
	"slices"
	"strings"

	"duban/models"
	"duban/models/money"
)

// interpreter turns published words into amounts, percentages and dates, and
// flags what is odd about them.
type interpreter struct {
	file     string
	year     int
	fallback money.Unit // for tables that state no unit
	problems []Problem
}

// units interprets a whole document. Of tables with the same code the first is
// kept.
func (in *interpreter) units(found []*foundUnit) ([]UnitDraft, error) {
	var units []UnitDraft
	seen := map[string]ProjectDraft{}
	for _, f := range found {
		promises := f.promises
		u := UnitDraft{
			Code: f.code, Name: f.name, Line: f.line, Goals: promises.goals(in.year),
			RefinementText: promises.refinement.text,
		}
		if u.RefinementText != "" {
			u.RefinementLine = promises.refinement.line
		}
		if f.code == "" {
			in.problems = append(in.problems, Problem{
				Code: FlagUnitCodeMissing, Field: "预算单位", Value: f.name,
				Message: "没有写明预算单位的编码；应有一行如“603001某某中心”", Line: f.line, Sheet: f.sheet,
			})
		}
		for _, fp := range f.projects {
			p, flags, err := in.project(f.code, fp)
			if err != nil {
				return nil, err
			}
			if first, twice := seen[p.Code]; twice {
				if err := in.duplicate(first, p, f.code, fp); err != nil {
					return nil, err
				}
				continue
			}
			seen[p.Code] = p
			in.problems = append(in.problems, flags...)
			u.Projects = append(u.Projects, p)
		}
		units = append(units, u)
	}
	return units, nil
}

// duplicate handles a second table with the code of an earlier one.
func (in *interpreter) duplicate(first, second ProjectDraft, unitCode string, at *foundProject) error {
	if reflect.DeepEqual(withoutLines(first), withoutLines(second)) {
		return &Error{
			File: in.file, Sheet: at.sheet, Line: at.line, Code: ErrRepeatedTable, Field: "项目编码",
			Value: second.Code, Expected: "每个项目只有一张表；与前面一张内容完全相同",
		}
	}
	in.problems = append(in.problems, Problem{
		Code: FlagDuplicateCode, UnitCode: unitCode, ProjectCode: second.Code,
		Field: "项目编码", Value: second.Code, Line: at.line, Sheet: at.sheet,
		Message: "项目编码“" + second.Code + "”在前面的“" + first.Name + "”已经用过，内容不同；这里的“" + second.Name + "”没有采用，应各有各的编码",
	})
	return nil
}

// withoutLines returns a project as it would be on another page.
func withoutLines(p ProjectDraft) ProjectDraft {
	p.SourceLine = 0
	p.Indicators = slices.Clone(p.Indicators)
	for i := range p.Indicators {
		p.Indicators[i].SourceLine = 0
	}
	return p
}

// sortedProblems returns the problems in reading order.
func (in *interpreter) sortedProblems() []Problem {
	slices.SortStableFunc(in.problems, func(a, b Problem) int {
		if a.Sheet != b.Sheet {
			return 0 // sheets are already in order
		}
		return cmp.Compare(a.Line, b.Line)
	})
	return in.problems
}

// project interprets one table.
func (in *interpreter) project(unitCode string, f *foundProject) (ProjectDraft, []Problem, error) {
	t := tableInterpreter{found: f, unitCode: unitCode, year: in.year, file: in.file}
	p := ProjectDraft{Project: models.Project{
		FiscalYear: in.year, Code: f.code.value.text, Name: f.name.value.text,
		Purpose: lines(f.purpose), Goal: lines(f.goal), State: models.ProjectActive, SourceLine: f.line,
		Placeholder: strings.Contains(f.name.value.text, "代编"),
	}}
	if err := t.amounts(&p.Project, in.fallback); err != nil {
		return p, nil, err
	}
	if err := t.plan(&p); err != nil {
		return p, nil, err
	}
	p.Indicators = f.indicators
	for i := range p.Indicators {
		t.indicator(&p.Indicators[i])
	}
	t.names(p.Name)
	return p, t.problems, nil
}

// tableInterpreter interprets one table and collects its problems.
type tableInterpreter struct {
	file     string
	unitCode string
	year     int
	found    *foundProject
	problems []Problem
}

func (t *tableInterpreter) flag(line int, code, field, value, message string) {
	t.problems = append(t.problems, Problem{
		Code: code, UnitCode: t.unitCode, ProjectCode: t.found.code.value.text,
		Field: field, Value: value, Message: message, Line: line, Sheet: t.found.sheet,
	})
}

// names compares the heading with the name in the table.
func (t *tableInterpreter) names(name string) {
	heading := t.found.heading
	if heading == "" || general.MatchString(heading) {
		return
	}
	a, b := money.Clean(heading), money.Clean(name)
	if a != b && strings.TrimSuffix(a, "项目") != strings.TrimSuffix(b, "项目") {
		t.flag(t.found.line, FlagNameMismatch, "项目名称", name, "表中的项目名称“"+name+"”与标题中的“"+heading+"”不同")
	}
}

// indicator adds to the published texts what they mean.
func (t *tableInterpreter) indicator(i *models.Indicator) {
	if v, ok := ParseValue(i.ValueText); ok {
		i.Comparator, i.Number, i.NumberUnit = v.Comparator, v.Number, v.Unit
	}
	if money.IsBlank(i.ValueText) {
		t.flag(i.SourceLine, FlagValueMissing, "指标值", i.ValueText, "指标“"+i.Level3+"”没有指标值")
		return
	}
	if !isTimeEffect(*i) {
		return
	}
	effect, err := ParseTimeEffect(i.ValueText, t.year)
	switch {
	case errors.Is(err, ErrNeedsDate):
		t.flag(i.SourceLine, FlagDeadlineNeedsDate, i.Level3, i.ValueText,
			"时效“"+i.ValueText+"”没有写明哪一天；应由人工确定日期")
	case !effect.DueOn.IsZero() && effect.DueOn.Year() != t.year:
		t.flag(i.SourceLine, FlagDeadlineOutsideYear, i.Level3, i.ValueText,
			"时限"+effect.DueOn.Chinese()+"不在预算年度"+yearText(t.year)+"内；应更正或确认")
	default:
		i.DueOn, i.Recurrence = effect.DueOn, effect.Recurrence
	}
}

// isTimeEffect reports whether an indicator is one of time (时效指标).
func isTimeEffect(i models.Indicator) bool {
	return strings.Contains(i.Level2, "时效") || strings.Contains(i.Level1, "时效")
}
