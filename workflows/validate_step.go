package workflows

import (
	"fmt"
	"slices"
)

func (k *checker) apply() {
	s := k.def.Apply
	if s.ID == "" {
		k.fail("", "apply", "缺少填报步骤")
		return
	}
	k.text(s.ID, "title", s.Title)
	k.people(s)
	oneOf(k, s.ID, "empty", s.Empty, EmptyError, EmptyFallback)
	k.limit(s)
	if slices.ContainsFunc(s.Ladder, func(r Rung) bool { return r.Do == RungTransferUp }) {
		k.fail(s.ID, "ladder", "填报不能上移：上级填报后就不能审批")
	}
}

func (k *checker) oneStep(i int, s Step) {
	k.identifier(s.ID, "id", s.ID)
	if s.ID == ApplyStep || k.def.index(s.ID) != i {
		k.fail(s.ID, "id", "步骤 %s 重复", s.ID)
	}
	k.text(s.ID, "title", s.Title)
	k.people(s)
	oneOf(k, s.ID, "mode", s.Mode, ModeAny, ModeAll, ModeSequential, ModeShare)
	if !s.shareValid() {
		k.fail(s.ID, "share", "mode 为 share 时应大于 0%% 且不超过 100%%，其他时候不写")
	}
	oneOf(k, s.ID, "empty", s.Empty, EmptyError, EmptySkip, EmptyFallback)
	oneOf(k, s.ID, "duplicate", s.Duplicate, DuplicateAsk, DuplicateMerge)
	oneOf(k, s.ID, "self", s.Self, SelfUp, SelfAllow)
	k.limit(s)
	k.condition(i, s)
	k.separation(i, s)
	k.fills(s)
}

func (k *checker) people(s Step) {
	if len(s.Who) == 0 {
		k.fail(s.ID, "who", "至少写一个办理人")
	}
	if s.Empty == EmptyFallback && len(s.Fallback) == 0 {
		k.fail(s.ID, "empty", "后备办理人不能为空")
	}
}

func (k *checker) limit(s Step) {
	if s.Limit < 0 || s.Limit > maxLimit {
		k.fail(s.ID, "limit", "应为 1 到 %d 个工作日", maxLimit)
	}
	if s.Limit == 0 && len(s.Ladder) > 0 {
		k.fail(s.ID, "ladder", "没有时限 limit 就没有到期处理")
	}
	for i, r := range s.Ladder {
		at := fmt.Sprintf("ladder[%d]", i+1)
		oneOf(k, s.ID, at+".do", r.Do, RungRemind, RungUrge, RungCopyManager, RungTransferUp, RungOverdueList)
		if r.After < -s.Limit || r.After > maxLimit {
			k.fail(s.ID, at+".after", "应在 -%d 到 %d 之间", s.Limit, maxLimit)
		}
		if i > 0 && r.After < s.Ladder[i-1].After {
			k.fail(s.ID, at+".after", "应按先后排列")
		}
	}
}

// condition requires that a condition looks only at what is certainly known
// when it is asked: a blank amount must not choose the way without a leader.
func (k *checker) condition(i int, s Step) {
	for _, name := range s.When.uses {
		if _, known := caseNames()[name]; known {
			continue
		}
		f, ok := k.def.Field(name)
		if !ok {
			k.fail(s.ID, "when", "条件不能使用 %s", name)
			continue
		}
		if k.def.index(k.def.FilledAt(name)) >= i || !k.certain(f) {
			k.fail(s.ID, "when", "字段 %s 应为必填，且由填报或之前的必经步骤填写", name)
		}
	}
}

func (k *checker) separation(i int, s Step) {
	for n, id := range s.SeparateFrom {
		at := fmt.Sprintf("separate_from[%d]", n+1)
		switch j := k.def.index(id); {
		case j < 0:
			k.fail(s.ID, at, "没有步骤 %s；申请人本来就不能办理", id)
		case j >= i:
			k.fail(s.ID, at, "步骤 %s 应在本步骤之前", id)
		}
	}
}

// fills requires that one person alone fills a field in: where several decide,
// the later would change what the earlier agreed to.
func (k *checker) fills(s Step) {
	for n, name := range s.Fills {
		at := fmt.Sprintf("fills[%d]", n+1)
		f, ok := k.def.Field(name)
		if !ok {
			k.fail(s.ID, at, "表单没有字段 %s", name)
		}
		if f.Computed() {
			k.fail(s.ID, at, "字段 %s 自动合计，不由人填写", name)
			continue
		}
		if k.def.FilledAt(name) != s.ID || slices.Contains(s.Fills[:n], name) {
			k.fail(s.ID, at, "字段 %s 已由别处填写", name)
		}
	}
	if len(s.Fills) == 0 {
		return
	}
	if s.Mode != ModeAny {
		k.fail(s.ID, "fills", "填写字段的步骤应为或签 any")
	}
	if s.Duplicate == DuplicateMerge {
		k.fail(s.ID, "duplicate", "填写字段的步骤不能合并")
	}
}

// path requires that no instance can be approved without a decision.
func (k *checker) path() {
	if len(k.def.Steps) > maxSteps {
		k.fail("", "steps", "最多 %d 个步骤", maxSteps)
	}
	if !slices.ContainsFunc(k.def.Steps, Step.inevitable) {
		k.fail("", "steps", "至少要有一个无条件、不可跳过的步骤")
	}
}
