package workflows_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"duban/models"
	"duban/workflows"
)

// list is a definition with a table of free rows and its sum.
const list = `
key: list
version: 1
title: {zh: 清单, en: List}
kinds: [custom]
form:
  - name: items
    label: {zh: 细化方案, en: Items}
    type: table
    required: true
    columns:
      - {name: code, label: {zh: 编码, en: Code}, type: text, max: 4}
      - {name: amount, label: {zh: 金额, en: Amount}, type: money, required: true, min: 0}
      - {name: on, label: {zh: 日期, en: Date}, type: date}
      - {name: kind, label: {zh: 类别, en: Kind}, type: choice, options: [{value: a, label: {zh: 甲, en: A}}]}
  - {name: total, label: {zh: 合计, en: Total}, type: money, sum: items.amount, max: 100万元}
apply: {title: {zh: 填报, en: Apply}, who: [owner]}
steps:
  - {id: confirm, title: {zh: 审批, en: Confirm}, who: [manager]}
  - {id: approve, title: {zh: 批准, en: Approve}, who: ["role:leader"], when: total != budget}
`

// hand lets the owner hand in a table of items, and returns the problems.
func hand(t *testing.T, source, entered string, about workflows.Case) (*stage, []string) {
	t.Helper()
	s := newStage(t, source)
	err := s.try(workflows.Action{Kind: workflows.Submit, By: owner, Case: about, Form: workflows.Form{"items": entered}})
	var refusal *workflows.Error
	if err == nil || !errors.As(err, &refusal) {
		return s, nil
	}
	var problems []string
	for _, p := range refusal.Fields {
		problems = append(problems, p.Message)
	}
	if len(problems) == 0 {
		t.Fatal(err)
	}
	return s, problems
}

func TestATableHasOneStoredForm(t *testing.T) {
	const stored = `[["A1","500000","",""],["","1","2025-06-30","a"]]`
	for name, entered := range map[string]string{
		"as it is stored":        stored,
		"JSON with blank rows":   ` [["A1","500000","",""], ["","","",""], null, [""," +1","2025-06-30","a"]] `,
		"from a spreadsheet":     "A1\t5,000.00\r\n\r\n\t0.01\t2025-06-30\ta\t\r\n",
		"with full-width commas": "A1，5000\n,0.01,2025-06-30,a\n",
	} {
		s, problems := hand(t, list, entered, workflows.Case{Kind: models.Custom})
		if problems != nil || s.state.Form["items"] != stored || s.state.Form["total"] != "500001" {
			t.Errorf("%s: %q is stored as %q", name, problems, s.state.Form)
		}
	}
}

func TestProblemsOfATableNameRowAndColumn(t *testing.T) {
	for _, tc := range []struct {
		entered string
		want    []string
	}{
		{"A1\t-1\n\nABCDE\t约5\t6月30日\tb", []string{
			"细化方案 第 1 行“金额”：不得小于 0.00 元", "细化方案 第 3 行“编码”：不得超过 4 个字", "细化方案 第 3 行“金额”：应为以元计的金额，如 5,000.00",
			"细化方案 第 3 行“日期”：应为日期，写作 2025-06-30", "细化方案 第 3 行“类别”：不在可选项之内",
		}},
		{`[["A1","1.5","",""],["A2","","",""]]`, []string{"细化方案 第 1 行“金额”：应为以分计的整数", "细化方案 第 2 行“金额”：必填"}},
		{"A1\t—", []string{"细化方案 第 1 行“金额”：必填"}}, // a dash is blank
		{`[["A1","1"]]`, []string{"细化方案 第 1 行：应有 4 列（编码、金额、日期、类别），现有 2 列"}},
		{"A1,5,2025-06-30,a,x", []string{"细化方案 第 1 行：应有 4 列（编码、金额、日期、类别），现有 5 列"}},
		{"A1,5\nA1，5，000.00，", []string{"细化方案 第 2 行“金额”：像是被逗号分成两格的金额，请去掉千位分隔符"}},
		{`[["A1",1,"",""]]`, []string{"细化方案：应为由行组成的列表"}},
		{"[]", []string{"细化方案：必填"}},
		{"\n\t\n", []string{"细化方案：必填"}},
		{"A1\t1\n" + strings.Repeat("\n", 20) + "A2", []string{"细化方案 第 22 行“金额”：必填"}},
		{"\xff", []string{"细化方案：含有无法识别的字符，或超过 64 KB"}},
		{strings.Repeat("A1\t1\n", 501), []string{"细化方案：最多 500 行，现有 501 行"}},
		{strings.Repeat("长", 1<<15), []string{"细化方案：含有无法识别的字符，或超过 64 KB"}},
		{strings.Repeat("&&&&\t1\n", 480) + strings.Repeat(" ", 1<<15), nil}, // spaces are not stored
		{"A\t600000\nB\t400000.01", []string{"合计：不得大于 1000000.00 元"}},
		{"A\t5000000000000\nB\t5000000000000.01", []string{"合计：合计过大，无法保存"}},
	} {
		if _, got := hand(t, list, tc.entered, workflows.Case{Kind: models.Custom}); !slices.Equal(got, tc.want) {
			t.Errorf("%.40q: got %q; want %q", tc.entered, got, tc.want)
		}
	}
	_, got := hand(t, list, strings.Repeat("A\t?\n", 30), workflows.Case{Kind: models.Custom})
	if len(got) != 21 || got[20] != "细化方案：另有 10 处问题" {
		t.Errorf("of 30 problems it lists %q", got)
	}
}

func TestAStoredTableIsBounded(t *testing.T) {
	source := edit(list, "max: 4", "max: 2000")
	pasted := strings.Repeat(strings.Repeat("&", 1000)+"\t1\n", 15) // JSON writes six bytes for each
	_, got := hand(t, source, pasted, workflows.Case{Kind: models.Custom})
	if want := []string{"细化方案：内容过多，应不超过 64 KB"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestASumIsNeverEnteredAndChoosesTheWay(t *testing.T) {
	s := newStage(t, list)
	apply := workflows.Action{
		Kind: workflows.Submit, By: owner, Case: workflows.Case{Kind: models.Custom, Budget: 500},
		Form: workflows.Form{"items": `[["","500","",""]]`, "total": "500"},
	}
	if e := s.refuses(workflows.CodeFormInvalid, apply); e.Fields[0].Message != "合计：自动合计，不能填写" {
		t.Errorf("got %+v", e)
	}
	delete(apply.Form, "total")
	s.must(apply)
	s.does(workflows.SendBack, manager, func(a *workflows.Action) { a.Step = workflows.ApplyStep })
	s.does(workflows.Submit, owner, func(a *workflows.Action) { a.Form = workflows.Form{"items": "甲,5.01"} })
	if s.state.Form["total"] != "501" {
		t.Errorf("the total is %s", s.state.Form["total"])
	}
	s.does(workflows.Approve, manager)
	s.at("approve") // 501 is not the budget
	s.does(workflows.SendBack, leader, func(a *workflows.Action) { a.Step = workflows.ApplyStep })
	s.does(workflows.Submit, owner, func(a *workflows.Action) { a.Form = workflows.Form{"items": "甲,5"} })
	s.does(workflows.Approve, manager)
	s.ended(workflows.Approved)
}

// indicators is a case with two indicators.
func indicators(kind models.Kind) workflows.Case {
	return workflows.Case{Kind: kind, Indicators: []workflows.CaseRow{
		{Key: "1", Title: "数量指标 会议次数", Stated: "≥4次"}, {Key: "2", Title: "时效指标 完成时间", Stated: "11月底前"},
	}}
}

// marks is list with a table that has a row for each indicator.
var marks = edit(list, "    required: true\n", "    required: true\n    rows: indicators\n", "    columns:\n", `    columns:
      - {name: weight, label: {zh: 分值, en: Weight}, type: number, max: 50}
      - {name: mark, label: {zh: 得分, en: Mark}, type: number, max: weight}
`, "required: true, min: 0", "min: 0")

func TestATableForIndicatorsHasExactlyTheirRows(t *testing.T) {
	about := indicators(models.Custom)
	s, problems := hand(t, marks, `[["2","","","","100","",""],["1","50.0","49.50","","","",""]]`, about)
	if want := `[["1","50","49.5","","","",""],["2","","","","100","",""]]`; problems != nil || s.state.Form["items"] != want || s.state.Form["total"] != "100" {
		t.Errorf("%q: stored as %q", problems, s.state.Form)
	}
	for _, tc := range []struct {
		entered string
		want    []string
	}{
		{`[["1","50","50","","","",""]]`, []string{"细化方案 第 2 行（时效指标 完成时间）：缺少这一行"}},
		{`[["1","50","","","","",""],["1","","","","","",""],["3"],[]]`, []string{
			"细化方案 第 2 行：这一行重复", "细化方案 第 3 行：不是表中应有的行", "细化方案 第 4 行：不是表中应有的行", "细化方案 第 2 行（时效指标 完成时间）：缺少这一行",
		}},
		{`[["1","49","49.5","","","",""],["2","51","51","","","",""]]`, []string{
			"细化方案 第 1 行（数量指标 会议次数）“得分”：不得大于 49", "细化方案 第 2 行（时效指标 完成时间）“分值”：不得大于 50",
		}},
		{"1\t50\t50", []string{"细化方案：应为由行组成的列表"}},
		{`[["1","","","","","",""],["2",""," ","","","",""]]`, []string{"细化方案：必填"}}, // blank throughout
	} {
		if _, got := hand(t, marks, tc.entered, about); !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %q; want %q", tc.entered, got, tc.want)
		}
	}
	s, problems = hand(t, marks, "", workflows.Case{Kind: models.Custom, Indicators: []workflows.CaseRow{}})
	if problems != nil || s.state.Form != nil || s.state.Case.Indicators != nil {
		t.Errorf("a project without indicators: %q, %+v", problems, s.state)
	}
}

func TestATableIsReadBackByRowAndColumn(t *testing.T) {
	def := newStage(t, marks).def
	f, _ := def.Field("items")
	rows := f.Rows(`[["2","1","","","100","",""]]`)
	if want := [][]string{{"2", "1", "", "", "100", "", ""}}; !reflect.DeepEqual(rows, want) {
		t.Fatalf("got %q", rows)
	}
	for column, want := range map[string]string{"weight": "1", "amount": "100", "mark": "", "none": ""} {
		if got := f.Cell(rows[0], column); got != want {
			t.Errorf("%s is %q", column, got)
		}
	}
	for _, garbage := range []string{"", "null", "[", `[["1"]]`, `[null]`, `{"a":1}`, "5", `[["2","1","","","100","",""]]x`} {
		if rows := f.Rows(garbage); rows != nil {
			t.Errorf("%q is read as %q", garbage, rows)
		}
	}
	if got := f.Cell(nil, "weight"); got != "" {
		t.Errorf("got %q from no row", got)
	}
}

func TestTheBuiltInTablesReachTheirEffects(t *testing.T) {
	s := newStage(t, builtin(t, "refinement").Source())
	s.must(workflows.Action{
		Kind: workflows.Submit, By: owner, Case: workflows.Case{Kind: models.Refinement, Budget: 60_000},
		Form: workflows.Form{"breakdown": "\t办公费\t500.00\nA-01\t会议系统\t100\t全年4次"},
	})
	for _, by := range []int64{manager, finance, office} { // the total is the budget
		s.does(workflows.Approve, by)
	}
	s.ended(workflows.Approved)
	b, _ := effect[workflows.Business](s)
	want := `[["","办公费","50000",""],["A-01","会议系统","10000","全年4次"]]`
	if b.Values["breakdown"] != want {
		t.Errorf("got %+v", b)
	}

	plan := workflows.Case{Kind: models.SpendingTarget, Checkpoints: []workflows.CaseRow{{Key: "2025-06-30", Title: "6月30日"}, {Key: "2025-12-31", Title: "12月31日"}}}
	s = newStage(t, builtin(t, "adjustment").Source())
	apply := workflows.Action{Kind: workflows.Submit, By: owner, Case: plan, Form: workflows.Form{
		"new_budget": "100", "reason": "压减", "plan": `[["2025-06-30",""],["2025-12-31","100.0"]]`,
	}}
	s.must(apply)
	if got := s.state.Form["plan"]; got != `[["2025-06-30",""],["2025-12-31","100"]]` {
		t.Errorf("the plan is %s", got)
	}
	s = newStage(t, builtin(t, "adjustment").Source())
	apply.Form["plan"] = `[["2025-06-30",""],["2025-12-31",""]]` // untouched
	s.must(apply)
	if got, filled := s.state.Form["plan"]; filled {
		t.Errorf("the plan is %s", got)
	}
}

func TestAnEvaluationCannotScoreMoreThanTheWeights(t *testing.T) {
	s := newStage(t, builtin(t, "self_evaluation").Source())
	apply := workflows.Action{Kind: workflows.Submit, By: owner, Case: indicators(models.SelfEvaluation), Form: workflows.Form{
		"summary": "良好", "scores": `[["1","5次","60","60"],["2","11月20日","60","60"]]`,
	}}
	if e := s.refuses(workflows.CodeFormInvalid, apply); e.Fields[0] != (workflows.FieldProblem{Field: "score", Message: "自评总分：不得大于 100"}) {
		t.Errorf("got %+v", e.Fields)
	}
	apply.Form["scores"] = `[["1","5次","60","40.5"],["2","11月20日","40","19"]]`
	s.must(apply)
	s.does(workflows.Approve, manager)
	s.does(workflows.Approve, finance, func(a *workflows.Action) { a.Form = workflows.Form{"paid": "1"} })
	s.at("approve") // 59.5
}

// FuzzTable requires that whatever is entered as a table is refused by naming
// it, or stored in the one form that is taken over unchanged.
func FuzzTable(f *testing.F) {
	for _, seed := range []string{
		"A1\t5,000.00\t2025-06-30\ta\r\n", "A1，5\n", `[["A1","1","",""]]`, `[["1","50","49.5","","","",""],["2","","","","100","",""]]`,
		`[["2"],["2"],null]`, "[[", "—\t—", "\xff", "[\"\\u0000\"]", strings.Repeat("[", 100),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entered string) {
		for _, source := range []string{list, marks, edit(list, "required: true, min: 0", "min: 0")} {
			s, problems := hand(t, source, entered, indicators(models.Custom))
			table, _ := s.def.Field("items")
			table.Rows(entered)
			if problems != nil {
				if !strings.HasPrefix(strings.Join(problems, ""), "细化方案") && !strings.HasPrefix(problems[0], "合计") {
					t.Fatalf("got %q", problems)
				}
				continue
			}
			stored := s.state.Form["items"]
			if again, problems := hand(t, source, stored, indicators(models.Custom)); again.state.FormHash != s.state.FormHash {
				t.Fatalf("%q is taken over as %q (%q)", stored, again.state.Form, problems)
			}
			if len(table.Rows(stored)) == 0 || len(stored) > 64<<10 {
				t.Fatalf("stored are %d bytes: %.200q", len(stored), stored)
			}
		}
	})
}
