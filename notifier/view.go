package notifier

import (
	"fmt"
	"slices"
	"strings"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

// view is what a template sees: the facts of a message, with figures and
// dates as its language writes them. Words are the templates' business.
type view struct {
	models.Reminder
	Language  models.Language
	Recipient string
	Spending  bool
	DaysOver  int    // days since the due date
	Whose     string // the project, or the unit of a duty without one
	About     string // the same for a subject line; blank if the title says it
	Duty      string // the title, short enough for a subject line
	SayDue    bool   // whether the subject must name the due date: the title does not
	Due       string
	ShortDue  string // without the year
	// Checkpoint is how a plan names the due date: 6月底.
	Checkpoint string
	AsOfText   string
	RecordsLag bool   // payments after AsOfText are not on record yet
	Behind     string // percentage points
	LightColor string
	Facts      []fact
	Bar        []segment
	Link       string
	Code       string // the short code (验证码) that Link asks for
	CodeUntil  string // the moment at which both expire
	// Pausable means that the message may be acknowledged (已阅) behind Link, and
	// that more of its kind follow if it is not.
	Pausable bool
	page     string // the plain link, which needs no code

	// Of a message about a workflow; Approval holds the rest.
	Matter     string   // the workflow and its duty, short enough for a subject line
	Limit      string   // 办理时限
	ShortLimit string   // without the year
	Left       span     // days until Limit; meaningless without one
	Comment    []string // what was said, line by line

	tables
	From, To string // the days of a weekly report
	Since    string // of an alarm
}

// fact is a row of the table of facts. Its key names the label.
type fact struct {
	Key, Label, Value, Color string
	Left                     span // of a time limit
}

// segment is a piece of the progress bar, so many per cent of its width.
type segment struct {
	Width int
	Color string
}

// The longest names that a subject line repeats, in characters: a phone shows
// about forty.
const (
	subjectName  = 24
	subjectTitle = 30
)

func newView(r models.Reminder, recipient string, language models.Language) view {
	r.Title, r.UnitName, r.ProjectName = oneLine(r.Title), oneLine(r.UnitName), oneLine(r.ProjectName)
	r.Source, r.DueOnHoliday = oneLine(r.Source), oneLine(r.DueOnHoliday)
	v := view{
		Reminder: r, Language: language, Recipient: oneLine(recipient),
		Spending: r.Kind == models.SpendingTarget, DaysOver: -r.DaysLeft,
		Whose: r.ProjectName, Duty: short(r.Title, subjectTitle),
		SayDue: !strings.Contains(r.Title, r.DueOn.Chinese()),
		Behind: strings.TrimSuffix((r.Plan - r.Actual).String(), "%"), LightColor: lightColor(r.Light),
	}
	if v.Whose == "" {
		v.Whose = r.UnitName
	}
	if v.Spending || !strings.Contains(r.Title, v.Whose) {
		v.About = short(v.Whose, subjectName)
	}
	v.Due, v.ShortDue = v.date(r.DueOn)
	v.AsOfText, _ = v.date(r.AsOf)
	if !r.RecordsAsOf.IsZero() && r.RecordsAsOf.Before(r.AsOf) {
		v.AsOfText, _ = v.date(r.RecordsAsOf)
		v.RecordsLag = true
	}
	v.Checkpoint = v.checkpoint(r.DueOn)
	if r.Approval != nil {
		v.addApproval(*r.Approval)
	}
	v.Facts = v.facts()
	v.addTables()
	if r.Weekly != nil {
		v.From, v.To = v.period(*r.Weekly)
	}
	if r.Alarm != nil {
		v.addAlarm(*r.Alarm)
	}
	if v.Spending && r.Budget > 0 {
		v.Bar = bar(r.Actual, r.Plan, v.LightColor)
	}
	return v
}

func (v view) facts() []fact {
	project := v.ProjectName
	if v.ProjectCode != "" {
		project = strings.TrimSpace(project + " " + v.ProjectCode)
	}
	facts := []fact{
		{Key: "unit", Value: v.UnitName},
		{Key: "project", Value: project},
		{Key: "kind", Value: string(v.Kind)},
		{Key: "title", Value: v.Title},
		{Key: "due", Value: v.Due},
	}
	if v.Spending {
		facts = append(facts,
			fact{Key: "budget", Value: v.Money(v.Budget)},
			fact{Key: "paid", Value: v.Money(v.Paid)},
			fact{Key: "plan", Value: v.Plan.String()},
			fact{Key: "actual", Value: v.Actual.String()})
		if v.Missing > 0 {
			facts = append(facts,
				fact{Key: "behind", Value: v.Behind},
				fact{Key: "missing", Value: v.Money(v.Missing)})
		}
		facts = append(facts, fact{Key: "light", Value: string(v.Light), Color: v.LightColor})
	}
	facts = append(facts, fact{Key: "source", Value: v.Source})
	facts = append(facts, v.approvalFacts()...)
	return slices.DeleteFunc(facts, func(f fact) bool { return f.Value == "" })
}

// Money writes an amount in 万元, in which budgets are published, and in 元.
func (v view) Money(f money.Fen) string {
	if v.Language == models.English {
		return fmt.Sprintf("CNY %s (%s 万元)", grouped(f.String()), grouped(f.In(money.TenThousand)))
	}
	return fmt.Sprintf("%s 万元（%s 元）", grouped(f.In(money.TenThousand)), grouped(f.String()))
}

// date writes a date in full, and without the year.
func (v view) date(d calendar.Date) (full, withoutYear string) {
	if d.IsZero() {
		return "", ""
	}
	if v.Language == models.English {
		withoutYear = fmt.Sprintf("%d %s", d.Day(), d.Month())
		return fmt.Sprintf("%s %d", withoutYear, d.Year()), withoutYear
	}
	return d.Chinese(), fmt.Sprintf("%d月%d日", d.Month(), d.Day())
}

func (v view) checkpoint(d calendar.Date) string {
	if d != calendar.EndOfMonth(d.Year(), d.Month()) {
		return v.ShortDue
	}
	if v.Language == models.English {
		return "the end of " + d.Month().String()
	}
	return fmt.Sprintf("%d月底", d.Month())
}

// grouped puts a comma before every three digits: 1,234,567.89.
func grouped(s string) string {
	sign := ""
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		sign, s = "-", rest
	}
	whole, decimals, _ := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if decimals != "" {
		decimals = "." + decimals
	}
	return sign + whole + decimals
}

func short(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return string(r[:limit-1]) + "…"
	}
	return s
}

// lightColor returns a colour that reads well on white.
func lightColor(l models.Light) string {
	switch l {
	case models.Green:
		return "#2e7d32"
	case models.Blue:
		return "#1565c0"
	case models.Yellow:
		return "#c77700"
	}
	return "#b3261e"
}

const (
	colorMark = "#1f2329"
	colorGap  = "#f6d3d0" // planned, not paid
	colorRest = "#e5e6eb" // not yet planned
)

// bar draws what is paid, with a mark where the plan says it should be. The
// widths add up to 100, and no piece is empty: some programs would show it.
func bar(actual, plan money.Percent, paid string) []segment {
	a, p := barWidth(actual), barWidth(plan)
	pieces := []segment{
		{min(a, p), paid},
		{p - min(a, p), colorGap},
		{markWidth, colorMark},
		{a - min(a, p), paid},
		{100 - markWidth - max(a, p), colorRest},
	}
	return slices.DeleteFunc(pieces, func(s segment) bool { return s.Width == 0 })
}

const markWidth = 1

// barWidth cuts a percentage to what a bar can show, beside the mark: refunds
// can make a share negative, and an overspent budget exceeds 100.
func barWidth(p money.Percent) int {
	return int(max(0, min(p/money.PercentOf(1), 100-markWidth)))
}
