package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
	"duban/workflows"
)

const (
	maxForm  = 1 << 20                        // bytes of a form without files
	maxFiles = 2*models.MaxAttachment + 1<<20 // bytes of one with files
	maxCells = 600                            // rows of a table that are read; the engine takes fewer
)

// entry is what somebody entered in a form, exactly as they did, so that a
// page can come back with it.
type entry struct {
	url.Values
	files map[string]int64 // uploaded with the form, by field
	// problems are what is wrong with the files: the engine never sees those.
	problems []workflows.FieldProblem
}

// readEntry reads a posted form. Its files are not stored yet.
func readEntry(c *gin.Context) (*entry, error) {
	limit := int64(maxForm)
	media, _, _ := mime.ParseMediaType(c.GetHeader("Content-Type")) // an odd one is no form, and carries nothing
	multipart := media == "multipart/form-data"
	if multipart {
		limit = maxFiles
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, limit)
	err := c.Request.ParseForm()
	if multipart && err == nil {
		err = c.Request.ParseMultipartForm(maxForm)
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, &pageError{status: http.StatusRequestEntityTooLarge, text: "error.too_large", args: []any{models.MaxAttachment >> 20}}
	case err != nil:
		return nil, &pageError{status: http.StatusBadRequest, text: "error.bad_form"}
	}
	return &entry{Values: c.Request.PostForm, files: map[string]int64{}}, nil
}

// number reads a positive number, 0 for anything else.
func (e *entry) number(name string) int64 {
	n, err := strconv.ParseInt(e.Get(name), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// numbers reads all positive numbers of one name.
func (e *entry) numbers(name string) []int64 {
	var all []int64
	for _, v := range e.Values[name] {
		if n, err := strconv.ParseInt(v, 10, 64); err == nil && n > 0 {
			all = append(all, n)
		}
	}
	return all
}

// date reads a date, zero for anything else.
func (e *entry) date(name string) calendar.Date {
	d, err := calendar.ParseDate(strings.TrimSpace(e.Get(name)))
	if err != nil {
		return calendar.Date{}
	}
	return d
}

// fieldsAt returns the fields that are entered at a step.
func fieldsAt(def workflows.Definition, step string) []workflows.Field {
	var fields []workflows.Field
	for _, f := range def.Form {
		if !f.Computed() && def.FilledAt(f.Name) == step {
			fields = append(fields, f)
		}
	}
	return fields
}

// form returns the values of the given fields as the engine takes them. Each
// is there, so that one that was cleared is cleared.
func (e *entry) form(fields []workflows.Field, about workflows.Case) workflows.Form {
	form := workflows.Form{}
	for _, f := range fields {
		switch f.Type {
		case workflows.FieldTable:
			form[f.Name] = e.table(f, about)
		case workflows.FieldFile:
			form[f.Name] = e.kept(f.Name)
		default:
			form[f.Name] = scalar(f, e.Get(f.Name))
		}
	}
	return form
}

// kept returns the id of a field's file: the one uploaded now, else the one
// that was there, unless it is to go.
func (e *entry) kept(field string) string {
	switch {
	case e.files[field] != 0:
		return strconv.FormatInt(e.files[field], 10)
	case e.Get(field+".drop") != "":
		return ""
	}
	return e.Get(field + ".kept")
}

// unreadable is no value of any type, so that the engine refuses the field
// together with all others that are wrong.
const unreadable = "×"

// scalar turns what people type into what the engine takes: amounts are typed
// in 元 and stored in 分.
func scalar(f workflows.Field, typed string) string {
	switch f.Type {
	case workflows.FieldMoney:
		if money.IsBlank(typed) {
			return ""
		}
		fen, err := money.Parse(typed, money.Yuan)
		if err != nil {
			return unreadable
		}
		return strconv.FormatInt(int64(fen), 10)
	case workflows.FieldNumber:
		return money.Clean(typed)
	default:
		return typed
	}
}

// table returns a table as the engine takes it: what was pasted, else the
// cells that were filled in.
func (e *entry) table(f workflows.Field, about workflows.Case) string {
	if pasted := e.Get(f.Name + ".paste"); strings.TrimSpace(pasted) != "" {
		return pasted
	}
	var rows [][]string
	for _, key := range e.rowKeys(f, about) {
		var row []string
		if f.RowsFrom != workflows.RowsFree {
			row = append(row, key)
		}
		for _, column := range f.Columns {
			row = append(row, scalar(column, e.Get(cellName(f.Name, key, column.Name))))
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return ""
	}
	b, err := json.Marshal(rows)
	if err != nil {
		panic(err) // impossible: strings can always be written
	}
	return string(b)
}

// rowKeys returns the keys of the rows that were posted: those of the case, or
// numbers from 0.
func (e *entry) rowKeys(f workflows.Field, about workflows.Case) []string {
	var keys []string
	if f.RowsFrom != workflows.RowsFree {
		for _, row := range about.Rows(f.RowsFrom) {
			keys = append(keys, row.Key)
		}
		return keys
	}
	rows := 0
	for i := range maxCells {
		key := strconv.Itoa(i)
		keys = append(keys, key)
		if slices.ContainsFunc(f.Columns, func(c workflows.Field) bool { return e.Has(cellName(f.Name, key, c.Name)) }) {
			rows = i + 1
		}
	}
	return keys[:rows]
}

// cellName is the name of a cell's input: actuals.1.actual.
func cellName(table, key, column string) string { return table + "." + key + "." + column }

// upload stores the files that came with a form, as the person's own. They
// belong to no instance until the form is accepted.
func (s *server) upload(c *gin.Context, e *entry, fields []workflows.Field, person models.User, language models.Language) error {
	for _, f := range fields {
		if f.Type != workflows.FieldFile || c.Request.MultipartForm == nil {
			continue
		}
		headers := c.Request.MultipartForm.File[f.Name]
		if len(headers) == 0 || headers[0].Size == 0 {
			continue
		}
		if headers[0].Size > models.MaxAttachment {
			e.problems = append(e.problems, workflows.FieldProblem{
				Field: f.Name, Message: f.Label.In(language) + say(language, "colon") + say(language, "form.too_large", models.MaxAttachment>>20),
			})
			continue
		}
		file, err := headers[0].Open()
		if err != nil {
			return fmt.Errorf("read an upload: %w", err)
		}
		content, err := io.ReadAll(file)
		if err = errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("read an upload: %w", err)
		}
		a := models.Attachment{Name: fileName(headers[0].Filename), MediaType: mediaType(content), UploadedBy: person.ID, Content: content}
		err = s.Store.Tx(c.Request.Context(), person.Account, func(tx *models.Tx) error {
			a.ID = 0 // of an attempt that was rolled back
			return tx.AddAttachment(&a)
		})
		if errors.Is(err, models.ErrTooManyFiles) {
			e.problems = append(e.problems, workflows.FieldProblem{
				Field: f.Name, Message: f.Label.In(language) + say(language, "colon") + say(language, "form.too_many_files"),
			})
			continue
		}
		if err != nil {
			return err
		}
		e.files[f.Name] = a.ID
	}
	return nil
}
