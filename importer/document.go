package importer

import (
	"duban/models"
	"duban/models/money"
)

// document is what the recogniser found, still in published words: dates need
// the fiscal year, which only the whole document tells.
type document struct {
	units []*foundUnit
	years yearEvidence
}

// place is where something stands.
type place struct {
	sheet string
	line  int
}

// words is a published text and its place.
type words struct {
	place
	text string
}

// foundUnit is a budget unit in published words.
type foundUnit struct {
	place
	code, name string
	promises   promises
	projects   []*foundProject
}

// promises is the part of a document that precedes the project tables
// (部门整体绩效目标).
type promises struct {
	overall    []words // paragraphs
	items      []words // titles, 绩效目标：… and 绩效指标：… in order
	refinement words
}

func (p *promises) empty() bool {
	return len(p.overall) == 0 && len(p.items) == 0 && p.refinement.text == ""
}

// foundProject is a project table in published words.
type foundProject struct {
	place
	heading    string // the name in the heading before the table, or ""
	code, name field
	amountUnit money.Unit // 0 if the table states none
	budget     field
	fiscal     field
	other      field
	purpose    []string // lines
	goal       []string // lines
	planAt     place    // zero if the table has no plan
	plan       []foundCheckpoint
	headerSeen bool               // of the indicator table
	indicators []models.Indicator // published texts only
	torn       place              // the last row, if it stops before the value
}

// field is a label of a table with the value beside it.
type field struct {
	place
	label  label
	text   string     // of the label, as published
	unit   money.Unit // in the label's remark, or 0
	next   int        // the column after the label
	value  cell
	stated bool // whether there is a value, be it blank
}

// foundCheckpoint is one column of the spending plan.
type foundCheckpoint struct {
	place
	label string
	value cell
}
