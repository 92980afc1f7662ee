package workflows_test

import (
	"errors"
	"time"

	"duban/workflows"
)

// checkAWayOn requires that somebody can always do something: the holder of an
// open task can decide it, or an administrator can find it a holder.
func (g *game) checkAWayOn() {
	g.Helper()
	if g.state.Suspended {
		if g.possible(workflows.Action{Kind: workflows.Resume, By: admin, Comment: "恢复"}) != nil {
			g.Error("a suspended instance cannot be resumed")
		}
		return
	}
	open := g.state.OpenTasks()
	if len(open) == 0 {
		g.Fatal("nobody has anything to do")
	}
	for _, t := range open {
		if _, ok := g.wayOn(t); !ok {
			g.Errorf("nothing can be done about task %d", t.ID)
		}
	}
}

// possible tries an action without taking it.
func (g *game) possible(a workflows.Action) error {
	a.At = g.now
	_, _, err := workflows.Decide(g.def, g.people, g.state, a)
	return err
}

// wayOn returns an action that brings an open task on.
func (g *game) wayOn(t workflows.Task) (workflows.Action, bool) {
	a := workflows.Action{By: t.Assignee, At: g.now, Task: t.ID, TaskVersion: t.Version, Comment: "继续"}
	switch {
	case t.Assignee == 0:
		return g.assign(a)
	case t.Lender != 0:
		a.Kind = workflows.GiveBack
	case t.Step == workflows.ApplyStep:
		a.Kind = workflows.Submit
		a.Form = g.wellFilled(t.Step)
	default:
		a.Kind = workflows.Approve
		if t.Parent == 0 {
			a.Form = g.wellFilled(t.Step)
		}
	}
	err := g.possible(a)
	// A form for which nobody can be found is refused: an administrator has to
	// complete the roles first, or end the instance.
	if errors.Is(err, &workflows.Error{Code: workflows.CodeNoAssignee}) {
		a = workflows.Action{Kind: workflows.Terminate, By: admin, At: g.now, Comment: "无人可办"}
		err = g.possible(a)
	}
	return a, err == nil
}

// assign finds a holder for a seat without one, or ends the instance if
// nobody in the office may decide.
func (g *game) assign(a workflows.Action) (workflows.Action, bool) {
	a.Kind, a.By = workflows.Transfer, admin
	for id := owner; id <= gone; id++ {
		a.To = []int64{id}
		if g.possible(a) == nil {
			return a, true
		}
	}
	a = workflows.Action{Kind: workflows.Terminate, By: admin, At: g.now, Comment: "无人可办"}
	return a, g.possible(a) == nil
}

// finish brings a running instance to its end by nothing but ordinary actions.
func (g *game) finish() {
	g.Helper()
	for n := 0; g.running() && !g.Failed(); n++ {
		if n > 500 {
			g.Fatal("the instance does not come to an end")
		}
		g.now = g.now.Add(time.Hour)
		a := workflows.Action{Kind: workflows.Resume, By: admin, At: g.now, Comment: "恢复"}
		if !g.state.Suspended {
			open := g.state.OpenTasks()
			if len(open) == 0 {
				g.Fatal("nobody has anything to do")
			}
			way, ok := g.wayOn(open[0])
			if !ok {
				g.Fatalf("nothing can be done about task %d", open[0].ID)
			}
			a = way
		}
		if err := g.act(a); err != nil {
			g.Fatalf("%s: %v", a.Kind, err)
		}
	}
}
