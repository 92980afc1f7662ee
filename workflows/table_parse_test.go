package workflows_test

import (
	"strings"
	"testing"

	"duban/workflows"
)

func TestEveryProblemOfATableIsFound(t *testing.T) {
	for _, tc := range []struct{ name, old, replacement, want string }{
		{"a table without columns", "type: table", "type: text", "form[1].columns：table 类型应有列，其他类型不应有"},
		{"rows of a text", "type: money, sum: items.amount", "type: money, rows: indicators, sum: items.amount", "form[2].rows：只用于 table 类型"},
		{"rows of something else", "    required: true\n", "    rows: payments\n", "form[1].rows：“payments”应为 indicators、checkpoints 之一"},
		{"a table in a table", "type: date", "type: table", "form[1].columns[3].type：“table”应为 text、number、money、date、choice 之一"},
		{"a file in a table", "type: date", "type: file", "form[1].columns[3].type：“file”应为 text、number、money、date、choice 之一"},
		{"two columns of one name", "name: code", "name: amount", "form[1].columns[2].name：字段 amount 重复"},
		{"a sum in a table", "type: date", "type: date, sum: items.amount", "form[1].columns[3].sum：没有这一项，可用：label、max、min、name、options、required、type"},
		{"a column's bound that is none", "max: 4", "max: code", "form[1].columns[1].max：“code”不适用于 text 类型"},
		{"a bound behind the column", "type: date}", "type: number, max: on}", "form[1].columns[3].max：“on”不适用于 number 类型"},
		{"a bound of a table", "    required: true\n", "    max: 5\n", "form[1].max：“5”不适用于 table 类型"},
		{"a sum of nothing", "items.amount", "items.x", "form[2].sum：“items.x”不是表格的列，应写作 表格.列"},
		{"a sum of no table", "items.amount", "amount", "form[2].sum：“amount”不是表格的列，应写作 表格.列"},
		{"a sum of another type", "money, sum", "number, sum", "form[2].sum：items.amount 的类型是 money，合计与它应同为 money 或 number"},
		{"a sum of dates", "type: money, sum: items.amount, max: 100万元", "type: date, sum: items.on", "form[2].sum：items.on 的类型是 date，合计与它应同为 money 或 number"},
		{"a sum that is required", "sum: items.amount", "required: true, sum: items.amount", "form[2].required：自动合计的字段不写 required"},
		{"a sum that is filled in", "who: [manager]", "who: [manager], fills: [total]", "fills[1]：字段 total 自动合计，不由人填写"},
		{"a condition on a table", "total != budget", `items != ""`, "when：条件无法解析：unknown name items (1:1)"},
		{"a condition on the sum of what may be blank", "    required: true\n", "", "when：字段 total 应为必填，且由填报或之前的必经步骤填写"},
		{"a condition on the sum of what is filled in later", `who: ["role:leader"]`, `who: ["role:leader"], fills: [items]`, "when：字段 total 应为必填，且由填报或之前的必经步骤填写"},
	} {
		t.Run(tc.name, func(t *testing.T) { requireProblem(t, list, tc.old, tc.replacement, tc.want) })
	}
}

// requireProblem changes one thing of a definition, and requires a problem
// that ends as given.
func requireProblem(t *testing.T, source, old, replacement, want string) {
	t.Helper()
	changed := strings.Replace(source, old, replacement, 1)
	if changed == source {
		t.Fatal("the case changes nothing")
	}
	_, err := workflows.Parse(changed)
	if err == nil {
		t.Fatal("it was accepted")
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if strings.HasSuffix(line, "，"+want) && strings.HasPrefix(line, "第 ") {
			return
		}
	}
	t.Errorf("got  %v\nwant %s", err, want)
}

func TestAnEffectReliesOnTheShapeOfItsTable(t *testing.T) {
	for _, tc := range []struct{ key, old, replacement, want string }{
		{"refinement", "name: amount, label: {zh: 金额", "name: sum, label: {zh: 金额", "effects[1].with.breakdown：表格 breakdown 应有必填的列 amount"},
		{"refinement", "type: text, required: true, max: 120", "type: text, max: 120", "effects[1].with.breakdown：表格 breakdown 应有必填的列 name"},
		{"refinement", "type: text, max: 64", "type: date", "effects[1].with.breakdown：表格 breakdown 的列 code 应为 text 类型"},
		{"refinement", "    required: true\n", "    required: true\n    rows: indicators\n", "effects[1].with.breakdown：表格 breakdown 的行由人填写，不写 rows"},
		{"refinement", "breakdown: breakdown", "breakdown: note", "effects[1].with.breakdown：字段 note 的类型 text 不适用"},
		{"adjustment", "    rows: checkpoints\n", "", "effects[1].with.plan：表格 plan 的 rows 应为 checkpoints"},
		{"adjustment", "type: number, min: 0, max: 100", "type: text", "effects[1].with.plan：表格 plan 的列 percent 应为 number 类型"},
		{"adjustment", "      - {name: percent", "      - {name: note, label: {zh: 说明, en: Note}, type: text}\n      - {name: percent", "effects[1].with.plan：表格 plan 不应有列 note"},
		{"adjustment", "name: percent", "name: share", "effects[1].with.plan：表格 plan 不应有列 share"},
	} {
		t.Run(tc.want, func(t *testing.T) {
			requireProblem(t, builtin(t, tc.key).Source(), tc.old, tc.replacement, tc.want)
		})
	}
}
