package workflows

import (
	"slices"

	"duban/models"
)

// target returns the one person to whom an action hands something.
func (c *turn) target() (int64, error) {
	if len(c.a.To) != 1 || !c.people.reachable(c.a.To[0]) {
		return 0, refuse(CodeUnknownPerson, "请选择一位本单位在用的人员")
	}
	return c.a.To[0], nil
}

// transfer makes the decision another person's (转办). An administrator can
// transfer any task, with a reason; that is also how a seat without a person
// gets one.
func (c *turn) transfer() error {
	t, err := c.task()
	if err != nil {
		return err
	}
	if c.people.is(c.a.By, models.RoleAdmin) && c.a.By != t.Assignee {
		err = c.reasoned()
	} else {
		t, _, err = c.mine()
	}
	if err != nil {
		return err
	}
	return c.give(t, 0)
}

// give moves an undecided task to the action's target, from which it comes
// back to the lender, if there is one.
func (c *turn) give(t *Task, lender int64) error {
	to, err := c.target()
	if err != nil {
		return err
	}
	step, _ := c.def.Step(t.Step)
	if err := c.eligible(step, to); err != nil {
		return err
	}
	t.Lender = lender
	c.move(t, to)
	return nil
}

// move gives an undecided task to another person.
func (c *turn) move(t *Task, to int64) {
	t.Why.Hops = append(t.Why.Hops, Hop{c.a.Kind, t.Assignee, to, c.a.At})
	t.Assignee = to
	c.touch(t)
	if t.State == TaskOpen {
		c.emit(Notify{NotifyTask, c.reach(*t), t.ID})
	}
}

// delegate lends a task to somebody who prepares it (委派). The decision stays
// with the lender, so the borrower can only give it back.
func (c *turn) delegate() error {
	t, _, err := c.mine()
	if err != nil {
		return err
	}
	return c.give(t, t.Assignee)
}

// giveBack returns a lent task to its lender: by the borrower, or by the
// lender who wants it back (取回).
func (c *turn) giveBack() error {
	t, err := c.task()
	if err != nil {
		return err
	}
	if t.Lender == 0 {
		return refuse(CodeWrongState, "这个待办没有委派给别人")
	}
	if c.a.By != t.Lender {
		if _, err := c.authority(*t); err != nil {
			return err
		}
	}
	lender := t.Lender
	t.Lender = 0
	c.move(t, lender)
	return nil
}

// handOver moves everything undecided of a leaver to a successor (离职转办):
// the leaver's tasks, those lent out, and the part of the applicant.
func (c *turn) handOver() error {
	if err := c.admin(); err != nil {
		return err
	}
	to, err := c.target()
	if err != nil {
		return err
	}
	if to == c.a.From || c.a.From == 0 {
		return refuse(CodeUnknownPerson, "请选择移交人和另一位接手人")
	}
	if c.a.From == c.s.Applicant {
		if err := c.succeedApplicant(to); err != nil {
			return err
		}
	} else if !slices.ContainsFunc(c.s.Tasks, c.concerns) {
		return refuse(CodeWrongState, "%s在本流程没有待移交的事项", c.people.name(c.a.From))
	}
	for i := range c.s.Tasks {
		if t := &c.s.Tasks[i]; c.concerns(*t) {
			if err := c.succeed(t, to); err != nil {
				return err
			}
		}
	}
	return nil
}

// concerns reports whether a task is the leaver's to decide.
func (c *turn) concerns(t Task) bool {
	return !t.State.Done() && (t.Assignee == c.a.From || t.Lender == c.a.From)
}

// succeed gives one task of the leaver to the successor.
func (c *turn) succeed(t *Task, to int64) error {
	step, _ := c.def.Step(t.Step)
	if t.Lender == c.a.From && t.Assignee == to {
		t.Lender = 0 // the successor has it already, and now decides
		c.touch(t)
		return c.barred(step, to)
	}
	if err := c.eligible(step, to); err != nil {
		return err
	}
	if t.Lender == c.a.From {
		t.Lender = to
		c.touch(t)
		return nil
	}
	c.move(t, to)
	return nil
}

// succeedApplicant makes the successor the applicant, unless they have a part
// in the approval.
func (c *turn) succeedApplicant(to int64) error {
	for _, t := range c.s.Tasks {
		part := t.Assignee == to && t.State != TaskClosed || t.Lender == to || t.ActedBy == to || t.ActedFor == to
		if t.Step != ApplyStep && part {
			return refuse(CodeSelfApproval, "%s参与了本流程的审批，不能接手为申请人", c.people.name(to))
		}
	}
	c.s.Applicant = to
	if !slices.Contains(c.s.Applicants, to) {
		c.s.Applicants = append(c.s.Applicants, to)
	}
	return nil
}
