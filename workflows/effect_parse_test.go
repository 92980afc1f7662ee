package workflows_test

import (
	"strings"
	"testing"

	"duban/workflows"
)

// A definition whose last approval could never take effect is not accepted.
func TestEffectsThatWouldFailForEverAreProblems(t *testing.T) {
	for _, c := range []struct{ workflow, from, to, says string }{
		{"monitoring", "kinds: [monitoring]", "kinds: [monitoring, spending_target]", "“spending_target”以支出记录为准"},
		{"rectification", "kinds: [rectification]", "kinds: [rectification, recurring]", "“recurring”以支出记录为准"},
		{"monitoring", "  - do: close_obligation\n    with: {note: goals}\n", "  - do: record_report\n    with: {goals: goals}\n", "record_report 只能写一次"},
		{"refinement", "max: 64", "max: 65", "列 code 应写 max，不超过 64"},
		{"refinement", "max: 120", "max: 256", "列 name 应写 max，不超过 255"},
		{
			"monitoring", "form:\n", "form:\n  - {name: more, label: {zh: 再填, en: More}, type: table, rows: indicators, " +
				"columns: [{name: actual, label: {zh: 完成值, en: Actual}, type: text}]}\n", "rows: indicators 的表格最多一个",
		},
	} {
		_, err := workflows.Parse(replaceOnce(t, builtin(t, c.workflow).Source(), c.from, c.to))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s with %q: %v", c.workflow, c.to, err)
		}
	}
}
