package importer

import (
	"slices"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

const planField = "资金支出计划"

// plan reads the checkpoints of the spending plan, by date. A blank cell is no
// target; a cell that is no percentage is flagged and is no target either.
func (t *tableInterpreter) plan(p *ProjectDraft) error {
	stated := map[calendar.Date]bool{}
	for _, c := range t.found.plan {
		due, err := checkpointDate(c.label, t.year)
		if err != nil {
			return &Error{
				File: t.file, Sheet: c.sheet, Line: c.line, Code: ErrCheckpointUnreadable, Field: planField,
				Value: c.label, Expected: checkpointsExpected,
			}
		}
		if stated[due] {
			t.flag(c.line, FlagCheckpointRepeated, planField, c.label, "栏目“"+c.label+"”与另一栏是同一天；每个时点应只有一栏")
			continue
		}
		stated[due] = true
		if due.Year() != t.year {
			t.flag(c.line, FlagDeadlineOutsideYear, planField, c.label, "栏目“"+c.label+"”不在预算年度"+yearText(t.year)+"内；应更正或确认")
		}
		t.checkpoint(p, c, due)
	}
	slices.SortFunc(p.Targets, func(a, b models.Target) int { return a.DueOn.Compare(b.DueOn) })
	slices.SortFunc(p.Blank, func(a, b BlankTarget) int { return a.DueOn.Compare(b.DueOn) })
	t.checkPlan(p.Targets)
	return nil
}

// checkpoint reads the share below one heading.
func (t *tableInterpreter) checkpoint(p *ProjectDraft, c foundCheckpoint, due calendar.Date) {
	if money.IsBlank(c.value.text) {
		p.Blank = append(p.Blank, BlankTarget{Label: c.label, DueOn: due})
		return
	}
	share, err := money.ParsePercent(c.value.number())
	if err != nil || share < 0 {
		t.flag(c.line, FlagPercentUnreadable, planField, c.value.text,
			c.label+"的“"+c.value.text+"”不能读作百分比；应为 0% 至 100%，至多四位小数")
		return
	}
	p.Targets = append(p.Targets, models.Target{DueOn: due, Label: c.label, Percent: share})
}

// checkPlan flags a cumulative plan that falls, exceeds the budget, or does
// not reach it in the end.
func (t *tableInterpreter) checkPlan(targets []models.Target) {
	line := t.found.planAt.line
	if len(targets) == 0 {
		t.flag(max(line, t.found.line), FlagPlanMissing, planField, "", "没有写明任何一个时点的资金支出计划")
		return
	}
	for i, target := range targets {
		if i > 0 && target.Percent < targets[i-1].Percent {
			t.flag(line, FlagPlanFalls, planField, target.Percent.String(), target.Label+"的累计计划 "+target.Percent.String()+
				" 低于"+targets[i-1].Label+"的 "+targets[i-1].Percent.String()+"；累计百分比不应下降")
		}
		if target.Percent > money.Whole {
			t.flag(line, FlagPlanOver100, planField, target.Percent.String(), target.Label+"的累计计划 "+target.Percent.String()+" 超过 100%")
		}
	}
	if last := targets[len(targets)-1]; last.Percent < money.Whole {
		t.flag(line, FlagPlanNotFull, planField, last.Percent.String(), "最后一个时点"+last.Label+"的累计计划是 "+last.Percent.String()+"；应为 100%")
	}
}
