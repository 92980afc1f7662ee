// Package importer answers what a file says: bytes in, a typed draft and a
// list of problems out. Writing the draft into the database is a separate
// step, so that everything here can be tried, shown and tested without one.
//
// Reading has three stages. A format reader (text, HTML, docx, xlsx) turns the
// bytes into a sequence of rows of cells, each with its line. One recogniser,
// which knows nothing of formats, finds units, goals, tables, plans and
// indicators in that sequence by their published labels. Interpretation then
// turns the published words into amounts, percentages and dates.
//
// What is odd but readable becomes a [Problem], a flag that never blocks. What
// cannot be read without guessing becomes an [*Error] that names the line.
package importer

import (
	"crypto/sha256"
	"encoding/hex"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

// Options are what the user states beside the file.
type Options struct {
	// FiscalYear is the budget year; 0 means that the document says it.
	FiscalYear int
	// AmountUnit is used by tables that do not state 单位：万元; 0 means that
	// such a table is refused.
	AmountUnit money.Unit
}

// Draft is what one performance-target document says.
type Draft struct {
	FileName   string
	SHA256     string // of the bytes, hexadecimal
	FiscalYear int
	Units      []UnitDraft
	Problems   []Problem
}

// UnitDraft is one budget unit with everything that the document says of it.
type UnitDraft struct {
	Code     string // "" if the document names no unit; then it is flagged
	Name     string
	Line     int
	Goals    []models.Goal
	Projects []ProjectDraft

	// RefinementText is the promise to refine placeholder budgets, such as
	// 6月底前细化代编预算, or "" if the unit makes none.
	RefinementText string
	RefinementLine int
}

// ProjectDraft is one project table. All ids are zero.
type ProjectDraft struct {
	models.Project
	Targets    []models.Target // by date
	Blank      []BlankTarget   // by date
	Indicators []models.Indicator
}

// BlankTarget is a checkpoint whose cell is blank: the plan states no target.
type BlankTarget struct {
	Label string // the column heading as published
	DueOn calendar.Date
}

// ReadTargets reads a performance-target document in any supported format.
func ReadTargets(name string, data []byte, opt Options) (*Draft, error) {
	doc, err := recognise(source{name, data})
	if err != nil {
		return nil, err
	}
	year, err := doc.fiscalYear(name, opt.FiscalYear)
	if err != nil {
		return nil, err
	}
	in := interpreter{file: name, year: year, fallback: opt.AmountUnit}
	units, err := in.units(doc.units)
	if err != nil {
		return nil, err
	}
	return &Draft{
		FileName:   name,
		SHA256:     fingerprint(data),
		FiscalYear: year,
		Units:      units,
		Problems:   in.sortedProblems(),
	}, nil
}

// fingerprint identifies a file by its bytes.
func fingerprint(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
