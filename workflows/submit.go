package workflows

import "slices"

// begin starts an instance at its apply step.
func (c *turn) begin() error {
	if c.s.Began() {
		return refuse(CodeWrongState, "流程已发起")
	}
	if !c.def.Serves(c.a.Case.Kind) {
		return refuse(CodeNotAllowed, "“%s”流程不用于“%s”类事项", c.def.Title.Chinese, c.a.Case.Kind)
	}
	c.s = State{Definition: c.def.Key, Version: c.def.Version, Case: c.a.Case.frozen(), Sequence: c.s.Sequence}
	return nil
}

// openByItself begins an instance for the people who are to apply (自动发起).
func (c *turn) openByItself() error {
	if err := c.begin(); err != nil {
		return err
	}
	c.enter(c.def.Apply, c.seats(c.def.Apply))
	c.openReady()
	return nil
}

// submit hands the form in: of a new instance, or of the open apply task.
func (c *turn) submit() error {
	if !c.s.Began() {
		if err := c.begin(); err != nil {
			return err
		}
		principal, why, err := c.mayApply()
		if err != nil {
			return err
		}
		c.enter(c.def.Apply, []seat{{principal, why}})
		c.s.Tasks[0].State = TaskOpen
		c.a.Task, c.a.TaskVersion = 1, c.s.Tasks[0].Version
	}
	t, actedFor, err := c.mine()
	if err != nil {
		return err
	}
	if t.Step != ApplyStep {
		return refuse(CodeWrongState, "这一步骤不是填报")
	}
	if err := c.takeForm(ApplyStep); err != nil {
		return err
	}
	c.applyAs(t.Assignee)
	c.decideTask(t, TaskSubmitted, actedFor)
	if err := c.staffed(); err != nil {
		return err
	}
	c.settle()
	return nil
}

// mayApply returns for whom the actor begins an instance: one of those who
// apply by the definition, the actor or somebody they stand in for.
func (c *turn) mayApply() (int64, Reason, error) {
	parties, how := c.def.Apply.Who, OriginParty
	if len(c.people.everyone(parties)) == 0 {
		parties, how = c.def.Apply.Fallback, OriginFallback
	}
	for _, standIn := range []bool{false, true} {
		for _, party := range parties {
			for _, id := range c.people.holders(party) {
				in := standIn && slices.Contains(c.standIns(id, func(int64) bool { return false }), c.a.By)
				if id == c.a.By || in {
					return id, Reason{Party: party, How: how}, nil
				}
			}
		}
	}
	return 0, Reason{}, refuse(CodeNotAllowed, "“%s”应由%s发起", c.def.Title.Chinese, titles(c.def.Apply.Who, ""))
}

// applyAs makes a person the applicant, together with whoever acts for them.
// If either is new to that, all steps are decided again: the decisions so far
// may be theirs.
func (c *turn) applyAs(applicant int64) {
	c.s.Applicant = applicant
	for _, id := range []int64{applicant, c.a.By} {
		if !slices.Contains(c.s.Applicants, id) {
			c.s.Applicants = append(c.s.Applicants, id)
			c.s.Passed = nil
		}
	}
}

// takeForm checks and takes over what the actor filled in at a step.
func (c *turn) takeForm(step string) error {
	form, err := c.def.fill(step, c.s.Case, c.s.Form, c.a.Form, c.today)
	if err != nil {
		return err
	}
	hash := form.Hash()
	if hash == c.s.FormHash {
		return nil
	}
	if len(form) == 0 {
		form = nil // as JSON reads an absent form back
	}
	c.s.Form, c.s.FormHash = form, hash
	// Whatever was decided behind this step was decided about another form.
	here := c.def.index(step)
	c.s.Passed = slices.DeleteFunc(c.s.Passed, func(p Pass) bool { return c.def.index(p.Step) > here })
	if len(c.s.Passed) == 0 {
		c.s.Passed = nil
	}
	if c.s.Return != nil {
		c.s.Return.Straight = false
	}
	return nil
}

// staffed refuses a form for which some step would have nobody to decide it:
// the applicant learns it now, and not in the middle.
func (c *turn) staffed() error {
	for _, step := range c.def.Steps {
		if c.s.hasPassed(step.ID) || !step.When.holds(c.def, c.s) {
			continue
		}
		for _, seat := range c.seats(step) {
			if seat.person == 0 {
				return noAssignee(step)
			}
		}
	}
	return nil
}
