package importer

import "fmt"

// AssignmentSheet is what one list of who answers for which project (项目分工)
// says.
type AssignmentSheet struct {
	FileName string
	SHA256   string // of the bytes, hexadecimal
	Header   []string
	Rows     []AssignmentRow
	Rejected []Rejected
}

// AssignmentRow names the people of one project, each by account or name. One
// of the two may be blank: it stays as it is.
type AssignmentRow struct {
	Line        int
	Cells       []string // as found
	FiscalYear  int      // 0 if not stated
	ProjectCode string
	Owner       string // 经办人
	Manager     string // 科室负责人
}

const (
	colOwner   = "经办人"
	colManager = "科室负责人"
)

var assignmentLayout = listLayout{
	sheet:    "项目分工",
	required: [][]string{{colCode}, {colOwner, colManager}},
	columns: []listColumn{
		{colCode, []string{"项目代码", "项目编号"}, "13020025P00000000001A", "与绩效目标表上的编码相同"},
		{colName, []string{"项目"}, "会议费", "供核对，可以不填"},
		{colOwner, []string{"项目负责人", "负责人", "项目经办人"}, "zhangsan", "账号，或者没有重名的姓名"},
		{colManager, []string{"部门负责人", "科室负责人账号"}, "lisi", "账号，或者没有重名的姓名"},
		{colYear, []string{"预算年度"}, "2025", "可以不填"},
	},
}

// ReadAssignments reads who answers for which project. A row that cannot be
// read is rejected with the reason; the others stand.
func ReadAssignments(name string, data []byte) (*AssignmentSheet, error) {
	found, err := assignmentLayout.read(source{name, data})
	if err != nil {
		return nil, err
	}
	sheet := &AssignmentSheet{FileName: name, SHA256: fingerprint(data), Header: found.header}
	seen := map[string]int{}
	for _, r := range found.records {
		a, reasons := r.assignment()
		key := fmt.Sprint(a.FiscalYear, " ", a.ProjectCode)
		if first, used := seen[key]; used && a.ProjectCode != "" {
			reasons = append(reasons, fmt.Sprintf("项目编码“%s”在第 %d 行已经有了", a.ProjectCode, first))
		}
		if len(reasons) > 0 {
			sheet.Rejected = append(sheet.Rejected, r.reject(reasons))
			continue
		}
		seen[key] = a.Line
		sheet.Rows = append(sheet.Rows, a)
	}
	return sheet, nil
}

// assignment reads one record, or says why it cannot.
func (r record) assignment() (AssignmentRow, []string) {
	a := AssignmentRow{Line: r.line, Cells: texts(r.row), ProjectCode: r.text(colCode), Owner: r.text(colOwner), Manager: r.text(colManager)}
	var reasons []string
	if a.ProjectCode == "" {
		reasons = append(reasons, "没有项目编码")
	}
	if a.Owner == "" && a.Manager == "" {
		reasons = append(reasons, "没有经办人，也没有科室负责人")
	}
	var ok bool
	if a.FiscalYear, ok = yearIn(r.text(colYear)); !ok {
		reasons = append(reasons, fmt.Sprintf("年度“%s”不能读作年度，应如 2025", r.text(colYear)))
	}
	return a, reasons
}
