package workflows_test

import (
	"errors"
	"strings"
	"testing"

	"duban/models"
	"duban/workflows"
)

// FuzzParse requires that any text is either refused with problems or read as
// a definition that can be drawn and read again.
func FuzzParse(f *testing.F) {
	f.Add(small)
	for seed := range uint64(4) {
		f.Add((&dice{randomBytes(seed)}).definition())
	}
	catalog, err := workflows.Builtin()
	if err != nil {
		f.Fatal(err)
	}
	for _, d := range catalog {
		f.Add(d.Source())
	}
	f.Fuzz(func(t *testing.T, source string) {
		d, err := workflows.Parse(source)
		if err != nil {
			var invalid workflows.InvalidError
			if !errors.As(err, &invalid) || len(invalid) == 0 || err.Error() == "" {
				t.Fatalf("an untyped error: %v", err)
			}
			return
		}
		if err := d.Validate(); err != nil {
			t.Fatalf("parsed, but not valid: %v", err)
		}
		if g := d.Graph(models.Chinese); g.SVG() == "" || g.DOT() == "" {
			t.Fatal("nothing is drawn")
		}
		if _, err := workflows.Parse(d.Source()); err != nil {
			t.Fatalf("its own source is refused: %v", err)
		}
	})
}

// Each case changes one thing of the small definition.
func TestEveryProblemNamesLineStepAndField(t *testing.T) {
	for _, tc := range []struct{ name, old, replacement, want string }{
		{"an unknown key at the top", "version: 1", "version: 1\nowner: x", "第 4 行，owner：没有这一项，可用：apply、effects、form、key、kinds、steps、title、upwards、urge_hours、version、withdraw"},
		{"an unknown key of a step", "    limit: 3", "    limits: 3", "第 17 行，步骤 confirm，limits：没有这一项，可用：copies、duplicate、empty、fills、id、ladder、limit、mode、self、separate_from、share、title、when、who"},
		{"an unknown key of a field", "max: 20", "maximum: 20", "第 7 行，form[1].maximum：没有这一项，可用：columns、label、max、min、name、options、required、rows、sum、type"},
		{"a key that stands twice", "version: 1", "version: 1\nversion: 2", "第 4 行，version：重复，第 3 行已写过"},
		{"text for a number", "version: 1", `version: "1"`, "第 3 行，version：应为整数，不加引号"},
		{"a number for a list", "kinds: [custom]", "kinds: 3", "第 5 行，kinds：应为列表"},
		{"a bad key", "key: small", "key: 小", "第 2 行，key：“小”应由小写字母开头，只含小写字母、数字和下划线，不超过 64 位"},
		{"a version of zero", "version: 1", "version: 0", "第 3 行，version：应为 1 或更大的整数"},
		{"a title in one language", ", en: Confirm", "", "第 15 行，步骤 confirm，title：应写明中文 zh 和英文 en"},
		{"an unknown kind", "[custom]", "[customs]", "第 5 行，kinds[1]：“customs”应为 spending_target、completion、recurring、refinement、monitoring、self_evaluation、procurement、rectification、custom 之一"},
		{"an unknown type", "type: money", "type: cash", "第 8 行，form[2].type：“cash”应为 text、number、money、date、choice、file、table 之一"},
		{"a bound that is no amount", "min: 0}", "min: 多}", "第 8 行，form[2].min：金额 \"多\"：不是数字"},
		{"a length that is no number", "max: 20", "max: 长", "第 7 行，form[1].max：“长”不适用于 text 类型"},
		{"a maximum below the minimum", "max: 20", "min: 30, max: 20", "第 7 行，form[1].max：不得小于 min"},
		{"a field named as the case", "name: reason", "name: gap", "第 7 行，form[1].name：gap 是事项本身的数据，字段不能叫这个名字"},
		{"two fields of one name", "name: reason", "name: amount", "第 8 行，form[2].name：字段 amount 重复"},
		{"options of a text", "max: 20", "options: [{value: a, label: {zh: 甲, en: A}}]", "第 7 行，form[1].options：choice 类型应有选项，其他类型不应有"},
		{"somebody unknown", "who: [role:leader]", "who: [boss]", "第 24 行，步骤 approve，who[1]：“boss”不是办理人，应为 owner、manager、unit_leader、role:角色 或 account:账号"},
		{"nobody", "who: [role:leader]", "who: []", "第 24 行，步骤 approve，who：至少写一个办理人"},
		{"an unknown mode", "mode: all", "mode: both", "第 21 行，步骤 check，mode：“both”应为 any、all、sequential、share 之一"},
		{"a share of nothing", "mode: all", "mode: share", "第 18 行，步骤 check，share：mode 为 share 时应大于 0% 且不超过 100%，其他时候不写"},
		{"a share of too much", "mode: all", "mode: share\n    share: 101%", "第 22 行，步骤 check，share：mode 为 share 时应大于 0% 且不超过 100%，其他时候不写"},
		{"a condition that does not parse", "when: amount >= 50 * wan", "when: amount >=", "第 25 行，步骤 approve，when：条件无法解析：unexpected token EOF (1:9)"},
		{"a condition that asks the clock", "when: amount >= 50 * wan", "when: now() != now()", "第 25 行，步骤 approve，when：条件无法解析：unknown name now (1:1)"},
		{"a condition that is no truth", "when: amount >= 50 * wan", "when: amount", "第 25 行，步骤 approve，when：条件无法解析：expected bool, but got int64"},
		{"a condition on a field that may be blank", "type: money, required: true", "type: money", "第 25 行，步骤 approve，when：字段 amount 应为必填，且由填报或之前的必经步骤填写"},
		{"a condition on what is filled in later", "when: amount >= 50 * wan", "when: amount >= 50 * wan\n    fills: [amount]", "第 25 行，步骤 approve，when：字段 amount 应为必填，且由填报或之前的必经步骤填写"},
		{"a limit of years", "limit: 3", "limit: 300", "第 17 行，步骤 confirm，limit：应为 1 到 250 个工作日"},
		{"a ladder without a limit", "mode: all", "ladder: [{after: 0, do: urge}]", "第 21 行，步骤 check，ladder：没有时限 limit 就没有到期处理"},
		{"a ladder that approves", "limit: 3", "limit: 3\n    ladder: [{after: 0, do: approve}]", "第 18 行，步骤 confirm，ladder[1].do：“approve”应为 remind、urge、copy_manager、transfer_up、overdue_list 之一"},
		{"a ladder that goes back", "limit: 3", "limit: 3\n    ladder: [{after: 1, do: urge}, {after: 0, do: remind}]", "第 18 行，步骤 confirm，ladder[2].after：应按先后排列"},
		{"an apply step that climbs", "empty: [manager]", "limit: 2\n  ladder: [{after: 0, do: transfer_up}]", "第 13 行，步骤 apply，ladder：填报不能上移：上级填报后就不能审批"},
		{"an apply step that is skipped", "empty: [manager]", "empty: skip", "第 12 行，步骤 apply，empty：“skip”应为 error、fallback 之一"},
		{"two steps of one id", "id: check", "id: confirm", "第 18 行，步骤 confirm，id：步骤 confirm 重复"},
		{"a separation from a later step", "mode: all", "separate_from: [approve]", "第 21 行，步骤 check，separate_from[1]：步骤 approve 应在本步骤之前"},
		{"a separation from nothing", "mode: all", "separate_from: [x]", "第 21 行，步骤 check，separate_from[1]：没有步骤 x；申请人本来就不能办理"},
		{"filling in together", "mode: all", "mode: all\n    fills: [reason]", "第 22 行，步骤 check，fills：填写字段的步骤应为或签 any"},
		{"filling in what there is not", "mode: all", "fills: [x]", "第 21 行，步骤 check，fills[1]：表单没有字段 x"},
		{"an unknown effect", "steps:", "effects: [{do: pay}]\nsteps:", "第 13 行，effects[1].do：“pay”应为 move_due_date、revise_budget、close_obligation、refine_budget、record_report、close_after_verification 之一"},
		{"an effect without what it needs", "steps:", "effects: [{do: revise_budget, with: {amount: amount}}]\nsteps:", "第 13 行，effects[1].with：revise_budget 缺少参数 reason"},
		{"an effect of the wrong type", "steps:", "effects: [{do: move_due_date, with: {date: amount, reason: reason}}]\nsteps:", "第 13 行，effects[1].with.date：字段 amount 的类型 money 不适用"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			source := strings.Replace(small, tc.old, tc.replacement, 1)
			if source == small {
				t.Fatal("the case changes nothing")
			}
			_, err := workflows.Parse(source)
			var invalid workflows.InvalidError
			if !errors.As(err, &invalid) {
				t.Fatalf("it was accepted: %v", err)
			}
			for _, p := range invalid {
				if p.String() == tc.want {
					return
				}
			}
			t.Errorf("got  %v\nwant %s", err, tc.want)
		})
	}
}

func TestAllProblemsAreFoundAtOnceInTheOrderOfTheirLines(t *testing.T) {
	source := strings.NewReplacer("version: 1", "version: 0", "limit: 3", "limit: 999", "mode: all", "mode: both").Replace(small)
	_, err := workflows.Parse(source)
	var invalid workflows.InvalidError
	if !errors.As(err, &invalid) || len(invalid) != 3 {
		t.Fatalf("got %v", err)
	}
	for i, line := range []int{3, 17, 21} {
		if invalid[i].Line != line {
			t.Errorf("problem %d is in line %d; want %d", i, invalid[i].Line, line)
		}
	}
}

func TestAWorkflowNeedsOneStepThatCannotBeAvoided(t *testing.T) {
	for _, source := range []string{
		"key: x",
		strings.NewReplacer("    limit: 3\n", "    when: amount > 1\n", "    mode: all\n", "    empty: skip\n").Replace(small),
	} {
		if _, err := workflows.Parse(source); err == nil {
			t.Errorf("accepted: %s", source)
		} else if !strings.Contains(err.Error(), "至少要有一个无条件、不可跳过的步骤") {
			t.Errorf("got %v", err)
		}
	}
}
