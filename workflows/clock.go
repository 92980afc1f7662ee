package workflows

import (
	"duban/models"
	"duban/models/calendar"
)

// startClock begins the time limit of a task that opens.
func (c *turn) startClock(t *Task) {
	if step, _ := c.def.Step(t.Step); step.Limit > 0 {
		t.DueOn, t.Rung = c.people.addWorkdays(c.today, step.Limit), 0
	}
}

// stopClock takes the timer of an open task away.
func (c *turn) stopClock(t Task) {
	if !t.DueOn.IsZero() {
		c.emit(TimerCancelled{t.ID})
	}
}

// setTimer asks for the next rung of a task's ladder, if there is one.
func (c *turn) setTimer(t Task) {
	if rung, on, ok := c.nextRung(t); ok {
		if on.Before(c.today) {
			on = c.today
		}
		c.emit(TimerSet{t.ID, on, t.Rung, rung.Do})
	}
}

// nextRung returns the rung that a task has reached, and its day.
func (c *turn) nextRung(t Task) (Rung, calendar.Date, bool) {
	step, _ := c.def.Step(t.Step)
	if t.DueOn.IsZero() || t.Rung >= len(step.Ladder) {
		return Rung{}, calendar.Date{}, false
	}
	rung := step.Ladder[t.Rung]
	return rung, c.people.addWorkdays(t.DueOn, rung.After), true
}

// deadline climbs one rung. It never decides, and a reminder leaves the links
// that were sent out valid.
func (c *turn) deadline() error {
	if _, ok := c.s.Task(c.a.Task); !ok {
		return refuse(CodeUnknownTask, "没有这个待办")
	}
	t := &c.s.Tasks[c.a.Task-1]
	rung, on, ok := c.nextRung(*t)
	switch {
	case t.State.Done():
		return alreadyDecided(c.people, *t)
	case t.State != TaskOpen || !ok || c.a.Rung != t.Rung:
		return refuse(CodeWrongState, "这个时限已处理或不存在")
	case c.today.Before(on):
		return tooSoon(on.At(0, 0))
	}
	t.Rung++
	c.climb(t, rung.Do)
	c.setTimer(*t)
	return nil
}

// climb does what a rung says.
func (c *turn) climb(t *Task, do RungAction) {
	switch do {
	case RungRemind:
		c.emit(Notify{NotifyRemind, c.reach(*t), t.ID})
	case RungUrge:
		c.emit(Notify{NotifyUrge, c.reach(*t), t.ID})
	case RungCopyManager:
		if managers := c.managers(); len(managers) > 0 {
			c.emit(Notify{NotifyOverdue, managers, t.ID}) // which says that it is a copy
			if added := c.addCopies(System, managers); len(added) > 0 {
				c.emit(Copied{added})
			}
		}
	case RungTransferUp:
		c.transferUp(t)
	case RungOverdueList:
		t.Overdue = true
		c.emit(ListedOverdue{t.ID})
	}
}

// managers returns the project's manager, or those of the unit.
func (c *turn) managers() []int64 {
	if named := c.people.holders(Party{Kind: PartyManager}); len(named) > 0 {
		return named
	}
	return c.people.holders(Party{Kind: PartyRole, Role: models.RoleManager})
}

// transferUp gives an overdue task to the next one up from its responsible
// person (逐级上移). At the top it stays, and the administrators hear of it.
func (c *turn) transferUp(t *Task) {
	step, _ := c.def.Step(t.Step)
	responsible := t.Assignee
	if t.Lender != 0 {
		responsible = t.Lender
	}
	up := c.nextUp(step, responsible)
	if up == 0 || up == t.Assignee || c.hasSeat(up) {
		c.emit(Notify{NotifyOverdue, c.people.holders(Party{Kind: PartyRole, Role: models.RoleAdmin}), t.ID})
		return
	}
	t.Lender = 0
	c.move(t, up)
}

// suspend stops the clocks of the instance (挂起).
func (c *turn) suspend() error {
	if err := c.admin(); err != nil {
		return err
	}
	c.s.Suspended, c.s.SuspendedOn, c.s.Reason = true, c.today, c.a.Comment
	for i := range c.s.Tasks {
		if t := &c.s.Tasks[i]; t.State == TaskOpen && !t.DueOn.IsZero() {
			c.stopClock(*t)
			t.Remaining = c.people.workdaysUntil(c.today, t.DueOn)
		}
	}
	return nil
}

// resume lets the clocks run on with the workdays that were left (恢复).
func (c *turn) resume() error {
	if err := c.admin(); err != nil {
		return err
	}
	if !c.s.Suspended {
		return refuse(CodeWrongState, "流程没有挂起")
	}
	c.s.Suspended, c.s.SuspendedOn, c.s.Reason = false, calendar.Date{}, ""
	for i := range c.s.Tasks {
		if t := &c.s.Tasks[i]; t.State == TaskOpen && !t.DueOn.IsZero() {
			t.DueOn = c.people.addWorkdays(c.today, t.Remaining)
			t.Remaining = 0
			c.setTimer(*t)
		}
	}
	return nil
}

// maxAhead bounds a due date that an administrator sets, in days.
const maxAhead = 366

// reschedule gives an open task another due date (调整时限), from which the
// rungs that are still ahead are counted. Links that were sent stay valid.
func (c *turn) reschedule() error {
	if err := c.admin(); err != nil {
		return err
	}
	t, err := c.task()
	if err != nil {
		return err
	}
	if c.a.DueOn.Before(c.today) || c.a.DueOn.After(c.today.AddDays(maxAhead)) {
		return refuse(CodeFormInvalid, "新的到期日应在今天到一年之内")
	}
	t.DueOn, t.Rung, t.Overdue = c.a.DueOn, 0, false
	_, on, ok := c.nextRung(*t)
	for ok && on.Before(c.today) {
		t.Rung++
		_, on, ok = c.nextRung(*t)
	}
	if ok {
		c.setTimer(*t)
	} else {
		c.stopClock(*t)
	}
	return nil
}
