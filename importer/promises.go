package importer

import (
	"regexp"
	"slices"
	"strings"

	"duban/models"
	"duban/models/money"
)

// The headings of a document's first part (部门整体绩效目标).
var (
	overallHeading  = regexp.MustCompile(`^(部门|单位|年度)*(整体|总体)绩效目标$`)
	itemsHeading    = regexp.MustCompile(`^(部门|单位|年度)*(分项|具体|职责|分类)绩效目标$`)
	measuresHeading = regexp.MustCompile(`^.{0,20}保障措施$`)
	partOneEnds     = regexp.MustCompile(`^(第[二三四五六]部分.{0,40}|.{0,20}项目绩效目标)$`)
)

// partOne returns the section that a heading of the first part opens.
func partOne(title string) (section, bool) {
	switch {
	case overallHeading.MatchString(title):
		return overallGoal, true
	case itemsHeading.MatchString(title):
		return itemGoals, true
	case measuresHeading.MatchString(title):
		return measures, true
	case partOneEnds.MatchString(title):
		return outside, true
	}
	return outside, false
}

func (r *recogniser) openPart(next section) error {
	if err := r.closeProject(); err != nil {
		return err
	}
	r.section = next
	return nil
}

// promise takes a paragraph of the first part. It belongs to the unit that has
// just been named, if no table has followed yet, else to the one to come.
func (r *recogniser) promise(at place, text string) {
	to := &r.pending
	if r.unit != nil && len(r.unit.projects) == 0 {
		to = &r.unit.promises
	}
	switch r.section {
	case overallGoal:
		to.overall = append(to.overall, words{at, text})
	case itemGoals:
		to.items = append(to.items, words{at, text})
	}
	if to.refinement.text == "" {
		to.refinement = words{at, refinementIn(text)}
	}
}

// clauseEnd separates the clauses of a sentence.
var clauseEnd = regexp.MustCompile(`[，。；、：！,;:!\n]`)

var clauseDate = regexp.MustCompile(`[月年季][底末]|月\s*\d+\s*日`)

// refinementIn returns the clause that promises to refine placeholder budgets,
// with the date before it if a comma separates the two.
func refinementIn(text string) string {
	if !strings.Contains(text, "代编") || !strings.Contains(text, "细化") {
		return ""
	}
	start, before := 0, 0
	for _, end := range append(clauseEnd.FindAllStringIndex(text, -1), []int{len(text), len(text)}) {
		clause := text[start:end[0]]
		if strings.Contains(clause, "代编") && strings.Contains(clause, "细化") {
			if !clauseDate.MatchString(clause) && clauseDate.MatchString(text[before:start]) {
				clause = text[before:end[0]]
			}
			return tidy(clause)
		}
		before, start = start, end[1]
	}
	return ""
}

// goals turns the published paragraphs into the unit's goals.
func (p *promises) goals(year int) []models.Goal {
	var goals []models.Goal
	if len(p.overall) > 0 {
		var paragraphs []string
		for _, w := range p.overall {
			paragraphs = append(paragraphs, w.text)
		}
		goals = append(goals, models.Goal{
			Scope: models.GoalOverall, Title: "总体绩效目标",
			Text: lines(paragraphs), SourceLine: p.overall[0].line,
		})
	}
	goals = append(goals, p.itemGoals()...)
	for i := range goals {
		g := &goals[i]
		g.FiscalYear, g.Sequence = year, i+1
		g.Figures = figures(g.Text + "\n" + g.Measure)
	}
	return goals
}

// foundGoal is an item goal in published words.
type foundGoal struct {
	line          int
	title         string
	text, measure []string // lines
}

// itemGoals reads a title, 绩效目标：… and 绩效指标：… for each field of work. A
// title is numbered, or stands before a line of the second kind.
func (p *promises) itemGoals() []models.Goal {
	var found []*foundGoal
	var open *[]string // what an unmarked line continues
	for i, w := range p.items {
		title, numbered := unnumbered(w.text)
		marker, text := itemMarker(w.text)
		isTitle := marker == "" && (numbered || p.itemMarkedAt(i+1) == markGoal)
		if len(found) == 0 || isTitle {
			found = append(found, &foundGoal{line: w.line})
		}
		g := found[len(found)-1]
		switch {
		case marker == markGoal:
			open = &g.text
		case marker == markMeasure:
			open = &g.measure
		case isTitle:
			g.title, open, text = title, &g.text, ""
		case open == nil:
			open = &g.text
		}
		*open = append(*open, text)
	}
	goals := make([]models.Goal, len(found))
	for i, g := range found {
		goals[i] = models.Goal{Scope: models.GoalItem, Title: g.title, Text: lines(g.text), Measure: lines(g.measure), SourceLine: g.line}
	}
	return goals
}

// itemMarkedAt returns the marker of the i-th line, or "".
func (p *promises) itemMarkedAt(i int) string {
	if i >= len(p.items) {
		return ""
	}
	marker, _ := itemMarker(p.items[i].text)
	return marker
}

const (
	markGoal    = "绩效目标"
	markMeasure = "绩效指标"
)

// itemMarker splits "绩效目标：…" into its marker and the text.
func itemMarker(text string) (marker, rest string) {
	if head, tail, found := cutColon(text); found {
		switch word := money.Clean(head); word {
		case markGoal, markMeasure:
			return word, tidy(tail)
		}
	}
	return "", text
}

// lines joins lines, leaving out blank ones.
func lines(all []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == "" }), "\n")
}

var (
	figure    = regexp.MustCompile(`([\d０-９][\d０-９,.，．]*)\s*(亿元|万元|元)`)
	pledge    = regexp.MustCompile(`^(力争|争取|努力|确保|预计|计划|全年|实现|完成|达到)+`)
	comparing = regexp.MustCompile(`(突破|超过|超|达到|达|不低于|不少于|不超过|约|为|至|在)+$`)
)

// figures finds the amounts that a goal states, each with the words before it
// in its clause, without the words of pledging and comparing.
func figures(text string) []models.GoalFigure {
	var found []models.GoalFigure
	for _, at := range figure.FindAllStringIndex(text, -1) {
		if strings.HasPrefix(text[at[1]:], "/") {
			continue // a price, not a sum
		}
		amount, err := money.Parse(text[at[0]:at[1]], money.Yuan)
		if err != nil {
			continue
		}
		label := pledge.ReplaceAllString(clauseBefore(text[:at[0]]), "")
		label = comparing.ReplaceAllString(label, "")
		found = append(found, models.GoalFigure{Label: label, Text: text[at[0]:at[1]], Amount: amount})
	}
	return found
}

// clauseBefore returns the unfinished clause at the end of a text.
func clauseBefore(text string) string {
	const most = 150 // bytes that a label may take
	text = strings.ToValidUTF8(text[max(0, len(text)-most):], "")
	if ends := clauseEnd.FindAllStringIndex(text, -1); ends != nil {
		text = text[ends[len(ends)-1][1]:]
	}
	return tidy(text)
}
