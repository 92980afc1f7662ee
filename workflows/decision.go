package workflows

import "slices"

// decideTask records a decision on a task.
func (c *turn) decideTask(t *Task, state TaskState, actedFor int64) {
	t.ActedBy, t.ActedFor = c.a.By, actedFor
	c.finish(t, state)
}

// approve agrees (同意), and fills in the fields of the step.
func (c *turn) approve() error {
	t, actedFor, err := c.mine()
	if err != nil {
		return err
	}
	if t.Step == ApplyStep {
		return refuse(CodeWrongState, "请填写后提交")
	}
	fills := t.Step
	if t.Parent != 0 {
		fills = "" // an added signer advises on the form and fills nothing in
	}
	if err := c.takeForm(fills); err != nil {
		return err
	}
	c.decideTask(t, TaskApproved, actedFor)
	if step, _ := c.def.Step(t.Step); step.Mode == ModeAny && t.Parent == 0 {
		seat := t.ID
		c.closeTasks(func(other Task) bool { return !c.s.below(other, seat) })
	}
	c.settle()
	return nil
}

// below reports whether a task is the given seat, or was added to it.
func (s State) below(t Task, seat int) bool {
	for t.ID != seat {
		if t.Parent == 0 {
			return false
		}
		t = s.Tasks[t.Parent-1]
	}
	return true
}

// reject refuses (驳回). Whether that ends the instance depends on the mode.
func (c *turn) reject() error {
	t, actedFor, err := c.mine()
	if err != nil {
		return err
	}
	if t.Step == ApplyStep {
		return refuse(CodeWrongState, "填报步骤不能驳回，可以撤回")
	}
	if err := c.reasoned(); err != nil {
		return err
	}
	c.decideTask(t, TaskRejected, actedFor)
	c.settle()
	return nil
}

// sendBack takes a passed step, and for 逐级 all behind it, off the list of
// passed ones and enters it again (退回).
func (c *turn) sendBack() error {
	t, actedFor, err := c.mine()
	if err != nil {
		return err
	}
	if err := c.reasoned(); err != nil {
		return err
	}
	if !slices.ContainsFunc(c.s.Passed, func(p Pass) bool { return p.Step == c.a.Step && p.Round > 0 }) {
		e := refuse(CodeUnknownStep, "只能退回到已办理的步骤")
		e.Step = c.a.Step
		return e
	}
	c.decideTask(t, TaskSentBack, actedFor)
	c.closeTasks(func(Task) bool { return true })

	target, _ := c.def.Step(c.a.Step)
	at := c.def.index(target.ID)
	c.s.Passed = slices.DeleteFunc(c.s.Passed, func(p Pass) bool {
		return p.Step == target.ID || !c.a.Straight && c.def.index(p.Step) > at
	})
	if len(c.s.Passed) == 0 {
		c.s.Passed = nil
	}
	c.s.Return = &Return{From: c.s.Step, Straight: c.a.Straight}
	if target.ID == ApplyStep {
		c.enter(target, c.applicantSeat())
	} else {
		c.enter(target, c.seatsAgain(target))
	}
	c.settle()
	return nil
}

// applicantSeat asks the applicant again, or nobody if they have left.
func (c *turn) applicantSeat() []seat {
	if !c.people.active(c.s.Applicant) {
		return []seat{{0, Reason{How: OriginNobody}}}
	}
	return []seat{{c.s.Applicant, Reason{How: OriginApplicant}}}
}

// seatsAgain resolves a step to which the instance is sent back. It was asked
// to decide again, so it is not skipped even if its people have left.
func (c *turn) seatsAgain(step Step) []seat {
	if seats := c.seats(step); len(seats) > 0 {
		return seats
	}
	return []seat{{0, Reason{How: OriginNobody}}}
}

// withdraw takes the application back (撤回). The system does so when later
// data show that nothing needs to be decided any more.
func (c *turn) withdraw() error {
	if c.a.By == System {
		if err := c.reasoned(); err != nil {
			return err
		}
		c.end(Withdrawn)
		return nil
	}
	if c.a.By != c.s.Applicant {
		return refuse(CodeNotAllowed, "只有申请人可以撤回")
	}
	switch c.def.Withdraw {
	case WithdrawNever:
		return refuse(CodeNotAllowed, "此流程不允许撤回")
	case WithdrawUndecided:
		if t, ok := c.decidedLater(); ok {
			return alreadyDecided(c.people, t)
		}
	case WithdrawRunning:
	}
	c.end(Withdrawn)
	return nil
}

// decidedLater returns a decision that was taken since the last submission.
func (c *turn) decidedLater() (Task, bool) {
	for _, t := range slices.Backward(c.s.Tasks) {
		if t.Step == ApplyStep {
			break
		}
		if t.ActedBy != 0 {
			return t, true
		}
	}
	return Task{}, false
}
