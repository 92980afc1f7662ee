package api

import (
	"context"
	"strconv"
	"strings"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
	"duban/workflows"
)

// blankRows is how many empty rows a free table has at least.
const blankRows = 5

// manyOptions is from how many options on a choice is a list to open.
const manyOptions = 6

// shortText is up to which length a text is asked for on one line.
const shortText = 120

// input is one input of a form, of a field or a cell.
type input struct {
	Name, ID, Label, Value string
	Type                   workflows.FieldType
	Required               bool
	Long                   bool // text of several lines
	Min                    string
	Hint                   string
	Options                []optionView
	Problems               []string
}

// List reports whether a choice is made from a list and not by radio buttons.
func (i input) List() bool { return len(i.Options) >= manyOptions }

// optionView is one option of a choice.
type optionView struct {
	Value, Label string
	Selected     bool
}

// fieldView is a field as a form asks for it.
type fieldView struct {
	input
	Kept  string // the id of the file that is there
	File  models.Attachment
	Table *tableView
}

// tableView is a table as a form asks for it.
type tableView struct {
	RowHead string
	Columns []string
	Rows    []rowView
	Free    bool
	Paste   string
}

// rowView is a row of inputs; one of a free table has no title.
type rowView struct {
	Title, Stated string
	Cells         []input
}

// formView builds the inputs of a step.
type formView struct {
	language models.Language
	today    calendar.Date
	about    workflows.Case
	stored   workflows.Form // what is on record
	entered  *entry         // what was entered and refused, nil if nothing was
	problems []workflows.FieldProblem
	person   int64 // who fills the form in, and
	instance int64 // where: whose files may be named
}

// inYuan says what is wrong with an amount as people type it: the engine takes
// them in 分.
func inYuan(problem string) string {
	return strings.ReplaceAll(problem, "应为以分计的整数", "应为以元计的金额，如 5,000.00")
}

// field is one field of the form, with what was entered or is on record.
func (v formView) field(f workflows.Field) fieldView {
	fv := fieldView{input: v.input(f, f.Name, "f-"+f.Name)}
	for _, p := range v.problems {
		if p.Field == f.Name {
			fv.Problems = append(fv.Problems, inYuan(p.Message))
		}
	}
	switch f.Type {
	case workflows.FieldTable:
		fv.Table = v.table(f)
	case workflows.FieldFile:
		fv.Kept = v.stored[f.Name]
		if v.entered != nil {
			fv.Kept = v.entered.kept(f.Name)
		}
	default:
		fv.Value = v.value(f, f.Name, v.stored[f.Name])
		v.choose(f, &fv.input)
	}
	return fv
}

// value is what stands in an input: what was entered, else what is stored.
func (v formView) value(f workflows.Field, name, stored string) string {
	if v.entered != nil {
		return v.entered.Get(name)
	}
	return typed(f, stored)
}

// typed returns a stored value as people type it.
func typed(f workflows.Field, stored string) string {
	if f.Type != workflows.FieldMoney || stored == "" {
		return stored
	}
	fen, err := strconv.ParseInt(stored, 10, 64)
	if err != nil {
		return stored
	}
	return yuan(money.Fen(fen))
}

func (v formView) input(f workflows.Field, name, id string) input {
	in := input{Name: name, ID: id, Label: f.Label.In(v.language), Type: f.Type, Required: f.Required}
	switch f.Type {
	case workflows.FieldText:
		limit, err := strconv.Atoi(f.Max)
		in.Long = err != nil || limit > shortText
		if err == nil {
			in.Hint = say(v.language, "form.at_most", limit)
		}
	case workflows.FieldMoney:
		in.Hint = say(v.language, "form.money")
	case workflows.FieldDate:
		in.Min = f.Min
		if f.Min == "today" {
			in.Min = v.today.String()
		}
	case workflows.FieldFile:
		in.Hint = say(v.language, "form.file", models.MaxAttachment>>20)
	default:
	}
	return in
}

// choose marks the option of a choice that holds.
func (v formView) choose(f workflows.Field, in *input) {
	for _, o := range f.Options {
		in.Options = append(in.Options, optionView{o.Value, o.Label.In(v.language), o.Value == in.Value})
	}
}

func (v formView) table(f workflows.Field) *tableView {
	t := &tableView{Free: f.RowsFrom == workflows.RowsFree, RowHead: rowHead(f.RowsFrom, v.language)}
	for _, c := range f.Columns {
		t.Columns = append(t.Columns, v.heading(c))
	}
	stored := f.Rows(v.stored[f.Name])
	if t.Free {
		rows := len(stored) + blankRows
		if v.entered != nil {
			t.Paste = v.entered.Get(f.Name + ".paste")
			rows = max(len(v.entered.rowKeys(f, v.about)), blankRows)
		}
		for i := range rows {
			var row []string
			if i < len(stored) {
				row = stored[i]
			}
			t.Rows = append(t.Rows, rowView{Cells: v.cells(f, strconv.Itoa(i), row)})
		}
		return t
	}
	byKey := map[string][]string{}
	for _, row := range stored {
		byKey[row[0]] = row
	}
	for _, g := range v.about.Rows(f.RowsFrom) {
		t.Rows = append(t.Rows, rowView{Title: g.Title, Stated: stated(f.RowsFrom, g, v.language), Cells: v.cells(f, g.Key, byKey[g.Key])})
	}
	return t
}

// heading is the label of a column, with the unit in which it is typed.
func (v formView) heading(column workflows.Field) string {
	label := column.Label.In(v.language)
	if column.Type == workflows.FieldMoney {
		return say(v.language, "titled", label, say(v.language, "yuan"))
	}
	return label
}

func (v formView) cells(f workflows.Field, key string, stored []string) []input {
	cells := make([]input, len(f.Columns))
	for i, c := range f.Columns {
		name := cellName(f.Name, key, c.Name)
		in := v.input(c, name, "f-"+strings.ReplaceAll(name, ".", "-"))
		in.Label = v.heading(c)
		in.Value = v.value(c, name, f.Cell(stored, c.Name))
		in.Required = c.Required && f.RowsFrom != workflows.RowsFree && f.Required
		v.choose(c, &in)
		cells[i] = in
	}
	return cells
}

// fields are all fields of a step, with the names of the files that are there.
func (s *server) fields(ctx context.Context, v formView, fields []workflows.Field) ([]fieldView, error) {
	views := make([]fieldView, len(fields))
	var ids []int64
	for i, f := range fields {
		views[i] = v.field(f)
		if id, err := strconv.ParseInt(views[i].Kept, 10, 64); err == nil {
			ids = append(ids, id)
		}
	}
	files, err := s.attachments(ctx, ids)
	for i := range views {
		id, _ := strconv.ParseInt(views[i].Kept, 10, 64) // 0 is no file
		a := files[id]
		if a.ID == 0 || a.InstanceID != v.instance && (a.InstanceID != 0 || a.UploadedBy != v.person) {
			views[i].Kept = "" // not theirs to name
			continue
		}
		views[i].File = a
	}
	return views, err
}

// flaw is one line of the summary of what is wrong with a form.
type flaw struct{ Anchor, Text string }

// flaws lists what is wrong, each with the place where it can be mended. A
// refusal that is about no field stands without one.
func flaws(e *workflows.Error, fields []fieldView, language models.Language) []flaw {
	if e == nil {
		return nil
	}
	var list []flaw
	for _, p := range e.Fields {
		anchor := ""
		for _, f := range fields {
			if f.Name == p.Field {
				anchor = "#" + f.ID
			}
		}
		list = append(list, flaw{anchor, inYuan(p.Message)})
	}
	switch {
	case len(list) > 0:
	case e.Code == codeWrong:
		list = append(list, flaw{"#code", e.Message})
	case e.Code == workflows.CodeReasonRequired:
		list = append(list, flaw{"#comment", wording(e, language)})
	default:
		list = append(list, flaw{"", wording(e, language)})
	}
	return list
}
