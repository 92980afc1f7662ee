package api

import (
	"cmp"
	"context"
	"slices"

	"duban/models"
	"duban/workflows"
)

// side is an action beside the decision, with a small form of its own.
type side struct {
	Kind    workflows.ActionKind
	Task    workflows.Task // 0 if it is about the instance
	Label   string         // says which of several tasks it is about
	Comment string         // as it was entered
	Reason  bool           // the comment must say why
}

// Person reports whether the action needs somebody to be chosen.
func (a side) Person() bool {
	return slices.Contains([]workflows.ActionKind{workflows.Transfer, workflows.Delegate, workflows.AddSigner, workflows.CopyTo}, a.Kind)
}

// Several reports whether more than one can be chosen.
func (a side) Several() bool { return a.Kind == workflows.CopyTo || a.Kind == workflows.AddSigner }

// Plain reports whether a button is enough.
func (a side) Plain() bool {
	return slices.Contains([]workflows.ActionKind{workflows.Urge, workflows.MarkRead, workflows.RemoveSigner, workflows.Resume, workflows.GiveBack}, a.Kind) && !a.Reason
}

// sides returns what a person may do beside deciding. e is what they entered
// in one of these forms before, nil if nothing.
func sides(v *workflows.View, user int64, decided int, e *entry, l models.Language) []side {
	var list []side
	add := func(kind workflows.ActionKind, t workflows.Task, reason bool) {
		a := side{Kind: kind, Task: t, Reason: reason}
		if e != nil && e.Get("kind") == string(kind) && e.number("task") == int64(t.ID) {
			a.Comment = e.Get("comment")
		}
		if kind == workflows.RemoveSigner || t.ID != 0 && t.ID != decided {
			step, _ := v.Definition.Step(t.Step)
			a.Label = step.Title.In(l) + " · " + holder(v, t, l)
		}
		list = append(list, a)
	}
	for _, t := range v.State.OpenTasks() {
		for _, kind := range v.Offers(user, t) {
			if !slices.Contains(decidable, kind) {
				byAdmin := kind == workflows.Reschedule || kind == workflows.Transfer && t.Assignee != user
				add(kind, t, byAdmin)
			}
		}
	}
	for _, t := range removable(v, user) {
		add(workflows.RemoveSigner, t, false)
	}
	for _, kind := range v.InstanceOffers(user) {
		reason := slices.Contains([]workflows.ActionKind{workflows.Suspend, workflows.Resume, workflows.Terminate, workflows.Comment}, kind)
		add(kind, workflows.Task{}, reason)
	}
	slices.SortStableFunc(list, func(a, b side) int { return cmp.Compare(b.rank(), a.rank()) })
	return list
}

// rank puts the actions that take one click first.
func (a side) rank() int {
	if a.Plain() {
		return 1
	}
	return 0
}

// holder names who has a task.
func holder(v *workflows.View, t workflows.Task, l models.Language) string {
	if t.Assignee == 0 {
		return say(l, "unassigned")
	}
	return v.Name(t.Assignee)
}

// removable returns the signers whom a person has added and may take away.
func removable(v *workflows.View, user int64) []workflows.Task {
	if v.State.Outcome != "" || v.State.Suspended {
		return nil
	}
	var mine []workflows.Task
	for _, t := range v.State.Tasks {
		if t.AddedBy == user && t.Parent != 0 && !t.State.Done() {
			mine = append(mine, t)
		}
	}
	return mine
}

// choosable returns the people who can be chosen in a form: those in use, in
// the unit of the duty or serving every unit, but not the chooser.
func choosable(users map[int64]models.User, unit, self int64) []models.User {
	var people []models.User
	for _, u := range users {
		if u.Active && u.ID != self && (u.UnitID == 0 || unit == 0 || u.UnitID == unit) {
			people = append(people, u)
		}
	}
	slices.SortFunc(people, func(a, b models.User) int { return cmp.Compare(a.ID, b.ID) })
	return people
}

// instanceData is the page of one instance.
type instanceData struct {
	caseView
	Did      string // what the person has just done
	Next     int64  // another instance that waits for them
	Decision *decision
	Others   []openTask // more tasks of the person, which have their turn after this one
	Sides    []side
	People   []models.User
	Flaws    []flaw
	Today    string // the first day to which a limit can be moved
}

// instancePage builds the page; e and refusal are of a form that came back.
func (s *server) instancePage(ctx context.Context, r *request, v *workflows.View, e *entry, refusal *workflows.Error) (instanceData, error) {
	about, err := s.caseView(ctx, v, r.language)
	if err != nil {
		return instanceData{}, err
	}
	me := r.person.ID
	data := instanceData{caseView: about, People: choosable(v.Users, v.Matter.Unit.ID, me), Today: r.today.String()}
	mine := v.TasksFor(me)
	at := chosen(mine, r, e)
	decided := 0
	if at >= 0 {
		entered := e
		if e != nil && !slices.Contains(decidable, workflows.ActionKind(e.Get("kind"))) {
			entered = nil // of one of the other forms
		}
		if data.Decision, err = s.decision(ctx, r, v, mine[at], me, entered, refusal); err != nil {
			return data, err
		}
		decided = mine[at].ID
		for i, t := range mine {
			if i != at {
				data.Others = append(data.Others, viewTask(v, t, r.language))
			}
		}
	}
	data.Sides = sides(v, me, decided, e, r.language)
	var fields []fieldView
	if data.Decision != nil {
		fields = data.Decision.Fields
	}
	data.Flaws = flaws(refusal, fields, r.language)
	return data, nil
}

// chosen returns which of a person's tasks the page is about, −1 if none is.
func chosen(mine []workflows.Task, r *request, e *entry) int {
	if len(mine) == 0 {
		return -1
	}
	asked := r.query.Get("task")
	if e != nil {
		asked = e.Get("task")
	}
	return max(0, slices.IndexFunc(mine, func(t workflows.Task) bool { return asked == itoa(t.ID) }))
}
