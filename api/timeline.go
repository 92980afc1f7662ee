package api

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"duban/models"
	"duban/workflows"
)

// event is one line of an instance's history (办理记录).
type event struct {
	At      time.Time
	By      string // 系统 for what nobody did
	For     string // for whom a stand-in acted
	Kind    string
	Step    string
	Comment string
	Detail  string // to whom, back to where, until when
}

// names knows the people of an instance, also those whom only its history
// mentions.
type names struct {
	view  *workflows.View
	comma string
	extra map[int64]models.User
}

func (n names) of(id int64) string {
	if u, ok := n.extra[id]; ok {
		return u.Name
	}
	return n.view.Name(id)
}

func (n names) list(ids []int64) string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = n.of(id)
	}
	return strings.Join(all, n.comma)
}

// timeline tells what was done in an instance, the first action first.
func (s *server) timeline(ctx context.Context, v *workflows.View, l models.Language) ([]event, error) {
	actions := make([]workflows.Action, len(v.History))
	var strangers []int64
	for i, h := range v.History {
		if err := json.Unmarshal([]byte(h.Detail), &actions[i]); err != nil {
			return nil, err
		}
		for _, id := range append(actions[i].To, actions[i].From, h.ForID) {
			if _, ok := v.Users[id]; !ok && id != 0 {
				strangers = append(strangers, id)
			}
		}
	}
	who := names{view: v, comma: say(l, "comma")}
	var err error
	if len(strangers) > 0 {
		who.extra, err = s.Store.UsersByID(ctx, strangers)
	}
	events := make([]event, len(v.History))
	for i, h := range v.History {
		e := event{At: h.At, By: who.of(h.ByID), Kind: h.Kind, Comment: h.Comment, Detail: detail(v, who, actions[i], l)}
		if h.ByID == workflows.System {
			e.By = say(l, "system")
		}
		if h.ForID != 0 {
			e.For = who.of(h.ForID)
		}
		if step, ok := v.Definition.Step(h.Step); ok {
			e.Step = step.Title.In(l)
		}
		events[i] = e
	}
	return events, err
}

// detail says what else belongs to an action.
func detail(v *workflows.View, who names, a workflows.Action, l models.Language) string {
	switch a.Kind {
	case workflows.Transfer, workflows.Delegate, workflows.CopyTo:
		return say(l, "event.to", who.list(a.To))
	case workflows.AddSigner:
		return say(l, "event.signer", word(l, "place", a.Place), who.list(a.To))
	case workflows.HandOver:
		return say(l, "event.handed", who.of(a.From), who.list(a.To))
	case workflows.SendBack:
		step, _ := v.Definition.Step(a.Step)
		if a.Straight {
			return say(l, "event.back_straight", step.Title.In(l))
		}
		return say(l, "event.back", step.Title.In(l))
	case workflows.Reschedule:
		return say(l, "event.due", a.DueOn)
	case workflows.RemoveSigner:
		if t, ok := v.State.Task(a.Task); ok {
			return say(l, "event.removed", who.of(t.Assignee))
		}
	default:
	}
	return ""
}

// station is one step of the definition as the line of steps shows it.
type station struct {
	Title  string
	State  string // done, skipped, now, next, or off once nothing follows
	When   string // the condition, in words
	People []string
}

// stations returns the line of steps: what is done, where it stands, and what
// is to come.
func stations(v *workflows.View, l models.Language) []station {
	steps := append([]workflows.Step{v.Definition.Apply}, v.Definition.Steps...)
	line := make([]station, len(steps))
	for i, step := range steps {
		st := station{Title: step.Title.In(l), State: "next", When: v.Definition.Words(step.When, l)}
		if v.State.Outcome != "" {
			st.State = "off"
		}
		for _, p := range v.State.Passed {
			if p.Step == step.ID {
				st.State = "done"
				if p.Round == 0 {
					st.State = "skipped"
				}
			}
		}
		if step.ID == v.State.Step && v.State.Outcome == "" {
			st.State = "now"
		}
		st.People = deciders(v, step.ID, st.State)
		line[i] = st
	}
	return line
}

// deciders names who decided a step last, or who is asked now.
func deciders(v *workflows.View, step, state string) []string {
	var people []string
	round := 0
	for _, t := range v.State.Tasks {
		if t.Step == step {
			round = t.Round
		}
	}
	for _, t := range v.State.Tasks {
		if t.Step != step || t.Round != round {
			continue
		}
		switch {
		case state == "now" && t.State == workflows.TaskOpen && t.Assignee != 0:
			people = append(people, v.Name(t.Assignee))
		case state != "now" && t.ActedBy != 0:
			people = append(people, v.Name(t.ActedBy))
		}
	}
	return people
}
