package importer_test

import (
	"fmt"
	"strings"
	"testing"

	"duban/deploy"
	"duban/importer"
	"duban/models/calendar"
	"duban/models/money"
)

// A small document, of which the tests replace parts.
const (
	title      = "2025年度单位预算绩效目标\n"
	unitLine   = "603001某某市住房公积金管理中心本级\t单位：万元\n"
	identity   = "项目编码\tP001\t项目名称\t会议费\n"
	budgetLine = "预算规模及资金用途\t预算数\t58.50\t其中：财政资金\t58.50\t其他资金\t\n\t会议场地支出\n"
	planLines  = "资金支出计划（%）\t3月底\t6月底\t10月底\t12月底\n\t\t50%\t75%\t100%\n"
	goalLine   = "绩效目标\t开好会议\n"
	indicators = "一级指标\t二级指标\t三级指标\t绩效指标描述\t指标值\t指标值确定依据\n" +
		"产出指标\t数量指标\t会议次数\t会议次数\t≥2次\t工作计划\n" +
		"\t时效指标\t完成时限\t完成时限\t2025年12月15日\t工作计划\n"
	small = title + unitLine + identity + budgetLine + planLines + goalLine + indicators
)

// with returns the small document with parts replaced, in pairs.
func with(pairs ...string) []byte {
	return []byte(strings.NewReplacer(pairs...).Replace(small))
}

// plan shows a project's plan on one line, blanks included.
func plan(p importer.ProjectDraft) string {
	var parts []string
	for _, target := range p.Targets {
		parts = append(parts, fmt.Sprintf("%v %v", target.DueOn, target.Percent))
	}
	for _, b := range p.Blank {
		parts = append(parts, fmt.Sprintf("%v blank", b.DueOn))
	}
	return strings.Join(parts, ", ")
}

// only returns the one project of a document.
func only(t testing.TB, d *importer.Draft) importer.ProjectDraft {
	t.Helper()
	if len(d.Units) != 1 || len(d.Units[0].Projects) != 1 {
		t.Fatalf("%d units; want one with one project: %+v", len(d.Units), d.Units)
	}
	return d.Units[0].Projects[0]
}

const usualPlan = "2025-06-30 50%, 2025-10-31 75%, 2025-12-31 100%, 2025-03-31 blank"

func TestTheShippedSampleGivesTheSameFacts(t *testing.T) {
	data, err := deploy.Sample.ReadFile("sample/targets-2025.txt")
	if err != nil {
		t.Fatal(err)
	}
	draft := read(t, "targets-2025.txt", data)
	checkFacts(t, draft)
	u := draft.Units[0]
	if u.Name != "示例市住房公积金管理中心本级" || u.RefinementText != "6月底前细化代编预算" || len(u.Goals) != 4 || len(u.Goals[0].Figures) != 4 {
		t.Errorf("unit %s, refinement %q, goals %+v", u.Name, u.RefinementText, u.Goals)
	}
}

func TestPlansAreReadByTheirHeadings(t *testing.T) {
	for _, c := range []struct{ name, lines, want string }{
		{"as usual", planLines, usualPlan},
		{"two columns", "资金支出计划（%）\t6月底\t12月底\n\t40%\t100%\n", "2025-06-30 40%, 2025-12-31 100%"},
		{"re-ordered columns", "资金支出计划\t12月底\t6月底\n\t100\t40\n", "2025-06-30 40%, 2025-12-31 100%"},
		{"third quarter", "资金支出计划（%）\t3月末\t9月30日\t12月31日\n\t10\t82.5％\t１００％\n", "2025-03-31 10%, 2025-09-30 82.5%, 2025-12-31 100%"},
		{
			"quarters", "支出计划\t一季度\t第二季度末\t前三季度\t四季度\n\t0%\t-\t—\t100%\n",
			"2025-03-31 0%, 2025-12-31 100%, 2025-06-30 blank, 2025-09-30 blank",
		},
		{"dates with a year", "资金支出计划（%）\t2025年6月底\t2025-09-30\t2025年底\n\t1\t2\t100\n", "2025-06-30 1%, 2025-09-30 2%, 2025-12-31 100%"},
		{"half-years", "资金支出计划（%）\t上半年\t1—9月\t全年\n\t1\t2\t100\n", "2025-06-30 1%, 2025-09-30 2%, 2025-12-31 100%"},
		{"percent in the headings", "资金支出计划\t6月底（%）\t12月底（%）\n\t50\t100\n", "2025-06-30 50%, 2025-12-31 100%"},
		{"merged label repeated", "资金支出计划（%）\t6月底\t12月底\n资金支出计划（%）\t50%\t100%\n", "2025-06-30 50%, 2025-12-31 100%"},
		{"merged label left out", "资金支出计划（%）\t6月底\t12月底\n50%\t100%\n", "2025-06-30 50%, 2025-12-31 100%"},
		{"merged columns repeated", "资金支出计划（%）\t6月底\t6月底\t12月底\t12月底\n\t50%\t50%\t100%\t100%\n", "2025-06-30 50%, 2025-12-31 100%"},
		{"merged columns blank", "资金支出计划（%）\t6月底\t\t12月底\t\n\t50%\t\t100%\t\n", "2025-06-30 50%, 2025-12-31 100%"},
		{"headings below the label", "资金支出计划（%）\n3月底\t12月底\n\t100%\n", "2025-12-31 100%, 2025-03-31 blank"},
		{"headings and shares in turn", "资金支出计划（%）\t6月底\t50%\t12月底\t100%\n", "2025-06-30 50%, 2025-12-31 100%"},
		{
			"two groups", "资金支出计划（%）\t3月底\t6月底\n\t5%\t50%\n\t10月底\t12月底\n\t75%\t100%\n",
			"2025-03-31 5%, 2025-06-30 50%, 2025-10-31 75%, 2025-12-31 100%",
		},
		{"trailing blanks cut off", "资金支出计划（%）\t6月底\t12月底\n\t100%\n", "2025-06-30 100%, 2025-12-31 blank"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := plan(only(t, read(t, "a.txt", with(planLines, c.lines)))); got != c.want {
				t.Errorf("plan %s; want %s", got, c.want)
			}
		})
	}
}

func TestAmountsAreReadInTheUnitThatIsStated(t *testing.T) {
	for _, c := range []struct {
		name, from, to string
		want           money.Fen
	}{
		{"万元 beside the unit", "", "", 58_500_000},
		{"元", "单位：万元", "金额单位：元", 5_850},
		{"in the label", "预算数", "预算数（元）", 5_850},
		{"label wins over table", "单位：万元\n", "（单位：元）\n", 5_850},
		{"behind the figure", "58.50\t其中", "5.85亿元\t其中", 58_500_000_000},
		{"full width", "58.50\t其中", "１，２３４．５\t其中", 1_234_500_000},
		{"inner space in labels", "其中：财政资金", "其中：财政    资金", 58_500_000},
		{
			"in the title", "2025年度单位预算绩效目标\n603001某某市住房公积金管理中心本级\t单位：万元",
			"2025年度单位预算绩效目标（单位：元）\n603001某某市住房公积金管理中心本级", 5_850,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := only(t, read(t, "a.txt", with(c.from, c.to))).Budget; got != c.want {
				t.Errorf("budget %v; want %v", got, c.want)
			}
		})
	}
}

func TestColumnsAndLabelsMayBeLeftOut(t *testing.T) {
	for _, c := range []struct{ name, from, to string }{
		{"no other funds", "\t其他资金\t\n", "\n"},
		{"no basis", indicators, "一级指标\t二级指标\t三级指标\t绩效指标描述\t指标值\n产出指标\t数量指标\t会议次数\t会议次数\t≥2次\n\t时效指标\t完成时限\t完成时限\t2025年12月15日\n"},
		{"merged level repeated", "\n\t时效指标", "\n产出指标\t时效指标"},
		{"merged level left out", "\n\t时效指标", "\n时效指标"},
		{"heading repeated on a new page", "\n\t时效指标", "\n一级指标\t二级指标\t三级指标\t绩效指标描述\t指标值\t指标值确定依据\n\t时效指标"},
		{"code and name in two rows", identity, "项目名称\t会议费\n项目编码\tP001\n"},
		{"label and value in one cell", identity, "项目编码：P001\t项目名称：会议费\n"},
		{"unit named by label", "603001某某市住房公积金管理中心本级\t", "预算单位\t603001 某某市住房公积金管理中心本级\t"},
		{"unit named inside the table", unitLine + identity, "单位：万元\n" + identity + "预算单位\t603001某某市住房公积金管理中心本级\n"},
		{
			"remark below the table", "工作计划\n\t时效指标\t完成时限\t完成时限\t2025年12月15日\t工作计划\n",
			"工作计划\n\t时效指标\t完成时限\t完成时限\t2025年12月15日\t工作计划\n注：按年度考核\t填表人：张三\n",
		},
		{"purpose with a label", "\t会议场地支出", "资金用途\t会议场地支出"},
		{"merged purpose repeated", "\t会议场地支出", "预算规模及资金用途\t会议场地支出\t会议场地支出"},
	} {
		t.Run(c.name, func(t *testing.T) {
			draft := read(t, "a.txt", with(c.from, c.to))
			p := only(t, draft)
			if p.Code != "P001" || p.Name != "会议费" || p.Purpose != "会议场地支出" || p.Goal != "开好会议" || draft.Units[0].Code != "603001" ||
				p.Budget != 58_500_000 || plan(p) != usualPlan || len(p.Indicators) != 2 || len(draft.Problems) != 0 {
				t.Fatalf("%+v\nproblems %+v", p, draft.Problems)
			}
			last := p.Indicators[1]
			if last.Level1 != "产出指标" || last.Level2 != "时效指标" || last.DueOn != calendar.MustDate(2025, 12, 15) || last.Sequence != 2 {
				t.Errorf("last indicator %+v", last)
			}
		})
	}
}

func TestSignsAndUnitsInColumnsOfTheirOwnBelongToTheValue(t *testing.T) {
	p := only(t, read(t, "a.txt", with(indicators,
		"绩效指标\t一级指标\t二级指标\t三级指标\t指标性质\t指标值\t度量单位\n\t产出指标\t数量指标\t会议次数\t≥\t2\t次\n\t\t质量指标\t出勤情况\t定性\t良好\t\n")))
	if i := p.Indicators[0]; i.ValueText != "≥2次" || i.Comparator != "≥" || i.Number != "2" || i.NumberUnit != "次" {
		t.Errorf("first %+v", i)
	}
	if i := p.Indicators[1]; i.ValueText != "良好" || i.Level1 != "产出指标" || i.Comparator != "" {
		t.Errorf("second %+v", i)
	}
}

func TestColumnsWithoutUseDoNotDisturbTheOthers(t *testing.T) {
	p := only(t, read(t, "a.txt", with(indicators,
		"序号\t一级指标\t二级指标\t三级指标\t2025年指标值\t\t权重\t备注\n"+
			"\t\t\t\t符号\t数值\t\t\n"+
			"1\t产出指标\t数量指标\t会议次数\t≥\t2次\t10\t\n"+
			"2\t\t质量指标\t出勤率\t95%\t95%\t20\t按签到\n")))
	if len(p.Indicators) != 2 || p.Indicators[0].ValueText != "≥2次" || p.Indicators[1].ValueText != "95%" || p.Indicators[1].Level1 != "产出指标" {
		t.Errorf("%+v", p.Indicators)
	}
}

func TestUnitsAreToldFromOtherLinesThatBeginWithANumber(t *testing.T) {
	for line, want := range map[string]string{
		"101001人民法院": "101001 人民法院",
		"603001 人力资源和社会保障局（参公）": "603001 人力资源和社会保障局（参公）",
		"603001-某某市第一中学":        "603001 某某市第一中学",
		"12345热线接通率稳步提升":        " ",
		"2025年度某某工作安排":          " ",
	} {
		u := read(t, "a.txt", with("603001某某市住房公积金管理中心本级", line)).Units[0]
		if got := u.Code + " " + u.Name; got != want {
			t.Errorf("%s: unit %q; want %q", line, got, want)
		}
	}
}

func TestAStatedUnitOfMoneyHoldsForItsSheetOnly(t *testing.T) {
	rows := func(text string) [][]string {
		var rows [][]string
		for line := range strings.Lines(text) {
			rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
		}
		return rows
	}
	first := rows(small)
	second := rows(strings.NewReplacer("P001", "P002", "会议费", "培训费", "单位：万元", "").Replace(small))
	cover := [][]string{{"2025年度预算绩效目标"}, {"金额单位：元"}}
	if e := failure(t, "a.xlsx", sheets(t, first, second)); e.Code != importer.ErrAmountUnitMissing || e.Sheet != "S2" || e.Line != 4 {
		t.Errorf("%v", e)
	}
	draft := read(t, "a.xlsx", sheets(t, cover, first, second))
	if p := draft.Units[0].Projects; p[0].Budget != 58_500_000 || p[1].Budget != 5_850 {
		t.Errorf("budgets %v and %v; want that of the sheet, then that of the cover", p[0].Budget, p[1].Budget)
	}
}

func TestOneFileMayHoldSeveralUnits(t *testing.T) {
	project := func(code string) string { return strings.ReplaceAll(small[len(title)+len(unitLine):], "P001", code) }
	part := func(n string) string {
		return "一、总体绩效目标\n2025年，归集" + n + "亿元。\n三、工作保障措施\n6月底前，完成代编预算的细化。\n第二部分\n"
	}
	document := title + part("1") + unitLine + project("P1") + unitLine + project("P2") +
		part("2") + strings.ReplaceAll(unitLine, "603001", "603002") + project("P3") +
		"603003某某市审计局本级\n" + part("3") + "单位：元\n" + project("P4")
	draft := read(t, "a.txt", []byte(document))
	if len(draft.Units) != 3 || len(draft.Problems) != 0 {
		t.Fatalf("units %+v, problems %+v", draft.Units, draft.Problems)
	}
	for i, want := range []string{"603001 P1 P2 归集1亿元", "603002 P3 归集2亿元", "603003 P4 归集3亿元"} {
		u := draft.Units[i]
		got := u.Code
		var gotSb224 strings.Builder
		for _, p := range u.Projects {
			gotSb224.WriteString(" " + p.Code)
		}
		got += gotSb224.String()
		if f := u.Goals[0].Figures[0]; got+" "+f.Label+f.Text != want {
			t.Errorf("unit %d: %s %+v; want %s", i, got, f, want)
		}
		if u.RefinementText != "6月底前，完成代编预算的细化" {
			t.Errorf("refinement %q", u.RefinementText)
		}
	}
	if got := draft.Units[2].Projects[0].Budget; got != 5_850 {
		t.Errorf("a unit stated later holds for its own table: %v", got)
	}
}

func TestATableOfContentsIsNotMistakenForMissingTables(t *testing.T) {
	document := title + "目录\n1.会议费绩效目标表\n2.培训费绩效目标表\n部门预算项目绩效目标表\n" +
		"1.会议费绩效目标表\n" + small[len(title):] + "2.培训费绩效目标表\n" +
		strings.NewReplacer("P001", "P002", "会议费", "培训费").Replace(small[len(title):])
	if draft := read(t, "a.txt", []byte(document)); len(draft.Units[0].Projects) != 2 || len(draft.Problems) != 0 {
		t.Errorf("%+v", draft)
	}
}

func TestPlaceholderBudgetsAreRecognisedByTheirName(t *testing.T) {
	if p := only(t, read(t, "a.txt", with("会议费", "代编预算-专项资金"))); !p.Placeholder {
		t.Errorf("%+v", p.Project)
	}
}
