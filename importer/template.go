package importer

import (
	"fmt"
	"io"
	"strings"

	"github.com/xuri/excelize/v2"
)

// templates are the lists that can be filled in, by kind.
var templates = map[string]listLayout{
	"payments":    paymentLayout,
	"people":      peopleLayout,
	"assignments": assignmentLayout,
	"holidays":    holidayLayout,
}

func templateOf(kind string) (listLayout, error) {
	layout, ok := templates[kind]
	if !ok {
		return listLayout{}, fmt.Errorf("没有“%s”的模板；应为 payments、people、assignments 或 holidays", kind)
	}
	return layout, nil
}

// exampleNote stands at the end of a template's example row.
const exampleNote = exampleMark + "，导入时忽略"

// Template writes an empty list of the given kind (payments, people,
// assignments or holidays) as a workbook: the heading row, an example, and a sheet that
// explains the columns.
func Template(kind string, w io.Writer) error {
	layout, err := templateOf(kind)
	if err != nil {
		return err
	}
	book := excelize.NewFile()
	defer func() { _ = book.Close() }()
	if err := layout.fill(book); err != nil {
		return fmt.Errorf("生成模板 %s：%w", kind, err)
	}
	if err := book.Write(w); err != nil {
		return fmt.Errorf("写模板 %s：%w", kind, err)
	}
	return nil
}

// TemplateCSV writes the heading row and the example of Template as CSV.
func TemplateCSV(kind string, w io.Writer) error {
	layout, err := templateOf(kind)
	if err != nil {
		return err
	}
	header, example := layout.rows()
	return WriteCSV(w, [][]string{header, example})
}

// rows returns the heading row and the example row.
func (l listLayout) rows() (header, example []string) {
	for _, c := range l.columns {
		header = append(header, c.name)
		example = append(example, c.example)
	}
	return append(header, "备注"), append(example, exampleNote)
}

func (l listLayout) fill(book *excelize.File) error {
	header, example := l.rows()
	var notes [][]string
	for _, c := range l.columns {
		notes = append(notes, []string{c.name, l.need(c.name), c.note, strings.Join(c.aliases, "、")})
	}
	if err := book.SetSheetName(book.GetSheetName(0), l.sheet); err != nil {
		return err
	}
	if err := writeSheet(book, l.sheet, 20, append([][]string{header}, example)); err != nil {
		return err
	}
	const guide = "填写说明"
	if _, err := book.NewSheet(guide); err != nil {
		return err
	}
	head := []string{"栏目", "必填", "说明", "表头也可以写作"}
	return writeSheet(book, guide, 40, append([][]string{head}, notes...))
}

// need says whether a column must be there.
func (l listLayout) need(name string) string {
	for _, group := range l.required {
		for _, member := range group {
			if member == name && len(group) == 1 {
				return "是"
			} else if member == name {
				return "至少一项"
			}
		}
	}
	return "否"
}

// writeSheet writes rows as text, so that codes and dates stay as typed, with
// the first row bold and kept in view.
func writeSheet(book *excelize.File, sheet string, width float64, rows [][]string) error {
	const asText = 49 // the built-in number format @
	text, err := book.NewStyle(&excelize.Style{NumFmt: asText})
	if err != nil {
		return err
	}
	bold, err := book.NewStyle(&excelize.Style{NumFmt: asText, Font: &excelize.Font{Bold: true}})
	if err != nil {
		return err
	}
	last, err := excelize.ColumnNumberToName(len(rows[0]))
	if err != nil {
		return err
	}
	if err := book.SetColStyle(sheet, "A:"+last, text); err != nil {
		return err
	}
	if err := book.SetColWidth(sheet, "A", last, width); err != nil {
		return err
	}
	for i, cells := range rows {
		if err := book.SetSheetRow(sheet, fmt.Sprintf("A%d", i+1), &cells); err != nil {
			return err
		}
	}
	if err := book.SetRowStyle(sheet, 1, 1, bold); err != nil {
		return err
	}
	return book.SetPanes(sheet, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
}
