package models

import (
	"fmt"
	"strings"
	"time"

	"duban/models/calendar"
)

// ProjectRecord is a project with what its published table states.
type ProjectRecord struct {
	Project
	Targets    []Target
	Indicators []Indicator
}

// maxDutyTitle is the longest title of a duty, in characters: what a subject
// line bears. The published words stand in its source.
const maxDutyTitle = 120

// Duties returns the obligations that a project's published table and the
// yearly routine give rise to. It is pure: the same record always gives the
// same duties, which is how a corrected document is compared with the old one.
func (r ProjectRecord) Duties() []Obligation {
	var duties []Obligation
	add := func(o Obligation) {
		o.Title = clip(o.Title, maxDutyTitle)
		o.Subject, o.UnitID, o.ProjectID, o.FiscalYear = ProjectSubject(r.ID), r.UnitID, r.ID, r.FiscalYear
		o.State, o.Light = StateOpen, Green
		duties = append(duties, o)
	}
	for _, t := range r.Targets {
		add(Obligation{
			Kind: SpendingTarget, DueOn: t.DueOn, Percent: t.Percent, Amount: t.Percent.Of(r.Budget),
			Title:  fmt.Sprintf("%s支出进度达到%s", t.Label, t.Percent),
			Source: fmt.Sprintf("资金支出计划 %s %s", t.Label, t.Percent),
		})
	}
	sequence := map[string]int{}
	for _, in := range r.Indicators {
		for _, o := range in.duties(r.FiscalYear) {
			key := string(o.Kind) + o.DueOn.String()
			o.Sequence = sequence[key]
			sequence[key]++
			add(o)
		}
	}
	if r.Placeholder {
		add(refinement(r.FiscalYear, r.Name))
	}
	for _, o := range yearly(r.FiscalYear) {
		add(o)
	}
	return duties
}

// duties returns the dated duties of one time-effect indicator (时效指标).
func (in Indicator) duties(year int) []Obligation {
	source := strings.TrimSpace(in.Description + " " + in.ValueText)
	name := in.Level3
	if name == "" {
		name = in.Description
	}
	if !in.DueOn.IsZero() {
		return []Obligation{{Kind: Completion, DueOn: in.DueOn, Title: name + "：" + in.DueOn.Chinese(), Source: source}}
	}
	var duties []Obligation
	from := calendar.MustDate(year, time.January, 1)
	for _, due := range in.Recurrence.Occurrences(year) {
		duties = append(duties, Obligation{
			Kind: Recurring, DueOn: due, PeriodFrom: from, Source: source,
			Title: fmt.Sprintf("%s：%d月（%s）", name, due.Month(), in.ValueText),
		})
		from = due.AddDays(1)
	}
	return duties
}

// yearly returns the routine duties of every project: 绩效运行监控 covers
// January to July and is due by 31 August, 绩效自评 by 31 March of the next year.
func yearly(year int) []Obligation {
	return []Obligation{
		{Kind: Monitoring, DueOn: calendar.MustDate(year, time.August, 31), Title: fmt.Sprintf("%d年1—7月绩效运行监控", year)},
		{Kind: SelfEvaluation, DueOn: calendar.MustDate(year+1, time.March, 31), Title: fmt.Sprintf("%d年度绩效自评", year)},
	}
}

// refinement is the duty to break a placeholder budget (代编预算) down by the
// end of June, which finance departments ask for.
func refinement(year int, what string) Obligation {
	return Obligation{
		Kind: Refinement, DueOn: calendar.MustDate(year, time.June, 30),
		Title: "6月底前细化代编预算：" + what,
	}
}

// UnitDuties returns the duties of a whole unit: the refinement of its
// placeholder budgets, if its published text promises one.
func UnitDuties(u Unit, year int, refinementText string) []Obligation {
	if refinementText == "" {
		return nil
	}
	o := refinement(year, u.Name)
	o.Title = clip(o.Title, maxDutyTitle)
	o.Subject, o.UnitID, o.FiscalYear, o.Source = UnitSubject(u.ID), u.ID, year, refinementText
	o.State, o.Light = StateOpen, Green
	return []Obligation{o}
}
