package workflows_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"duban/workflows"
)

// tables writes the fields of a random definition that have rows, and their
// sums; often there are none.
func (d *dice) tables() string {
	if d.chance(40) {
		return ""
	}
	return fmt.Sprintf(`  - name: items
    label: {zh: 明细, en: Items}
    type: table
    required: true
    columns:
      - {name: name, label: {zh: 名称, en: Name}, type: text, required: true}
      - {name: amount, label: {zh: 金额, en: Amount}, type: money, required: %t}
  - {name: total, label: {zh: 合计, en: Total}, type: money, sum: items.amount}
  - name: marks
    label: {zh: 打分, en: Marks}
    type: table
    required: %t
%s    columns:
      - {name: weight, label: {zh: 分值, en: Weight}, type: number, min: 0, max: 100}
      - {name: mark, label: {zh: 得分, en: Mark}, type: number, required: true, max: weight}
  - {name: mark, label: {zh: 总分, en: Total mark}, type: number, sum: marks.mark, max: 150}
`, d.chance(50), d.chance(50), pick(d, "    rows: indicators\n", "    rows: checkpoints\n", ""))
}

// fills returns what a step of the definition so far can fill in.
func (d *dice) fills(source string) string {
	if strings.Contains(source, "name: marks") && d.chance(50) {
		return "checked, marks"
	}
	return "checked"
}

// amount returns an amount of the definition so far that a condition can ask for.
func (d *dice) amount(source string) string {
	if strings.Contains(source, "name: total") && d.chance(50) {
		return "total"
	}
	return "amount"
}

func (d *dice) caseRows() []workflows.CaseRow {
	rows := make([]workflows.CaseRow, d.roll(4))
	for i := range rows {
		rows[i] = workflows.CaseRow{Key: strconv.Itoa(i + 1), Title: fmt.Sprintf("指标%d", i+1), Stated: pick(d, "", "≥4次")}
	}
	return rows
}

// table enters a table, sometimes wrongly.
func (d *dice) table(f workflows.Field, about workflows.Case) string {
	if f.Name == "items" {
		if d.chance(20) {
			return pick(d, "", "[]", `[["办公",""]]`, "不是\t表格", `[["多",1]]`, `[["甲","500000000000000"],["乙","500000000000001"]]`)
		}
		return pick(d, `[["办公","1000"]]`, `[["办公"," +1"],["",""],["会议","998"]]`, "办公\t5,000.00\r\n\r\n会议\t-0.01", "办公,９.99")
	}
	rows := [][]string{}
	for i, key := range rowKeys(f, about) {
		rows = append(rows, append(key, pick(d, "60", "100.50", ""), pick(d, "59.5", "0", "", strconv.Itoa(i))))
	}
	if len(rows) > 0 && d.chance(20) {
		rows = append(rows[1:], pick(d, rows[0], []string{"9", "1", "1"}, nil))
	}
	return written(rows)
}

// rowKeys returns the beginning of each row of a table: the keys of the case,
// or two rows without.
func rowKeys(f workflows.Field, about workflows.Case) [][]string {
	if f.RowsFrom == workflows.RowsFree {
		return [][]string{{}, {}}
	}
	var keys [][]string
	for _, row := range about.Rows(f.RowsFrom) {
		keys = append(keys, []string{row.Key})
	}
	return keys
}

func written(rows [][]string) string {
	b, err := json.Marshal(rows)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// fillable returns the fields that are entered at a step.
func fillable(def workflows.Definition, step string) []workflows.Field {
	var fields []workflows.Field
	for _, f := range def.Form {
		at := workflows.ApplyStep
		for _, s := range def.Steps {
			if slices.Contains(s.Fills, f.Name) {
				at = s.ID
			}
		}
		if at == step && !f.Computed() {
			fields = append(fields, f)
		}
	}
	return fields
}

// wellFilled is what a person who makes no mistakes enters at a step.
func (g *game) wellFilled(step string) workflows.Form {
	form := workflows.Form{}
	for _, f := range fillable(g.def, step) {
		switch f.Name {
		case "amount", "checked":
			form[f.Name] = "999"
		case "items":
			form[f.Name] = `[["办公","999"]]`
		case "marks":
			rows := [][]string{}
			for _, key := range rowKeys(f, g.state.Case) {
				rows = append(rows, append(key, "10", "9.5"))
			}
			form[f.Name] = written(rows)
		}
	}
	return form
}

// checkTables recounts the sums of a form, and requires one way to write a
// table, with the rows of the case.
func (g *game) checkTables(s workflows.State) {
	g.Helper()
	for _, f := range g.def.Form {
		stored, filled := s.Form[f.Name]
		if f.Type == workflows.FieldTable && filled {
			rows := f.Rows(stored)
			if written(rows) != stored || len(rows) == 0 {
				g.Errorf("%s is stored as %q", f.Name, stored)
			}
			for i, given := range s.Case.Rows(f.RowsFrom) {
				if rows[i][0] != given.Key {
					g.Errorf("row %d of %s is %q; want %s", i, f.Name, rows[i], given.Key)
				}
			}
		}
		if f.Computed() {
			g.checkSum(f, s.Form)
		}
	}
}

func (g *game) checkSum(f workflows.Field, form workflows.Form) {
	g.Helper()
	name, column, _ := strings.Cut(f.Sum, ".")
	table, _ := g.def.Field(name)
	want := new(big.Rat)
	rows := table.Rows(form[name])
	for _, row := range rows {
		if cell, ok := new(big.Rat).SetString(table.Cell(row, column)); ok {
			want.Add(want, cell)
		}
	}
	stored, filled := form[f.Name]
	got, ok := new(big.Rat).SetString(stored)
	if filled != (len(rows) > 0) || filled && (!ok || got.Cmp(want) != 0) {
		g.Errorf("%s is %q; want %s", f.Name, stored, want)
	}
}

// checkReschedule requires that nothing but the clock of one task changes.
func (g *game) checkReschedule(a workflows.Action, next workflows.State) {
	g.Helper()
	want, _ := g.state.Task(a.Task)
	got, _ := next.Task(a.Task)
	if a.By != admin || want.State != workflows.TaskOpen || got.DueOn != a.DueOn || got.Overdue {
		g.Errorf("%d rescheduled a task that was %s to %s", a.By, want.State, got.DueOn)
	}
	want.DueOn, want.Rung, want.Overdue = got.DueOn, got.Rung, got.Overdue
	if fmt.Sprint(got) != fmt.Sprint(want) || next.Outcome != "" || len(next.Passed) != len(g.state.Passed) {
		g.Errorf("rescheduling made it %+v", got)
	}
}
