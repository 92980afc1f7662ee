package workflows

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"duban/models/calendar"
	"duban/models/money"
)

// RowSource says where the rows of a table (表格) come from.
type RowSource string

// The sources of rows.
const (
	RowsFree        RowSource = ""            // as many as the person enters (自由行)
	RowsIndicators  RowSource = "indicators"  // one for each indicator of the case (绩效指标)
	RowsCheckpoints RowSource = "checkpoints" // one for each checkpoint of its plan (支出计划时点)
)

const (
	maxRows  = 500      // of a table with free rows
	maxTable = 64 << 10 // bytes of a table, as it is entered and as it is stored
	maxFlaws = 20       // problems of one table that are listed
)

// Rows decodes the stored value of a table: a list of cells for each row, in
// the order of the columns. A cell is in the stored form of its column's type,
// "" if it is blank. Unless rows are free, the key of the row comes first. It
// returns nil for "", and for whatever cannot be a value of the table.
func (f Field) Rows(stored string) [][]string {
	rows, ok := decodeRows(stored)
	if !ok || slices.ContainsFunc(rows, func(row []string) bool { return len(row) != f.keys()+len(f.Columns) }) {
		return nil
	}
	return rows
}

// Cell returns what a row of [Field.Rows] has in a column, "" if there is no
// such column.
func (f Field) Cell(row []string, column string) string {
	i := slices.IndexFunc(f.Columns, func(c Field) bool { return c.Name == column })
	if i < 0 || f.keys()+i >= len(row) {
		return ""
	}
	return row[f.keys()+i]
}

// keys returns how many cells of a stored row stand before its columns.
func (f Field) keys() int {
	if f.RowsFrom == RowsFree {
		return 0
	}
	return 1
}

// limiter returns the number column before the i-th that bounds it: its
// maximum is the other's name.
func (f Field) limiter(i int) (int, bool) {
	j := slices.IndexFunc(f.Columns[:i], func(c Field) bool { return c.Type == FieldNumber && c.Name == f.Columns[i].Max })
	return j, j >= 0 && f.Columns[i].Type == FieldNumber
}

// decodeRows reads a list of lists of texts. Nothing is the empty list.
func decodeRows(s string) (rows [][]string, ok bool) {
	s = strings.TrimSpace(s)
	if s == "" {
		return nil, true
	}
	if !strings.HasPrefix(s, "[") || json.Unmarshal([]byte(s), &rows) != nil {
		return nil, false
	}
	return rows, true
}

// encodeRows returns the one way in which a table is written, "" for no rows.
func encodeRows(rows [][]string) string {
	if len(rows) == 0 {
		return ""
	}
	b, err := json.Marshal(rows)
	if err != nil {
		panic(err) // impossible: strings can always be written
	}
	return string(b)
}

// readTable turns an entered table into its stored form, or says all that is
// wrong. Given are the rows that it must have, unless its rows are free.
func (f Field) readTable(s string, given []CaseRow, today calendar.Date) (stored string, problems []string) {
	r := tableReader{field: f, given: given, today: today}
	stored = encodeRows(r.rows(s))
	if len(stored) > maxTable {
		r.fail("", "内容过多，应不超过 %d KB", maxTable>>10)
	}
	if more := len(r.problems) - maxFlaws; more > 0 {
		r.problems = r.problems[:maxFlaws]
		r.fail("", "另有 %d 处问题", more)
	}
	if len(r.problems) > 0 {
		return "", r.problems
	}
	return stored, nil
}

// tableReader reads one entered table and collects what is wrong with it.
type tableReader struct {
	field    Field
	given    []CaseRow
	today    calendar.Date
	pasted   string // what separates the cells of pasted text, whose amounts are in 元
	problems []string
}

// fail records a problem of a place in the table, "" for the table as a whole.
func (r *tableReader) fail(at, format string, args ...any) {
	where := strings.TrimSpace(r.field.Label.Chinese + " " + at)
	r.problems = append(r.problems, where+"："+fmt.Sprintf(format, args...))
}

func (r *tableReader) rows(s string) [][]string {
	if len(s) > maxTable || !utf8.ValidString(s) {
		r.fail("", "含有无法识别的字符，或超过 %d KB", maxTable>>10)
		return nil
	}
	entered, ok := decodeRows(s)
	switch {
	case !ok && (r.field.RowsFrom != RowsFree || strings.HasPrefix(strings.TrimSpace(s), "[[")):
		r.fail("", "应为由行组成的列表")
		return nil
	case r.field.RowsFrom != RowsFree:
		return r.fixed(entered)
	case !ok:
		entered = r.paste(s)
	}
	return r.free(entered)
}

// paste splits what was copied from a spreadsheet: a row a line, and cells
// between tabs, or between commas if there is no tab at all. Cells that are
// missing at the end of a line are blank.
func (r *tableReader) paste(s string) [][]string {
	r.pasted = "\t"
	if !strings.Contains(s, r.pasted) {
		r.pasted = ","
		s = strings.ReplaceAll(s, "，", r.pasted)
	}
	n := len(r.field.Columns)
	var rows [][]string
	for line := range strings.SplitSeq(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s), "\n") {
		cells := strings.Split(line, r.pasted)
		for len(cells) > n && strings.TrimSpace(cells[len(cells)-1]) == "" {
			cells = cells[:len(cells)-1]
		}
		for len(cells) < n {
			cells = append(cells, "")
		}
		rows = append(rows, cells)
	}
	return rows
}

// free reads the rows of a table that may have any. Blank ones do not count,
// nor those with nothing but a dash for an amount.
func (r *tableReader) free(entered [][]string) [][]string {
	var rows [][]string
	for i, cells := range entered {
		if allBlank(cells) {
			continue
		}
		if row := r.row(fmt.Sprintf("第 %d 行", i+1), cells); !allBlank(row) {
			rows = append(rows, row)
		}
	}
	if len(rows) > maxRows {
		r.fail("", "最多 %d 行，现有 %d 行", maxRows, len(rows))
	}
	return rows
}

// fixed reads the rows of a table that must have those given, in any order. A
// table without a cell that is filled in is none.
func (r *tableReader) fixed(entered [][]string) [][]string {
	if len(entered) == 0 {
		return nil
	}
	byKey := r.byKey(entered)
	filled := slices.ContainsFunc(entered, func(row []string) bool { return len(row) > 0 && !allBlank(row[1:]) })
	if len(r.problems) > 0 || !filled {
		return nil
	}
	rows := make([][]string, len(r.given))
	for i, g := range r.given {
		rows[i] = append([]string{g.Key}, r.row(fmt.Sprintf("第 %d 行（%s）", i+1, g.Title), byKey[g.Key])...)
	}
	return rows
}

// byKey returns the cells of each row, and requires every given row once.
func (r *tableReader) byKey(entered [][]string) map[string][]string {
	byKey := make(map[string][]string, len(entered))
	for i, row := range entered {
		at := fmt.Sprintf("第 %d 行", i+1)
		if len(row) == 0 || !slices.ContainsFunc(r.given, func(g CaseRow) bool { return g.Key == row[0] }) {
			r.fail(at, "不是表中应有的行")
			continue
		}
		if _, seen := byKey[row[0]]; seen {
			r.fail(at, "这一行重复")
		}
		byKey[row[0]] = row[1:]
	}
	for i, g := range r.given {
		if _, ok := byKey[g.Key]; !ok {
			r.fail(fmt.Sprintf("第 %d 行（%s）", i+1, g.Title), "缺少这一行")
		}
	}
	return byKey
}

// halves is an amount such as 5,000.00 that a comma has cut into two cells: it
// must not be taken for 5 元.
var halves = regexp.MustCompile(`^\s*[+-]?\d{1,3}\s*,\s*\d{3}(\.\d+)?\s*$`)

// row reads the cells of one row.
func (r *tableReader) row(at string, entered []string) []string {
	columns := r.field.Columns
	if len(entered) != len(columns) {
		labels := make([]string, len(columns))
		for i, c := range columns {
			labels[i] = c.Label.Chinese
		}
		r.fail(at, "应有 %d 列（%s），现有 %d 列", len(columns), strings.Join(labels, "、"), len(entered))
		return nil
	}
	cells := make([]string, len(columns))
	for i, c := range columns {
		if r.pasted == "," && c.Type == FieldMoney && halves.MatchString(strings.Join(entered[i:min(i+2, len(entered))], ",")) {
			r.fail(at+"“"+c.Label.Chinese+"”", "像是被逗号分成两格的金额，请去掉千位分隔符")
			return nil
		}
		if j, ok := r.field.limiter(i); ok {
			c.Max = cells[j] // stands before it, so it has been read
		}
		cell, problem := r.cell(c, entered[i])
		if problem != "" {
			r.fail(at+"“"+c.Label.Chinese+"”", "%s", problem)
		}
		cells[i] = cell
	}
	return cells
}

// cell reads one cell.
func (r *tableReader) cell(c Field, s string) (stored, problem string) {
	if r.pasted != "" && c.Type == FieldMoney {
		if s, problem = fen(s); problem != "" {
			return "", problem
		}
	}
	stored, problem = c.read(s, r.today)
	if stored == "" && problem == "" && c.Required {
		problem = "必填"
	}
	return stored, problem
}

// fen turns an amount in 元, as a spreadsheet shows it, into the 分 of a form.
func fen(s string) (entered, problem string) {
	if money.IsBlank(s) {
		return "", ""
	}
	v, err := money.Parse(s, money.Yuan)
	if err != nil {
		return "", "应为以元计的金额，如 5,000.00"
	}
	return strconv.FormatInt(int64(v), 10), ""
}

func allBlank(cells []string) bool {
	return !slices.ContainsFunc(cells, func(s string) bool { return strings.TrimSpace(s) != "" })
}
