package importer_test

import (
	"reflect"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"duban/importer"
	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

// facts are what a document of the 19 projects must give.
func checkFacts(t *testing.T, draft *importer.Draft) {
	t.Helper()
	if len(draft.Units) != 1 || draft.FiscalYear != 2025 {
		t.Fatalf("%d units, year %d; want 1 unit, 2025", len(draft.Units), draft.FiscalYear)
	}
	projects := draft.Units[0].Projects
	var total money.Fen
	indicators := 0
	due, blank := map[string]money.Fen{}, map[string]int{}
	recurrences := map[models.Recurrence]int{}
	for _, p := range projects {
		total += p.Budget
		indicators += len(p.Indicators)
		for _, target := range p.Targets {
			due[target.Label] += target.Percent.Of(p.Budget)
		}
		for _, b := range p.Blank {
			blank[b.Label]++
		}
		for _, i := range p.Indicators {
			recurrences[i.Recurrence]++
		}
	}
	if len(projects) != 19 || indicators != 108 || total.In(money.TenThousand) != "774.85" {
		t.Errorf("%d projects, %d indicators, %s万元; want 19, 108, 774.85", len(projects), indicators, total.In(money.TenThousand))
	}
	for label, want := range map[string]string{"3月底": "122.42", "6月底": "393.73", "10月底": "595.2925", "12月底": "774.85"} {
		if got := due[label].In(money.TenThousand); got != want {
			t.Errorf("due by %s: %s万元; want %s", label, got, want)
		}
	}
	if want := map[string]int{"3月底": 8, "6月底": 2}; !reflect.DeepEqual(blank, want) {
		t.Errorf("blanks %v; want %v", blank, want)
	}
	if recurrences["monthly:10"] != 1 || recurrences[models.MonthlyEnd] != 1 {
		t.Errorf("recurrences %v", recurrences)
	}
	if len(draft.Problems) != 1 || draft.Problems[0].Code != importer.FlagDeadlineOutsideYear ||
		draft.Problems[0].Value != "2024年10月22日" || draft.Problems[0].ProjectCode != "13020025P00000210003G" {
		t.Errorf("problems %+v; want one deadline outside the year", draft.Problems)
	}
}

func TestTheRealDocumentGivesItsFacts(t *testing.T) {
	draft := read(t, "tangshan.txt", realDocument(t))
	checkFacts(t, draft)
	u := draft.Units[0]
	if u.Code != "603001" || u.Name != "唐山市住房公积金管理中心（参公）本级" || u.Line != 39 {
		t.Errorf("unit %s %s at line %d", u.Code, u.Name, u.Line)
	}
	if u.RefinementText != "6月底前细化代编预算" || u.RefinementLine != 23 {
		t.Errorf("refinement %q at line %d", u.RefinementText, u.RefinementLine)
	}
	p := u.Projects[0]
	if p.Code != "13020025P004M6910003G" || p.Name != "办公楼运转经费" || p.Purpose != "办公楼物业、消防、维护费方面支出" ||
		p.Goal != "1.提供整洁的办公环境、确保办公区域安全" || p.Fiscal != p.Budget || p.Other != 0 {
		t.Errorf("first project %+v", p.Project)
	}
	june := calendar.MustDate(2025, 6, 30)
	if p.Targets[0] != (models.Target{DueOn: june, Label: "6月底", Percent: money.PercentOf(50)}) {
		t.Errorf("first target %+v", p.Targets[0])
	}
}

func TestTheRealDocumentKeepsEveryPublishedValue(t *testing.T) {
	data := realDocument(t)
	var published []string
	for _, b := range blocksOf(string(data)) {
		for _, row := range b.rows {
			if len(row) == 6 && row[4] != "指标值" {
				published = append(published, row[4])
			}
		}
	}
	var got []string
	for _, p := range read(t, "tangshan.txt", data).Units[0].Projects {
		for _, i := range p.Indicators {
			got = append(got, i.ValueText)
		}
	}
	if !reflect.DeepEqual(got, published) {
		t.Errorf("values differ from the published ones:\n%q\n%q", got, published)
	}
}

func TestTheRealDocumentStatesGoalsWithFigures(t *testing.T) {
	goals := read(t, "tangshan.txt", realDocument(t)).Units[0].Goals
	if len(goals) != 4 || goals[0].Scope != models.GoalOverall || goals[1].Title != "做好公积金归集工作" {
		t.Fatalf("goals %+v", goals)
	}
	want := []models.GoalFigure{
		{Label: "归集", Text: "115亿元", Amount: 11_500_000_000_00},
		{Label: "支持住房消费", Text: "100亿元", Amount: 10_000_000_000_00},
		{Label: "发放个人住房贷款", Text: "50亿元", Amount: 5_000_000_000_00},
		{Label: "增值收益", Text: "6亿元", Amount: 600_000_000_00},
	}
	if !reflect.DeepEqual(goals[0].Figures, want) {
		t.Errorf("figures %+v; want %+v", goals[0].Figures, want)
	}
	if g := goals[2]; g.Text != "科学合理确定贷款年度计划，满足缴存职工购房需求。" || g.Measure != "支持住房消费，发放个人住房贷款50亿元。" ||
		g.Sequence != 3 || g.Scope != models.GoalItem || g.FiscalYear != 2025 {
		t.Errorf("third goal %+v", g)
	}
}

func TestEveryFormatGivesTheSameDraft(t *testing.T) {
	document := realDocument(t)
	blocks := blocksOf(string(document))
	gb, err := simplifiedchinese.GB18030.NewEncoder().Bytes(document)
	if err != nil {
		t.Fatal(err)
	}
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes(document)
	if err != nil {
		t.Fatal(err)
	}
	gbPage, err := simplifiedchinese.GBK.NewEncoder().Bytes(asHTML(blocks))
	if err != nil {
		t.Fatal(err)
	}
	want := withoutPlaces(read(t, "tangshan.txt", document))
	for _, c := range []struct {
		name string
		data []byte
	}{
		{"listed.txt", []byte(listed(blocks))},
		{"tabs.txt", []byte(separated(blocks, "", "\t", ""))},
		{"pipes.txt", []byte(separated(blocks, "", "|", ""))},
		{"markdown.md", []byte(separated(blocks, "| ", " | ", " |"))},
		{"gb18030.txt", gb},
		{"utf16.txt", utf16},
		{"bom.txt", append([]byte("\ufeff"), document...)},
		{"crlf.txt", []byte(strings.ReplaceAll(string(document), "\n", "\r\n"))},
		{"page.html", asHTML(blocks)},
		{"gb.htm", gbPage},
		{"word.docx", asDocx(blocks)},
		{"sheet.xlsx", asXlsx(t, blocks)},
		{"wrong-extension.pdf", asDocx(blocks)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := withoutPlaces(read(t, c.name, c.data)); !reflect.DeepEqual(got, want) {
				t.Errorf("the draft differs from that of the text:\n%+v\n%+v", got, want)
			}
		})
	}
}
