package importer_test

import (
	"strings"
	"testing"

	"duban/importer"
)

func TestOddDataIsFlaggedAndKept(t *testing.T) {
	shares := "\t\t50%\t75%\t100%\n"
	for _, c := range []struct {
		name, from, to string
		code, value    string
		line           int
		plan           string
	}{
		{
			"a plan that falls", shares, "\t\t50%\t40%\t100%\n", importer.FlagPlanFalls, "40%", 6,
			"2025-06-30 50%, 2025-10-31 40%, 2025-12-31 100%, 2025-03-31 blank",
		},
		{
			"a plan over the budget", shares, "\t\t50%\t75%\t120%\n", importer.FlagPlanOver100, "120%", 6,
			"2025-06-30 50%, 2025-10-31 75%, 2025-12-31 120%, 2025-03-31 blank",
		},
		{
			"a plan that stops short", shares, "\t\t50%\t75%\t90%\n", importer.FlagPlanNotFull, "90%", 6,
			"2025-06-30 50%, 2025-10-31 75%, 2025-12-31 90%, 2025-03-31 blank",
		},
		{
			"a share that is none", shares, "\t约10%\t50%\t75%\t100%\n", importer.FlagPercentUnreadable, "约10%", 7,
			"2025-06-30 50%, 2025-10-31 75%, 2025-12-31 100%",
		},
		{
			"a negative share", shares, "\t-5%\t50%\t75%\t100%\n", importer.FlagPercentUnreadable, "-5%", 7,
			"2025-06-30 50%, 2025-10-31 75%, 2025-12-31 100%",
		},
		{
			"a checkpoint twice", "\t10月底", "\t6月30日", importer.FlagCheckpointRepeated, "6月30日", 7,
			"2025-06-30 50%, 2025-12-31 100%, 2025-03-31 blank",
		},
		{
			"a checkpoint outside the year", "\t3月底", "\t2024年12月底", importer.FlagDeadlineOutsideYear, "2024年12月底", 7,
			"2025-06-30 50%, 2025-10-31 75%, 2025-12-31 100%, 2024-12-31 blank",
		},
		{"no plan", planLines, "", importer.FlagPlanMissing, "", 3, ""},
		{
			"a plan of blanks", shares, "", importer.FlagPlanMissing, "", 6,
			"2025-03-31 blank, 2025-06-30 blank, 2025-10-31 blank, 2025-12-31 blank",
		},
		{"a sum that is wrong", "\t其他资金\t\n", "\t其他资金\t1\n", importer.FlagBudgetSum, "58.50", 4, usualPlan},
		{"no budget", "预算数\t58.50", "预算数\t—", importer.FlagAmountMissing, "—", 4, usualPlan},
		{"no budget label", "预算数\t58.50\t", "", importer.FlagAmountMissing, "", 3, usualPlan},
		{"a budget that is none", "预算数\t58.50", "预算数\t另行下达", importer.FlagAmountUnreadable, "另行下达", 4, usualPlan},
		{"a deadline outside the year", "2025年12月15日", "2024年10月22日", importer.FlagDeadlineOutsideYear, "2024年10月22日", 11, usualPlan},
		{"a deadline without a date", "2025年12月15日", "合同签订后30日内", importer.FlagDeadlineNeedsDate, "合同签订后30日内", 11, usualPlan},
		{"no value", "≥2次", "", importer.FlagValueMissing, "", 10, usualPlan},
		{"a name that differs", title, title + "1.培训费绩效目标表\n", importer.FlagNameMismatch, "会议费", 4, usualPlan},
		{"no unit", "603001某某市住房公积金管理中心本级\t", "", importer.FlagUnitCodeMissing, "", 3, usualPlan},
	} {
		t.Run(c.name, func(t *testing.T) {
			draft := read(t, "a.txt", with(c.from, c.to))
			if len(draft.Problems) != 1 {
				t.Fatalf("problems %+v; want one", draft.Problems)
			}
			got := draft.Problems[0]
			if got.Code != c.code || got.Value != c.value || got.Line != c.line || got.Message == "" || got.Field == "" {
				t.Errorf("problem %+v; want %s of %q at line %d", got, c.code, c.value, c.line)
			}
			if got.Code != importer.FlagUnitCodeMissing && (got.ProjectCode != "P001" || got.UnitCode != "603001") {
				t.Errorf("problem %+v names another project", got)
			}
			if p := only(t, draft); plan(p) != c.plan {
				t.Errorf("plan %s; want %s", plan(p), c.plan)
			}
		})
	}
}

func TestADeadlineThatIsNoDateKeepsItsText(t *testing.T) {
	for _, value := range []string{"2024年10月22日", "合同签订后30日内", "及时"} {
		i := only(t, read(t, "a.txt", with("2025年12月15日", value))).Indicators[1]
		if i.ValueText != value || !i.DueOn.IsZero() || i.Recurrence != "" {
			t.Errorf("%+v", i)
		}
	}
}

func TestTheSameCodeWithOtherContentIsFlaggedAndTheFirstKept(t *testing.T) {
	second := strings.ReplaceAll(small[len(title):], "会议费", "培训费")
	draft := read(t, "a.txt", []byte(small+second))
	if p := only(t, draft); p.Name != "会议费" {
		t.Errorf("kept %s", p.Name)
	}
	if len(draft.Problems) != 1 || draft.Problems[0].Code != importer.FlagDuplicateCode || draft.Problems[0].Line != 13 {
		t.Errorf("problems %+v", draft.Problems)
	}
}

func TestQualitativeIndicatorsAreNotFlagged(t *testing.T) {
	draft := read(t, "a.txt", with("≥2次", "尽量降低成本"))
	if i := only(t, draft).Indicators[0]; len(draft.Problems) != 0 || i.Comparator != "" || i.Number != "" || i.ValueText != "尽量降低成本" {
		t.Errorf("%+v, problems %+v", i, draft.Problems)
	}
}
