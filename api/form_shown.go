package api

import (
	"strconv"

	"duban/models"
	"duban/models/money"
	"duban/workflows"
)

// shownField is a field of a form as it is read.
type shownField struct {
	Label  string
	Text   string
	FileID int64 // of a file; Text is then its name
	Table  *shownTable
}

// shownTable is a table as it is read.
type shownTable struct {
	RowHead string // what the rows are about, "" if they are free
	Columns []shownColumn
	Rows    []shownRow
}

// shownColumn is a column; numbers stand on the right.
type shownColumn struct {
	Label  string
	Number bool
}

// shownRow is a row of a table, with what it is about unless rows are free.
type shownRow struct {
	Title, Stated string
	Cells         []string
}

// fileIDs are the files that a form names.
func fileIDs(def workflows.Definition, form workflows.Form) []int64 {
	var ids []int64
	for _, f := range def.Form {
		if f.Type != workflows.FieldFile {
			continue
		}
		if id, err := strconv.ParseInt(form[f.Name], 10, 64); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// showForm returns the fields that are filled in.
func showForm(def workflows.Definition, about workflows.Case, form workflows.Form, files map[int64]models.Attachment, l models.Language) []shownField {
	var shown []shownField
	for _, f := range def.Form {
		stored := form[f.Name]
		if stored == "" {
			continue
		}
		sf := shownField{Label: f.Label.In(l)}
		switch f.Type {
		case workflows.FieldTable:
			sf.Table = showTable(f, about, stored, l)
		case workflows.FieldFile:
			id, _ := strconv.ParseInt(stored, 10, 64) // 0 is no file
			sf.FileID, sf.Text = files[id].ID, files[id].Name
		default:
			sf.Text = showValue(f, stored, l)
		}
		shown = append(shown, sf)
	}
	return shown
}

// showValue writes a stored value of a field or a cell for people.
func showValue(f workflows.Field, stored string, l models.Language) string {
	switch f.Type {
	case workflows.FieldMoney:
		fen, err := strconv.ParseInt(stored, 10, 64)
		if err != nil {
			return stored
		}
		return yuan(money.Fen(fen)) + " " + say(l, "yuan")
	case workflows.FieldChoice:
		for _, o := range f.Options {
			if o.Value == stored {
				return o.Label.In(l)
			}
		}
	default:
	}
	return stored
}

func showTable(f workflows.Field, about workflows.Case, stored string, l models.Language) *shownTable {
	t := &shownTable{RowHead: rowHead(f.RowsFrom, l)}
	given := map[string]workflows.CaseRow{}
	for _, g := range about.Rows(f.RowsFrom) {
		given[g.Key] = g
	}
	for _, c := range f.Columns {
		t.Columns = append(t.Columns, shownColumn{c.Label.In(l), c.Type == workflows.FieldMoney || c.Type == workflows.FieldNumber})
	}
	for _, row := range f.Rows(stored) {
		var shown shownRow
		if t.RowHead != "" {
			shown.Title, shown.Stated = given[row[0]].Title, stated(f.RowsFrom, given[row[0]], l)
		}
		for _, c := range f.Columns {
			shown.Cells = append(shown.Cells, showValue(c, f.Cell(row, c.Name), l))
		}
		t.Rows = append(t.Rows, shown)
	}
	return t
}

// rowHead says what the rows of a table are about, "" if they are free.
func rowHead(from workflows.RowSource, l models.Language) string {
	if from == workflows.RowsFree {
		return ""
	}
	return word(l, "rows", from)
}

// stated says what was published about a row.
func stated(from workflows.RowSource, row workflows.CaseRow, l models.Language) string {
	if row.Stated == "" {
		return ""
	}
	return word(l, "stated", from) + " " + row.Stated
}
