package workflows

import (
	"fmt"
	"maps"
	"slices"

	"duban/models/calendar"
	"duban/models/money"
)

// CodeOutdated refuses an approval because the records that the instance was
// begun on have changed. Rejecting it, or withdrawing, lets somebody begin anew.
const CodeOutdated Code = "outdated"

// admissible refuses a form that could not take effect. Whoever changes the
// form learns of it at once; it is asked again before the effects, because the
// records may have changed since. A refusal leaves the instance as it was, so
// whoever decides can still send it back or reject it.
func (r *run) admissible() error {
	changed, ends := r.is.FormHash != r.was.FormHash, r.is.Outcome == Approved
	if !changed && !ends {
		return nil
	}
	for _, e := range r.def.Effects {
		var err error
		switch e.Do {
		case ReviseBudget:
			err = r.admissibleRevision(e, ends)
		case RefineBudget:
			err = r.admissibleBreakdown(ends)
		case MoveDueDate:
			err = r.admissibleDate(e)
		case CloseAfterVerification:
			err = r.admissibleVerification(e)
		case CloseObligation, RecordReport:
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// wrong refuses the value of one field.
func (r *run) wrong(field, format string, args ...any) error {
	f, _ := r.def.Field(field)
	return formInvalid([]FieldProblem{{field, f.Label.Chinese + "：" + fmt.Sprintf(format, args...)}})
}

// unrevised refuses to let an approval take effect on another budget than the
// one that it was decided about.
func (r *run) unrevised(ends bool) error {
	p := r.matter.Project
	if !ends || p.ID == 0 || p.Budget == r.is.Case.Budget {
		return nil
	}
	return refuse(CodeOutdated, "项目预算已由 %s 元变为 %s 元，与本流程的依据不符，请驳回后重新申请", r.is.Case.Budget, p.Budget)
}

func (r *run) admissibleRevision(e Completion, ends bool) error {
	if r.matter.Project.ID == 0 {
		return refuse(CodeNotAllowed, "这一事项不属于具体项目，不能调剂预算")
	}
	if stated, ok := r.is.Form[e.With["amount"]]; ok {
		amount, err := fenValue(stated)
		if err != nil {
			return err
		}
		if amount < r.is.Case.Paid {
			return r.wrong(e.With["amount"], "不得小于已支付的 %s 元", r.is.Case.Paid)
		}
	}
	plan, err := r.plan(Business{Do: e.Do, Values: map[string]string{"plan": r.is.Form[e.With["plan"]]}})
	if err != nil {
		return r.wrong(e.With["plan"], "百分比最多 4 位小数")
	}
	var last money.Percent
	for _, p := range plan {
		if p.Percent < last {
			return r.wrong(e.With["plan"], "累计支出应逐个时点不降，%s 的 %s 低于之前的 %s", p.Label, p.Percent, last)
		}
		last = p.Percent
	}
	return r.unrevised(ends)
}

// admissibleBreakdown refuses codes that are used twice.
func (r *run) admissibleBreakdown(ends bool) error {
	field := r.def.supplier(RefineBudget, "breakdown")
	items, _, err := r.breakdown(r.is.Form[field.Name])
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, it := range items {
		if it.Code != "" && seen[it.Code] {
			return r.wrong(field.Name, "项目编码 %s 重复", it.Code)
		}
		seen[it.Code] = true
	}
	delete(seen, "")
	stored, err := r.tx.Projects(r.matter.Obligation.FiscalYear, slices.Sorted(maps.Keys(seen)))
	if err != nil {
		return err
	}
	if taken := slices.Sorted(maps.Keys(stored)); len(taken) > 0 {
		return r.wrong(field.Name, "项目编码 %s 在 %d 年度已有项目", taken[0], r.matter.Obligation.FiscalYear)
	}
	return r.unrevised(ends)
}

// admissibleDate refuses an extension that would not extend.
func (r *run) admissibleDate(e Completion) error {
	field, due := e.With["date"], r.matter.Obligation.DueOn
	stated, ok := r.is.Form[field]
	if !ok {
		return nil
	}
	to, err := dateValue(stated)
	switch {
	case err != nil:
		return err
	case !to.After(due):
		return r.wrong(field, "应晚于现在的到期日 %s", due)
	case to.Before(r.today()):
		return r.wrong(field, "%s 已过，请退回修改", to)
	}
	return nil
}

// admissibleVerification refuses a re-inspection (回查) that lies before what it
// inspects, or in the future.
func (r *run) admissibleVerification(e Completion) error {
	field := e.With["verified_on"]
	stated, ok := r.is.Form[field]
	if !ok {
		return nil
	}
	on, err := dateValue(stated)
	if err != nil {
		return err
	}
	reported := r.reportedOn()
	if on.Before(reported) || on.After(r.today()) {
		return r.wrong(field, "应在报告整改情况的 %s 至今天之间", reported)
	}
	return nil
}

// reportedOn returns the day of the latest submission.
func (r *run) reportedOn() calendar.Date {
	for _, t := range slices.Backward(r.is.Tasks) {
		if t.State == TaskSubmitted {
			return calendar.DateOf(t.TouchedAt)
		}
	}
	return calendar.Date{}
}
