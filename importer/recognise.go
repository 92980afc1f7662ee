package importer

import (
	"hash/maphash"
	"unicode/utf8"
)

// section is the part of a document that the recogniser is in.
type section int

const (
	outside section = iota
	overallGoal
	itemGoals
	measures
	tableHead
	tableBudget
	tablePlan       // the row after 资金支出计划 is still to come, or more of it
	tableGoal       // 绩效目标
	tableIndicators // below the heading row of the indicators
)

// recogniser finds units, goals and project tables in a sequence of rows by
// their labels alone.
type recogniser struct {
	file    string
	doc     document
	section section
	sheet   string

	units   map[string]*foundUnit
	unit    *foundUnit // the current one
	project *foundProject
	pending promises // made before the unit that makes them is named

	heading  heading // the last one that no table has followed yet
	headings headings
	amounts  amountScope
	columns  indicatorColumns
	plan     planColumns
	short    *Error // a row that lacks cells: torn if it is the last

	seed   maphash.Seed
	hashes []uint64 // of each row, to find a document that repeats itself
	lines  []place
}

// recognise reads a document's rows and finds what it says.
func recognise(s source) (*document, error) {
	r := &recogniser{
		file:     s.name,
		units:    map[string]*foundUnit{},
		headings: headings{withTable: map[string]bool{}},
		seed:     maphash.MakeSeed(),
	}
	if err := s.rows(r.row); err != nil {
		return nil, err
	}
	if err := r.finish(); err != nil {
		return nil, err
	}
	return &r.doc, nil
}

// fail returns an error about the given place.
func (r *recogniser) fail(at place, code, field, value, expected string) *Error {
	return &Error{File: r.file, Sheet: at.sheet, Line: at.line, Code: code, Field: field, Value: value, Expected: expected}
}

// row takes the next row of the document.
func (r *recogniser) row(in row) error {
	if r.short != nil {
		return r.short
	}
	if err := r.changeSheet(in.sheet); err != nil {
		return err
	}
	r.remember(in)
	if err := r.takeAmountUnit(in); err != nil {
		return err
	}
	if in.first() < 0 {
		return nil
	}
	if text, ok := in.sole(); ok {
		if done, err := r.line(in, text); done || err != nil {
			return err
		}
	}
	return r.tableRow(in)
}

// changeSheet ends what the sheet before has begun.
func (r *recogniser) changeSheet(sheet string) error {
	if sheet == r.sheet {
		return nil
	}
	r.sheet = sheet
	if err := r.closeProject(); err != nil {
		return err
	}
	r.section = outside
	r.amounts.next()
	return nil
}

// takeAmountUnit notes statements such as 单位：万元, which may stand beside
// anything, and takes them out of the row. Inside a table only a cell of its
// own counts: a sentence there may speak of units for other reasons.
func (r *recogniser) takeAmountUnit(in row) error {
	for i, c := range in.cells {
		unit, rest := statedUnit(c.text)
		if unit == 0 || r.project != nil && rest != "" {
			continue
		}
		if r.section == tableIndicators {
			if err := r.closeProject(); err != nil {
				return err
			}
		}
		r.amounts.state(unit, r.project)
		in.cells[i].text = rest
	}
	return nil
}

// line handles a row with a single text: a paragraph, a heading, or the name
// of a unit. It reports whether the row is done with.
func (r *recogniser) line(in row, text string) (done bool, err error) {
	at := place{in.sheet, in.line}
	title, numbered := unnumbered(text)
	if m := tableHeading.FindStringSubmatch(title); m != nil {
		return true, r.openHeading(heading{place: at, text: title, name: tidy(m[1]), numbered: numbered})
	}
	if code, name, ok := unitNamedIn(text, r.belowHeading()); ok && !r.continuesCell(in) {
		return true, r.openUnit(at, code, name)
	}
	if next, ok := partOne(title); ok && (r.project == nil || r.section == tableIndicators) {
		return true, r.openPart(next)
	}
	inPartOne := r.section == overallGoal || r.section == itemGoals || r.section == measures
	if r.project == nil {
		r.doc.years.line(text, !inPartOne)
	}
	if inPartOne {
		if l, _ := labelled(text); l != labelCode && l != labelName && l != labelUnit {
			r.promise(at, text)
			return true, nil
		}
	}
	return false, nil
}

// belowHeading reports whether a table's heading or a unit has been read, but
// nothing of a table yet.
func (r *recogniser) belowHeading() bool { return r.project == nil && r.section == tableHead }

// continuesCell reports whether a lone text stands to the right, where a table
// continues a cell of the row above.
func (r *recogniser) continuesCell(in row) bool {
	return in.first() > 0 && (r.section == tableBudget || r.section == tableGoal)
}

// remember keeps what is needed to notice a repeated document.
func (r *recogniser) remember(in row) {
	var h maphash.Hash
	h.SetSeed(r.seed)
	for _, c := range in.cells {
		_, _ = h.WriteString(c.text) // never fails
		_ = h.WriteByte(0)
	}
	r.hashes = append(r.hashes, h.Sum64())
	r.lines = append(r.lines, place{in.sheet, in.line})
}

// repeated reports whether the document's second half repeats its first, and
// where it begins.
func (r *recogniser) repeated() (place, bool) {
	half := len(r.hashes) / 2
	if half == 0 || len(r.hashes)%2 != 0 {
		return place{}, false
	}
	for i := range half {
		if r.hashes[i] != r.hashes[half+i] {
			return place{}, false
		}
	}
	return r.lines[half], true
}

// finish checks what only the end of the document tells.
func (r *recogniser) finish() error {
	if r.short != nil {
		r.short.Code = ErrTruncated
		return r.short
	}
	if p := r.project; p != nil && p.torn.line > 0 {
		return r.fail(p.torn, ErrTruncated, "指标值", "", "这一行还有指标值；文件在此中断")
	}
	if err := r.closeProject(); err != nil {
		return err
	}
	if at, ok := r.repeated(); ok {
		return r.fail(at, ErrRepeatedDocument, "", "", "每项内容只出现一次；从这一行起与前文完全相同")
	}
	r.retireHeading()
	if h, ok := r.headings.withoutTable(); ok {
		return r.fail(h.place, ErrTruncated, "标题", h.text, "标题之后有项目绩效目标表")
	}
	for _, u := range r.doc.units {
		if len(u.projects) > 0 {
			return nil
		}
	}
	return r.fail(place{}, ErrUnsupportedLayout, "", "", "含有“项目编码”“项目名称”“资金支出计划”“一级指标”等栏目的项目绩效目标表")
}

// shorten keeps an excerpt of a text for a message.
func shorten(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}
