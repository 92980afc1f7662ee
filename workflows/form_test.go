package workflows_test

import (
	"errors"
	"strings"
	"testing"

	"duban/models"
	"duban/workflows"
)

func TestEveryTypeOfFieldHasOneStoredForm(t *testing.T) {
	types := edit(small, "form:\n", `form:
  - {name: n, label: {zh: 数字, en: N}, type: number, min: -1.5, max: 10}
  - {name: m, label: {zh: 钱, en: M}, type: money, max: 50万元}
  - {name: d, label: {zh: 日期, en: D}, type: date, min: today, max: "2025-12-31"}
  - {name: c, label: {zh: 选项, en: C}, type: choice, options: [{value: a, label: {zh: 甲, en: A}}]}
  - {name: f, label: {zh: 附件, en: F}, type: file}
`)
	for _, tc := range []struct{ field, entered, stored, problem string }{
		{"n", " 007.50 ", "7.5", ""},
		{"n", "-1.5", "-1.5", ""},
		{"n", "-1.51", "", "数字：不得小于 -1.5"},
		{"n", "10.000001", "", "数字：不得大于 10"},
		{"n", "1e3", "", "数字：应为数字，整数不超过 9 位，小数不超过 6 位"},
		{"m", "+100", "100", ""},
		{"m", "50000001", "", "钱：不得大于 500000.00 元"},
		{"m", "1.5", "", "钱：应为以分计的整数"},
		{"d", "2025-06-02", "2025-06-02", ""},
		{"d", "2025-06-01", "", "日期：不得早于 当天"},
		{"d", "2026-01-01", "", "日期：不得晚于 2025-12-31"},
		{"d", "6月2日", "", "日期：应为日期，写作 2025-06-30"},
		{"c", "a", "a", ""},
		{"c", "b", "", "选项：不在可选项之内"},
		{"f", "file-7", "file-7", ""},
		{"f", strings.Repeat("x", 201), "", "附件：过长"},
		{"f", "\xff", "", "附件：含有无法识别的字符"},
		{"f", "  ", "", ""}, // blank is absent
	} {
		s := newStage(t, types)
		err := s.try(workflows.Action{
			Kind: workflows.Submit, By: owner, Case: workflows.Case{Kind: models.Custom},
			Form: workflows.Form{"reason": "需要", "amount": little, tc.field: tc.entered},
		})
		var refusal *workflows.Error
		if errors.As(err, &refusal) {
			if len(refusal.Fields) != 1 || refusal.Fields[0].Message != tc.problem {
				t.Errorf("%s %q: %v; want %s", tc.field, tc.entered, err, tc.problem)
			}
		} else if got, set := s.state.Form[tc.field]; tc.problem != "" || got != tc.stored || set != (tc.stored != "") {
			t.Errorf("%s %q is stored as %q", tc.field, tc.entered, got)
		}
	}
}
