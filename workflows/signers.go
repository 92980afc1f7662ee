package workflows

// maxSeats bounds a round, so that added signers cannot grow without end.
const maxSeats = 50

// addSigner adds people to the actor's seat, before or after their own
// decision (加签).
func (c *turn) addSigner() error {
	t, _, err := c.mine()
	if err != nil {
		return err
	}
	switch {
	case t.Step == ApplyStep:
		return refuse(CodeWrongState, "填报步骤不能加签")
	case c.a.Place != Before && c.a.Place != After:
		return refuse(CodeUnknownAction, "加签应在本人之前或之后")
	case len(c.a.To) == 0:
		return refuse(CodeUnknownPerson, "请选择要加签的人员")
	case len(c.a.To)+c.seatCount() > maxSeats:
		return refuse(CodeTooMany, "一个步骤最多 %d 席", maxSeats)
	}
	step, _ := c.def.Step(t.Step)
	id := t.ID
	for _, person := range c.a.To {
		if !c.people.reachable(person) {
			return refuse(CodeUnknownPerson, "本单位没有这个在用的账号")
		}
		if err := c.eligible(step, person); err != nil {
			return err
		}
		c.addTask(Task{
			Step: step.ID, State: TaskWaiting, Assignee: person, Why: Reason{How: OriginAdded},
			Parent: id, Place: c.a.Place, AddedBy: c.a.By,
		})
	}
	if c.a.Place == Before {
		parent := &c.s.Tasks[id-1] // the slice may have grown
		c.stopClock(*parent)
		parent.State = TaskWaiting
		c.touch(parent)
	}
	c.settle()
	return nil
}

// seatCount returns the number of tasks in the current round.
func (c *turn) seatCount() int {
	n := 0
	for _, t := range c.s.Tasks {
		if t.Round == c.s.Round {
			n++
		}
	}
	return n
}

// removeSigner takes an undecided signer away again (减签), with whoever that
// signer added. Only the person who added the signer can, and nobody who is
// asked by the definition can be removed.
func (c *turn) removeSigner() error {
	t, ok := c.s.Task(c.a.Task)
	switch {
	case !ok:
		return refuse(CodeUnknownTask, "没有这个待办")
	case t.Parent == 0:
		return refuse(CodeNotAllowed, "只能减去加签的人员")
	case t.AddedBy != c.a.By:
		return refuse(CodeNotAllowed, "只能减去本人加签的人员")
	case t.State.Done() || t.Version != c.a.TaskVersion:
		return alreadyDecided(c.people, t)
	}
	for _, other := range c.s.Tasks {
		if other.ID != t.ID && other.ActedBy != 0 && c.s.below(other, t.ID) {
			return alreadyDecided(c.people, other)
		}
	}
	c.closeTasks(func(other Task) bool { return c.s.below(other, t.ID) })
	c.settle()
	return nil
}
