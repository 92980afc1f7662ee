package workflows

import (
	"slices"

	"duban/models/calendar"
	"duban/models/money"
)

// verdict is where a round of a step stands.
type verdict int

const (
	pending verdict = iota
	agreed
	refused
)

// settle moves the instance on as far as the decisions carry it.
func (c *turn) settle() {
	for c.s.Outcome == "" {
		switch c.verdict() {
		case pending:
			c.openReady()
			return
		case refused:
			c.end(Rejected)
		case agreed:
			c.pass()
			c.advance()
		}
	}
}

// verdict counts the seats of the current round. A seat agrees once its holder
// and all signers added to it have; one refusal among them refuses it.
func (c *turn) verdict() verdict {
	step, _ := c.def.Step(c.s.Step)
	var seats, yes, no int64
	for _, t := range c.s.Tasks {
		if t.Round != c.s.Round || t.Parent != 0 || t.State == TaskClosed {
			continue
		}
		seats++
		if c.s.refused(t) {
			no++
		} else if c.s.fulfilled(t) {
			yes++
		}
	}
	need := seats // all and sequential
	switch step.Mode {
	case ModeAny:
		need = 1
	case ModeShare:
		need = (int64(step.Share)*seats + int64(money.Whole) - 1) / int64(money.Whole)
	case ModeAll, ModeSequential:
	}
	switch {
	case no > 0 && (step.Mode == ModeAny || seats-no < need):
		return refused
	case yes >= need && seats > 0:
		return agreed
	}
	return pending
}

// fulfilled reports whether a seat agrees.
func (s State) fulfilled(t Task) bool {
	if t.State != TaskApproved && t.State != TaskMerged && t.State != TaskSubmitted {
		return false
	}
	for _, child := range s.Tasks {
		if child.Parent == t.ID && child.State != TaskClosed && !s.fulfilled(child) {
			return false
		}
	}
	return true
}

// refused reports whether a seat refuses.
func (s State) refused(t Task) bool {
	if t.State == TaskRejected {
		return true
	}
	return slices.ContainsFunc(s.Tasks, func(child Task) bool { return child.Parent == t.ID && s.refused(child) })
}

// ready reports whether it is a waiting task's turn: the signers added before
// it have agreed, and so has whatever comes before it.
func (c *turn) ready(t Task) bool {
	step, _ := c.def.Step(t.Step)
	for _, other := range c.s.Tasks {
		switch {
		case other.Round != t.Round || other.State == TaskClosed:
		case other.Parent == t.ID && other.Place == Before && !c.s.fulfilled(other):
			return false
		case other.ID == t.Parent && t.Place == After && other.State != TaskApproved:
			return false
		case step.Mode == ModeSequential && t.Parent == 0 && other.Parent == 0 && other.ID < t.ID && !c.s.fulfilled(other):
			return false
		}
	}
	return true
}

// openReady opens every waiting task whose turn it is.
func (c *turn) openReady() {
	for i := range c.s.Tasks {
		t := &c.s.Tasks[i]
		if t.Round != c.s.Round || t.State != TaskWaiting || !c.ready(*t) {
			continue
		}
		t.State = TaskOpen
		c.touch(t)
		c.startClock(t)
		template := NotifyTask
		switch {
		case t.Assignee == 0:
			template = NotifyUnassigned
		case c.a.Kind == SendBack:
			template = NotifySentBack
		}
		c.emit(Notify{template, c.reach(*t), t.ID})
		c.setTimer(*t)
	}
}

// pass puts the current step on the list and closes what is left of it.
func (c *turn) pass() {
	step, _ := c.def.Step(c.s.Step)
	c.closeTasks(func(Task) bool { return true })
	c.s.Passed = append(c.s.Passed, Pass{step.ID, c.s.Round})
	c.copyOut(System, c.people.everyone(step.Copies))
}

// advance enters the first step that applies and has not been passed, or ends
// the instance if there is none.
func (c *turn) advance() {
	for _, step := range c.def.Steps {
		if c.s.hasPassed(step.ID) || !step.When.holds(c.def, c.s) {
			continue
		}
		seats := c.seats(step)
		if len(seats) > 0 {
			c.enter(step, seats)
			return
		}
		c.s.Passed = append(c.s.Passed, Pass{Step: step.ID})
	}
	c.end(Approved)
}

// enter begins a round of a step. Its tasks wait until settle opens them.
func (c *turn) enter(step Step, seats []seat) {
	merge := step.Duplicate == DuplicateMerge && c.s.Return == nil
	if c.s.Return != nil && c.s.Return.From == step.ID {
		c.s.Return = nil
	}
	before := c.s.Round
	merged := func(s seat) bool { return merge && s.person != 0 && c.agreedIn(before, s.person) }
	if i := slices.IndexFunc(seats, merged); i >= 0 && step.Mode == ModeAny {
		seats = seats[i : i+1] // one agreement suffices, so nobody else is asked
	}
	c.s.Step = step.ID
	c.s.Round++
	for _, seat := range seats {
		t := c.addTask(Task{Step: step.ID, State: TaskWaiting, Assignee: seat.person, Why: seat.why})
		if merged(seat) {
			c.finish(t, TaskMerged)
		}
	}
}

// agreedIn reports whether a person agreed, in person, in a round of a step
// that others decide.
func (c *turn) agreedIn(round int, person int64) bool {
	return slices.ContainsFunc(c.s.Tasks, func(t Task) bool {
		return t.Round == round && t.Step != ApplyStep && t.Parent == 0 && t.Assignee == person &&
			(t.State == TaskMerged || t.State == TaskApproved && t.ActedBy == person)
	})
}

// addTask appends a task to the current round.
func (c *turn) addTask(t Task) *Task {
	t.ID = len(c.s.Tasks) + 1
	t.Round = c.s.Round
	c.touch(&t)
	c.s.Tasks = append(c.s.Tasks, t)
	return &c.s.Tasks[t.ID-1]
}

// touch makes every link to the task stale that was sent out before.
func (c *turn) touch(t *Task) {
	t.Version++
	t.TouchedBy, t.TouchedAt = c.a.By, c.a.At
}

// finish gives an open or waiting task its final state.
func (c *turn) finish(t *Task, state TaskState) {
	if t.State == TaskOpen {
		c.stopClock(*t)
	}
	t.State = state
	t.Lender = 0
	c.touch(t)
}

// closeTasks closes the undecided tasks of the current round that match.
func (c *turn) closeTasks(match func(Task) bool) {
	for i := range c.s.Tasks {
		if t := &c.s.Tasks[i]; t.Round == c.s.Round && !t.State.Done() && match(*t) {
			c.finish(t, TaskClosed)
		}
	}
}

// end gives the instance its outcome.
func (c *turn) end(o Outcome) {
	c.closeTasks(func(Task) bool { return true })
	c.s.Outcome, c.s.Return = o, nil
	c.s.Suspended, c.s.SuspendedOn = false, calendar.Date{}
	if o != Approved {
		c.s.Reason = c.a.Comment
	}
	c.emit(Ended{o})
	if c.s.Applicant != 0 {
		c.emit(Notify{o.template(), []int64{c.s.Applicant}, 0})
	}
	if o == Approved {
		c.emit(c.business()...)
	}
}

// template names the message that tells the applicant.
func (o Outcome) template() Template {
	switch o {
	case Approved:
		return NotifyApproved
	case Rejected:
		return NotifyRejected
	case Withdrawn:
		return NotifyWithdrawn
	default:
		return NotifyTerminated
	}
}

// business returns the business effects with the values of the form.
func (c *turn) business() []Effect {
	effects := make([]Effect, len(c.def.Effects))
	for i, e := range c.def.Effects {
		values := make(map[string]string, len(e.With))
		for parameter, field := range e.With {
			values[parameter] = c.s.Form[field]
		}
		effects[i] = Business{e.Do, values}
	}
	return effects
}
