package workflows

import (
	"cmp"
	"fmt"

	"duban/models"
)

// apply does what follows from an action, in the order in which the decision
// asks for it. An error undoes the action.
func (r *run) apply(a Action, effects []Effect) error {
	var tasks []models.WorkflowTask
	for _, e := range effects {
		if changed, ok := e.(TaskChanged); ok {
			tasks = append(tasks, r.taskRow(changed.Task))
		}
	}
	if err := r.tx.SaveTasks(tasks); err != nil {
		return err
	}
	for _, e := range effects {
		if err := r.effect(a, e); err != nil {
			return fmt.Errorf("instance %d: %T: %w", r.row.ID, e, err)
		}
	}
	if a.Kind == MarkRead {
		return r.tx.MarkCopyRead(r.row.ID, a.By)
	}
	return nil
}

// taskRow is a task as lists need it.
func (r *run) taskRow(t Task) models.WorkflowTask {
	return models.WorkflowTask{
		InstanceID: r.row.ID, Task: t.ID, Version: int64(t.Version), Step: t.Step, State: string(t.State),
		AssigneeID: t.Assignee, LenderID: t.Lender, ActedBy: t.ActedBy, ActedFor: t.ActedFor,
		TouchedAt: t.TouchedAt, DueOn: t.DueOn, Overdue: t.Overdue,
	}
}

func (r *run) effect(a Action, e Effect) error {
	switch e := e.(type) {
	case TaskChanged, ListedOverdue: // stored with the tasks
		return nil
	case TimerSet:
		return r.tx.SetTimer(models.WorkflowTimer{InstanceID: r.row.ID, Task: e.Task, Rung: e.Rung, FireAt: e.On.At(timerHour, timerMinute)})
	case TimerCancelled:
		return r.tx.CancelTimer(r.row.ID, e.Task)
	case Copied:
		return r.tx.AddCopies(r.row.ID, e.To)
	case Notify:
		return r.notify(a, e)
	case Business:
		return r.business(e)
	case Ended: // stored with the instance
		return nil
	}
	return fmt.Errorf("unknown effect %T", e)
}

// The time of the day, in Shanghai, at which time limits are acted upon: when
// offices open, so that nobody is written to at night.
const (
	timerHour   = 8
	timerMinute = 30
)

// business changes the records as an approval says (业务效果).
func (r *run) business(e Business) error {
	o := r.matter.Obligation
	switch e.Do {
	case MoveDueDate:
		to, err := dateValue(e.Values["date"])
		if err != nil {
			return err
		}
		return r.tx.MoveDueDate(o.ID, r.row.ID, to, e.Values["reason"])
	case ReviseBudget:
		return r.reviseBudget(e)
	case CloseObligation:
		return r.closeDuty(r.today(), cmp.Or(e.Values["note"], r.def.Title.Chinese))
	case RefineBudget:
		return r.refineBudget(e)
	case RecordReport:
		return r.recordReport(e)
	case CloseAfterVerification:
		on, err := dateValue(e.Values["verified_on"])
		if err != nil {
			return err
		}
		return r.closeDuty(on, "回查："+e.Values["note"])
	}
	return fmt.Errorf("unknown business effect %q", e.Do)
}
