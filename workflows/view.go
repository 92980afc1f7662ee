package workflows

import (
	"context"
	"slices"

	"duban/models"
	"duban/models/calendar"
)

// View is an instance as people look at it: what it is about, where it stands,
// what was done, and who is who.
type View struct {
	ID         int64
	Definition Definition
	State      State
	Matter     models.Matter
	History    []models.WorkflowAction
	People     Directory
	Users      map[int64]models.User
	On         calendar.Date // the day of looking
	row        models.WorkflowInstance
	at         Action // a blank action of now, for rehearsals
}

// View reads an instance. It returns an error that matches models.ErrNotFound
// if there is none. Whether somebody may see it is [View.MaySee].
func (e *Engine) View(ctx context.Context, instanceID int64) (*View, error) {
	var v *View
	err := e.Store.View(ctx, func(tx *models.Tx) error {
		row, err := tx.PeekInstance(instanceID)
		if err != nil {
			return err
		}
		r, err := e.read(tx, row)
		if err != nil {
			return err
		}
		history, err := tx.History(instanceID)
		if err != nil {
			return err
		}
		actors := make([]int64, len(history))
		for i, h := range history {
			actors[i] = h.ByID
		}
		if err := r.meet(r.was, Action{To: actors}); err != nil {
			return err
		}
		v = &View{
			ID: row.ID, Definition: r.def, State: r.was, Matter: r.matter, History: history, People: r.people, Users: r.users,
			On: r.today(), row: row, at: Action{At: r.at},
		}
		return nil
	})
	return v, err
}

// Prepare returns what a new instance of a workflow about a duty would be
// about, for the form of whoever wants to begin it. It changes nothing.
func (e *Engine) Prepare(ctx context.Context, workflow string, obligationID int64) (*View, error) {
	var v *View
	err := e.Store.View(ctx, func(tx *models.Tx) error {
		def, err := e.newest(tx, workflow)
		if err != nil {
			return err
		}
		r := &run{engine: e, tx: tx, def: def, at: e.Clock.Now()}
		if r.matter, err = tx.Matter(obligationID); err != nil {
			return err
		}
		frozen, err := r.freeze()
		if err != nil {
			return err
		}
		if err := r.meet(State{}, Action{}); err != nil {
			return err
		}
		v = &View{
			Definition: def, State: State{Case: frozen}, Matter: r.matter, People: r.people, Users: r.users, On: r.today(), at: Action{At: r.at},
		}
		return nil
	})
	return v, err
}

// turnOf is an action of a person that is only rehearsed.
func (v *View) turnOf(userID int64) *turn {
	a := v.at
	a.By = userID
	return &turn{def: v.Definition, people: v.People, s: v.State, a: a, today: v.On}
}

// MaySee reports whether a person may look at the instance: whoever takes part
// in it, answers for the project, or supervises the unit.
func (v *View) MaySee(userID int64) bool {
	if v.turnOf(userID).takesPart(userID) || v.People.active(userID) && (userID == v.People.Owner || userID == v.People.Manager) {
		return true
	}
	return slices.ContainsFunc([]models.Role{models.RoleFinance, models.RoleOffice, models.RoleLeader, models.RoleHead},
		func(role models.Role) bool { return v.People.is(userID, role) })
}

// MayBegin reports whether a person may begin an instance of the workflow.
func (v *View) MayBegin(userID int64) bool {
	t := v.turnOf(userID)
	t.a.Case = v.State.Case
	_, _, err := t.mayApply()
	return err == nil && v.Definition.Serves(v.State.Case.Kind) && v.People.active(userID)
}

// TasksFor returns the open tasks that a person may act on now, in person or
// for somebody on leave.
func (v *View) TasksFor(userID int64) []Task {
	if v.State.Outcome != "" || v.State.Suspended || !v.People.active(userID) {
		return nil
	}
	t := v.turnOf(userID)
	var mine []Task
	for _, task := range v.State.OpenTasks() {
		if _, err := t.authority(task); err == nil || task.Lender == userID {
			mine = append(mine, task)
		}
	}
	return mine
}

// Offers returns what a person may do with a task.
func (v *View) Offers(userID int64, t Task) []ActionKind {
	var offers []ActionKind
	if slices.ContainsFunc(v.TasksFor(userID), func(mine Task) bool { return mine.ID == t.ID }) {
		switch {
		case t.Lender != 0:
			offers = append(offers, GiveBack)
		case t.Step == ApplyStep:
			offers = append(offers, Submit, Transfer, Delegate)
		default:
			offers = append(offers, Approve, Reject)
			if len(v.SendBackTargets()) > 0 {
				offers = append(offers, SendBack)
			}
			offers = append(offers, Transfer, Delegate, AddSigner)
		}
	}
	if v.People.is(userID, models.RoleAdmin) && t.State == TaskOpen && !v.State.Suspended {
		if !slices.Contains(offers, Transfer) {
			offers = append(offers, Transfer)
		}
		offers = append(offers, Reschedule)
	}
	return offers
}

// SendBackTargets returns the steps to which the instance can be sent back.
func (v *View) SendBackTargets() []Step {
	var steps []Step
	for _, p := range v.State.Passed {
		if step, ok := v.Definition.Step(p.Step); ok && p.Round > 0 {
			steps = append(steps, step)
		}
	}
	return steps
}

// InstanceOffers returns what a person may do with the instance as a whole. It
// rehearses each action, so that a button that is shown also works.
func (v *View) InstanceOffers(userID int64) []ActionKind {
	var offers []ActionKind
	for _, kind := range []ActionKind{Withdraw, Urge, Comment, CopyTo, MarkRead, Suspend, Resume, Terminate} {
		a := v.at
		a.Kind, a.By, a.Comment, a.To = kind, userID, "—", []int64{userID}
		if kind == MarkRead && !v.unread(userID) || kind == Suspend && v.State.Suspended {
			continue
		}
		if _, _, err := Decide(v.Definition, v.People, v.State, a); err == nil {
			offers = append(offers, kind)
		}
	}
	return offers
}

// unread reports whether a person has a copy that they have not read.
func (v *View) unread(userID int64) bool {
	return slices.ContainsFunc(v.State.Copies, func(c Copy) bool { return c.To == userID && c.ReadAt.IsZero() })
}

// Why explains how a task came to its person (为什么由我办理).
func (v *View) Why(task int, l models.Language) (Explanation, bool) {
	return Why(v.Definition, v.People, v.State, task, v.On, l)
}

// Name names a person, or the system, in a sentence.
func (v *View) Name(id int64) string { return v.People.name(id) }
