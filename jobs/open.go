package jobs

import (
	"errors"

	"duban/models"
	"duban/models/calendar"
	"duban/workflows"
)

// recordsGrace is for how many days a missed spending target waits for the
// vouchers of its last days to be recorded, before measures are asked for.
const recordsGrace = 10

// opensOn returns the day from which a rule's workflow opens by itself about
// an unfulfilled duty, or no date. Where payments decide, that is once they are
// on record up to the due date: nobody is to explain a gap that only the
// records have. As long as they are not, it is tomorrow, until they are late.
func opensOn(rule models.Rule, o models.Obligation, recordsAsOf, day calendar.Date) calendar.Date {
	if rule.OpensAt == nil || rule.Workflow == "" {
		return calendar.Date{}
	}
	opens := o.DueOn.AddDays(*rule.OpensAt)
	waits := o.Kind == models.SpendingTarget && *rule.OpensAt > 0 && recordsAsOf.Before(o.DueOn)
	if waits && !opens.After(day) && day.Before(opens.AddDays(recordsGrace)) {
		return day.AddDays(1)
	}
	return opens
}

// pending is a duty that is not fulfilled, with the workflow that it needs.
type pending struct {
	obligation int64
	workflow   string
}

// open begins the workflows that unfulfilled duties need (自动发起) in the
// transaction of their check, and returns how many. Which duties have one, or
// had one, is read with it, so that any number of sweeps begin one.
func (sw *Sweeper) open(tx *models.Tx, day calendar.Date, unmet []pending) (int, error) {
	if sw.Engine == nil || len(unmet) == 0 {
		return 0, nil
	}
	had, err := lastOf(tx, unmet)
	if err != nil {
		return 0, err
	}
	opened := 0
	for _, p := range unmet {
		if last, ok := had[p]; ok && !last.again(day) {
			continue
		}
		_, err := sw.Engine.BeginIn(tx, p.workflow, p.obligation, workflows.Action{Kind: workflows.Open})
		if refusal, ok := errors.AsType[*workflows.Error](err); ok {
			// One workflow that an administrator has not published, or for
			// another kind of duty, must not keep the others from opening.
			sw.Log.Warn("workflow could not be opened", "workflow", p.workflow, "obligation", p.obligation, "code", refusal.Code)
			continue
		}
		if err != nil {
			return 0, err
		}
		opened++
	}
	return opened, nil
}

// former is the last instance of a workflow about a duty.
type former struct {
	models.WorkflowInstance
	promised calendar.Date // of an approved corrective action
}

// again reports whether another instance is to follow: the records had cleared
// the duty and do so no longer, or what was promised has not come true. What a
// person has rejected, withdrawn or terminated is not begun again by itself.
func (f former) again(day calendar.Date) bool {
	switch workflows.Outcome(f.Outcome) {
	case workflows.Withdrawn:
		return f.EndedBy == workflows.System
	case workflows.Approved:
		return !f.promised.IsZero() && f.promised.Before(day)
	default:
		return false
	}
}

// lastOf reads the last instance of each workflow that duties need.
func lastOf(tx *models.Tx, unmet []pending) (map[pending]former, error) {
	duties := make([]int64, len(unmet))
	for i, p := range unmet {
		duties[i] = p.obligation
	}
	instances, err := tx.LatestInstances(duties)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(instances))
	for i, in := range instances {
		ids[i] = in.ID
	}
	promised, err := tx.PromisedOn(ids)
	if err != nil {
		return nil, err
	}
	had := make(map[pending]former, len(instances))
	for _, in := range instances {
		had[pending{in.ObligationID, in.Workflow}] = former{in, promised[in.ID]}
	}
	return had, nil
}
