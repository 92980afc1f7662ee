package importer

import (
	"regexp"
	"slices"
	"strings"

	"duban/models"
	"duban/models/money"
)

// indicatorColumns are the columns of an indicator table, by label.
type indicatorColumns struct {
	columns map[label]columnSpan
	first   int // the leftmost labelled column
	cells   int // of the heading row

	// What a blank cell of a merged column repeats from above.
	level1, level2, level3 string
}

// columnSpan is where a column begins and where the next one does.
type columnSpan struct{ from, to int }

// indicatorLabels are the labels that a heading row of indicators may have.
var indicatorLabels = map[label]bool{
	labelLevel1: true, labelLevel2: true, labelLevel3: true, labelDescription: true,
	labelValue: true, labelBasis: true, labelSign: true, labelMeasure: true,
}

// indicatorHeader reads a row as the heading row of an indicator table. It
// needs the value and at least one of the levels.
func indicatorHeader(in row) (indicatorColumns, bool) {
	if !slices.ContainsFunc(in.cells, mayBeValueLabel) {
		return indicatorColumns{}, false
	}
	found := indicatorColumns{columns: map[label]columnSpan{}, first: -1, cells: len(in.cells)}
	last, lastText := noLabel, ""
	for col, c := range in.cells {
		if c.text == "" || c.text == lastText {
			continue // merged into the column before
		}
		if last != noLabel {
			found.columns[last] = columnSpan{found.columns[last].from, col}
		}
		last, _ = labelOf(c.text)
		lastText = c.text
		if _, twice := found.columns[last]; twice || !indicatorLabels[last] {
			last = noLabel // a column that is of no use here
			continue
		}
		if found.first < 0 {
			found.first = col
		}
		found.columns[last] = columnSpan{col, maxColumns}
	}
	_, hasValue := found.columns[labelValue]
	return found, hasValue && found.hasLevel()
}

// mayBeValueLabel is a quick test for 指标值 and its synonyms.
func mayBeValueLabel(c cell) bool {
	return len(c.text) <= maxLabelBytes && strings.Contains(c.text, "值")
}

func (c indicatorColumns) hasLevel() bool {
	for _, l := range []label{labelLevel1, labelLevel2, labelLevel3} {
		if _, ok := c.columns[l]; ok {
			return true
		}
	}
	return false
}

// openIndicators takes the heading row of an indicator table.
func (r *recogniser) openIndicators(in row, columns indicatorColumns) error {
	if r.project == nil {
		return r.fail(place{in.sheet, in.line}, ErrUnsupportedLayout, "指标表", "", "指标表之前有“项目编码”")
	}
	r.flushPlan()
	if r.project.headerSeen { // repeated on a new page
		columns.level1, columns.level2, columns.level3 = r.columns.level1, r.columns.level2, r.columns.level3
	}
	r.project.headerSeen = true
	r.columns = columns
	r.section = tableIndicators
	return nil
}

// leavesIndicators reports whether a row begins with a label of another part
// of a project's table.
func (r *recogniser) leavesIndicators(in row) bool {
	first := in.first()
	if first > r.columns.first {
		return false
	}
	text := in.cells[first].text
	l, _ := labelOf(text)
	if l == noLabel {
		l, _ = labelled(text)
	}
	if l == noLabel {
		_, _, isUnit := unitNamedIn(text, false)
		return isUnit
	}
	return !indicatorLabels[l]
}

// footnote is what stands below a table.
var footnote = regexp.MustCompile(`^(注|备注|说明|填报|填表|制表|审核|联系|单位负责人)`)

// indicatorRow takes one indicator.
func (r *recogniser) indicatorRow(in row) error {
	cols := &r.columns
	first := in.cells[in.first()].text
	if footnote.MatchString(first) {
		return nil
	}
	shift, ok := cols.shift(in)
	if !ok {
		r.short = r.cellCount(in, cols.cells)
		return nil
	}
	get := func(l label) string { return cols.text(in, l, shift) }
	level1, level2 := get(labelLevel1), get(labelLevel2)
	level3, description := get(labelLevel3), get(labelDescription)
	value := cols.value(in, shift)
	cols.inherit(&level1, &level2, &level3)
	if value == "" && description == "" && get(labelLevel3) == "" || level1+level2+level3 == "" {
		return nil // a category alone, a remark, or a second heading row
	}
	p := r.project
	p.torn = place{}
	if span := cols.columns[labelValue]; in.sheet == "" && len(in.cells)+shift <= span.from {
		p.torn = place{in.sheet, in.line}
	}
	p.indicators = append(p.indicators, models.Indicator{
		Sequence: len(p.indicators) + 1, Level1: level1, Level2: level2, Level3: level3,
		Description: description, ValueText: value, Basis: get(labelBasis), SourceLine: in.line,
	})
	return nil
}

// inherit fills blank levels with those above, and remembers them. A new level
// ends what the narrower ones below it repeat.
func (c *indicatorColumns) inherit(level1, level2, level3 *string) {
	if *level1 != "" && *level1 != c.level1 {
		c.level1, c.level2, c.level3 = *level1, "", ""
	}
	if *level2 != "" && *level2 != c.level2 {
		c.level2, c.level3 = *level2, ""
	}
	if *level3 != "" {
		c.level3 = *level3
	}
	*level1, *level2, *level3 = c.level1, c.level2, c.level3
}

// text returns what a row says in a column.
func (c *indicatorColumns) text(in row, l label, shift int) string {
	span, ok := c.columns[l]
	if !ok {
		return ""
	}
	return in.within(span.from-shift, span.to-shift).text
}

// value returns the published value, with the sign and the unit that some
// templates put into cells of their own.
func (c *indicatorColumns) value(in row, shift int) string {
	span := c.columns[labelValue]
	var value, last string
	var valueSb173 strings.Builder
	for col := max(span.from-shift, 0); col < min(span.to-shift, len(in.cells)); col++ {
		if text := in.cells[col].text; text != "" && text != last {
			valueSb173.WriteString(text)
			last = text
		}
	}
	value += valueSb173.String()
	if value == "" {
		return ""
	}
	if sign := c.text(in, labelSign, shift); comparators[money.Clean(sign)] != "" {
		value = sign + value
	}
	return value + c.text(in, labelMeasure, shift)
}

// The names of levels tell which cell was left out when a merged one was.
var (
	broadLevel  = regexp.MustCompile(`^(产出|效益|满意度|成本|效果)指标$`)
	narrowLevel = regexp.MustCompile(`^(数量|质量|时效|成本|经济成本|社会成本|生态环境成本|经济效益|社会效益|生态效益|可持续影响|服务对象满意度)(指标)?$`)
)

// shift returns by how many columns a row stands to the left of the heading,
// because the merged first cell was left out. It reports false for a row whose
// cells cannot be placed.
func (c *indicatorColumns) shift(in row) (int, bool) {
	missing := c.cells - len(in.cells)
	_, hasLevel1 := c.columns[labelLevel1]
	_, hasLevel2 := c.columns[labelLevel2]
	word := money.Clean(in.cells[0].text)
	if missing >= 1 && hasLevel1 && hasLevel2 && narrowLevel.MatchString(word) && !c.opensLevel1(word) {
		if !in.listed || missing == 1 {
			return 1, true
		}
	}
	return 0, !in.listed || missing == 0
}

// opensLevel1 reports whether a word that can be either level is the broad one.
func (c *indicatorColumns) opensLevel1(word string) bool {
	return broadLevel.MatchString(word) && c.level1 != "产出指标"
}
