package importer

import (
	"regexp"

	"duban/models/money"
)

// heading is a title of a project table, 3.会议费绩效目标表.
type heading struct {
	place
	text     string // without numbering
	name     string // what the table is about
	numbered bool
}

// headings keeps which headings have a table, to notice that some are missing.
type headings struct {
	withTable map[string]bool
	without   []heading
}

// withoutTable returns the first heading that has no table anywhere. A table
// of contents names each heading once more, and a document's title speaks of
// no single table; neither counts.
func (h headings) withoutTable() (heading, bool) {
	for _, lone := range h.without {
		if !h.withTable[lone.text] && (lone.numbered || !general.MatchString(lone.name)) {
			return lone, true
		}
	}
	return heading{}, false
}

// general is a title about no single project: 2025年度某某单位预算项目支出.
var general = regexp.MustCompile(`^(.*(20\d{2}年度?|部门|单位|本级|预算|本部门))?(预算|项目|支出|资金|整体|部门|单位|本级)*$`)

// openHeading begins what stands under a heading.
func (r *recogniser) openHeading(h heading) error {
	if err := r.closeProject(); err != nil {
		return err
	}
	r.retireHeading()
	r.heading = h
	r.section = tableHead
	r.amounts.next()
	return nil
}

// retireHeading notes that no table has followed the last heading.
func (r *recogniser) retireHeading() {
	if r.heading.text != "" {
		r.headings.without = append(r.headings.without, r.heading)
		r.heading = heading{}
	}
}

// amountScope keeps how far a statement such as 单位：万元 reaches: one made
// before the first table's heading or sheet holds for the document, any
// other for the tables up to the next heading or sheet.
type amountScope struct {
	document, table money.Unit
	used            bool // the statement has served a table
	begun           bool // a table has been seen
}

func (a *amountScope) state(unit money.Unit, open *foundProject) {
	a.table, a.used = unit, open != nil
	if open != nil {
		open.amountUnit = unit
	}
}

// next ends the reach of a statement at a heading or a new sheet.
func (a *amountScope) next() {
	switch {
	case a.used:
		a.table = 0
	case !a.begun && a.table != 0:
		a.document = a.table
	}
}

// take returns the unit for a table that begins.
func (a *amountScope) take() money.Unit {
	a.used, a.begun = true, true
	if a.table != 0 {
		return a.table
	}
	return a.document
}
