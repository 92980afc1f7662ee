package workflows_test

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"duban/models"
	"duban/workflows"
)

func builtin(t testing.TB, key string) workflows.Definition {
	t.Helper()
	catalog, err := workflows.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	d, ok := catalog[key]
	if !ok {
		t.Fatalf("there is no workflow %s", key)
	}
	return d
}

func TestTheSevenBuiltInWorkflowsAreThere(t *testing.T) {
	catalog, err := workflows.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"refinement": "代编预算细化", "corrective_action": "支出纠偏", "extension": "完成时限延期", "adjustment": "预算调剂",
		"monitoring": "绩效运行监控", "self_evaluation": "绩效自评", "rectification": "审计整改销号",
	} {
		if got := catalog.Title(key, models.Chinese); got != want {
			t.Errorf("%s is called %q; want %q", key, got, want)
		}
		if d := catalog[key]; d.Validate() != nil || !slices.Equal(reparse(t, d).Kinds, d.Kinds) {
			t.Errorf("%s does not survive its own source", key)
		}
	}
	if len(catalog) != 7 {
		t.Errorf("there are %d", len(catalog))
	}
	if got := catalog.Title("本单位流程", models.Chinese); got != "本单位流程" {
		t.Errorf("an unknown key is called %q", got)
	}
}

func reparse(t *testing.T, d workflows.Definition) workflows.Definition {
	t.Helper()
	again, err := workflows.Parse(d.Source())
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func TestADrawingIsWellFormedAndEscaped(t *testing.T) {
	source := strings.Replace(small, "zh: 审批", `zh: "审批 <b> & \"引\""`, 1)
	d, err := workflows.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	svg := d.Graph(models.Chinese).SVG()
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in %s", err, svg)
		}
	}
	if strings.Contains(svg, "<b>") || !strings.Contains(svg, "审批 &lt;b&gt; &amp;") {
		t.Error("the title is not escaped")
	}
	if dot := d.Graph(models.Chinese).DOT(); !strings.Contains(dot, `审批 <b> & \"引\"\n`) {
		t.Errorf("DOT: %s", dot)
	}
}

func TestADrawingLeadsPastConditionalSteps(t *testing.T) {
	var got []string
	g := builtin(t, "adjustment").Graph(models.Chinese)
	for _, e := range g.Edges {
		if e.Label != "" {
			got = append(got, g.Nodes[e.From].ID+" → "+g.Nodes[e.To].ID+" "+e.Label)
		}
	}
	want := []string{
		"approve → director 调剂后预算数 - 预算数 ≥ 50 万元 或 预算数 - 调剂后预算数 ≥ 50 万元",
		"approve → end 否则",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestAConditionIsWrittenInThePeoplesWords(t *testing.T) {
	for key, want := range map[string]string{
		"corrective_action": "支出差额 ≥ 500 万元", "monitoring": "偏离程度 = 严重偏离", "refinement": "细化合计 ≠ 预算数", "self_evaluation": "自评总分 < 60",
	} {
		d := builtin(t, key)
		for _, s := range d.Steps {
			if got := d.Words(s.When, models.Chinese); got != "" && got != want {
				t.Errorf("%s: got %s; want %s", key, got, want)
			}
		}
	}
}
