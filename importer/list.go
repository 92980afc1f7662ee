package importer

import (
	"slices"
	"strings"

	"duban/models/money"
)

// listLayout describes a list with one record a row: what its columns are
// called, which it needs, and what its template says about them.
type listLayout struct {
	sheet    string // the template's sheet
	columns  []listColumn
	required [][]string // of each group at least one column
}

// listColumn is one column of a list.
type listColumn struct {
	name    string
	aliases []string // what else it is called
	example string
	note    string
}

// list is a list as read, before its cells are interpreted.
type list struct {
	titles  []string // what stands above the heading row
	header  []string
	records []record
}

// record is a row with the columns of the heading row above it.
type record struct {
	row
	columns map[string]listPosition
}

// get returns the record's cell in a column, blank if there is no such column.
func (r record) get(name string) cell {
	at, ok := r.columns[name]
	if !ok || at.col >= len(r.cells) {
		return cell{}
	}
	return r.cells[at.col]
}

// text is get for words, and for codes that a worksheet shows as 1.2E+11.
func (r record) text(name string) string {
	c := r.get(name)
	if c.exact != "" && strings.Contains(c.text, "E+") {
		return c.exact
	}
	return c.text
}

// reject returns the record as one that was not taken.
func (r record) reject(reasons []string) Rejected {
	return Rejected{Line: r.line, Cells: texts(r.row), Reason: strings.Join(reasons, "；")}
}

// listPosition is where a column is, and the unit of money in its heading.
type listPosition struct {
	col  int
	unit money.Unit
}

// exampleMark begins a cell of a template's example row, which is no record.
const exampleMark = "示例行"

// totalWords are what a row that adds up others begins with.
var totalWords = []string{"合计", "小计", "总计", "本页合计", "累计"}

// read finds the heading row by its words, below any titles, and returns the
// rows under it. Sheets without such a row hold something else and are left.
func (l listLayout) read(s source) (*list, error) {
	found := &list{}
	var nearest missingColumns
	var columns map[string]listPosition // of the current sheet
	var sheet string
	err := s.rows(func(in row) error {
		if in.sheet != sheet {
			sheet, columns = in.sheet, nil
		}
		heading, missing := l.heading(in)
		switch {
		case heading != nil:
			columns = heading
			if found.header == nil {
				found.header = texts(in)
			}
		case columns == nil:
			found.titles = append(found.titles, texts(in)...)
			nearest.consider(in, missing)
		case !isAside(in):
			found.records = append(found.records, record{in, columns})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if found.header == nil {
		return nil, &Error{
			File: s.name, Sheet: nearest.at.sheet, Line: nearest.at.line, Code: ErrHeaderMissing,
			Expected: "一行表头，含有" + l.needs(nearest.groups),
		}
	}
	return found, nil
}

// heading returns where a row's columns are if it is a heading row, or else
// the groups of columns that it lacks.
func (l listLayout) heading(in row) (map[string]listPosition, [][]string) {
	var columns map[string]listPosition
	for col, c := range in.cells {
		name, unit := l.column(c.text)
		if name == "" {
			continue
		}
		if columns == nil {
			columns = map[string]listPosition{}
		}
		if _, twice := columns[name]; !twice {
			columns[name] = listPosition{col, unit}
		}
	}
	var missing [][]string
	for _, group := range l.required {
		if !slices.ContainsFunc(group, func(name string) bool { _, ok := columns[name]; return ok }) {
			missing = append(missing, group)
		}
	}
	if len(missing) > 0 {
		return nil, missing
	}
	return columns, nil
}

// column returns which column a heading names.
func (l listLayout) column(text string) (string, money.Unit) {
	if text == "" || len(text) > maxLabelBytes {
		return "", 0
	}
	word := strings.ToLower(strings.Trim(money.Clean(text), ":*"))
	var unit money.Unit
	if m := remark.FindStringSubmatch(word); m != nil {
		word, unit = m[1], unitNamed(m[2])
	}
	for _, c := range l.columns {
		if word == c.name || slices.Contains(c.aliases, word) {
			return c.name, unit
		}
	}
	return "", 0
}

// needs lists the columns that a heading row must have.
func (l listLayout) needs(groups [][]string) string {
	if groups == nil {
		groups = l.required
	}
	var words []string
	for _, group := range groups {
		words = append(words, "“"+strings.Join(group, "”或“")+"”")
	}
	return strings.Join(words, "、")
}

// missingColumns remembers the row that came nearest to a heading row.
type missingColumns struct {
	at     place
	groups [][]string
}

func (m *missingColumns) consider(in row, missing [][]string) {
	if len(in.cells) > 1 && (m.groups == nil || len(missing) < len(m.groups)) {
		m.at, m.groups = place{in.sheet, in.line}, missing
	}
}

// isAside reports whether a row is a total or a template's example.
func isAside(in row) bool {
	first := money.Clean(in.cells[in.first()].text)
	if slices.Contains(totalWords, strings.TrimSuffix(first, ":")) {
		return true
	}
	return slices.ContainsFunc(in.cells, func(c cell) bool { return strings.HasPrefix(c.text, exampleMark) })
}

func texts(in row) []string {
	var all []string
	for _, c := range in.cells {
		all = append(all, c.text)
	}
	return all
}
