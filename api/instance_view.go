package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"

	"duban/models"
	"duban/workflows"
)

func instancePath(id int64) string { return fmt.Sprintf("/instances/%d", id) }

// caseView is what an instance is about, as pages of people and of links show
// it: the duty, the evidence, the form and the history.
type caseView struct {
	ID       int64
	Title    string // of the workflow
	Duty     models.Obligation
	Project  models.Project
	Unit     models.Unit
	Status   string // running, suspended or the outcome
	Reason   string
	Evidence workflows.Case
	Spending bool
	Form     []shownField
	Steps    []station
	Events   []event
	Open     []openTask
}

// openTask is a task that waits for somebody, and why for them.
type openTask struct {
	workflows.Task
	StepTitle string
	Assignee  string // "" while nobody has it
	Lender    string
	Days      int // until its limit
	Why       workflows.Explanation
}

func (s *server) caseView(ctx context.Context, v *workflows.View, l models.Language) (caseView, error) {
	st := v.State
	c := caseView{
		ID: v.ID, Title: v.Definition.Title.In(l), Duty: v.Matter.Obligation, Project: v.Matter.Project, Unit: v.Matter.Unit,
		Status: status(st), Reason: st.Reason, Evidence: st.Case, Spending: st.Case.Kind == models.SpendingTarget, Steps: stations(v, l),
	}
	files, err := s.attachments(ctx, fileIDs(v.Definition, st.Form))
	if err != nil {
		return c, err
	}
	c.Form = showForm(v.Definition, st.Case, st.Form, files, l)
	if st.Outcome == "" {
		for _, t := range st.OpenTasks() {
			c.Open = append(c.Open, viewTask(v, t, l))
		}
	}
	c.Events, err = s.timeline(ctx, v, l)
	return c, err
}

// status is one word for where an instance stands.
func status(st workflows.State) string {
	switch {
	case st.Outcome != "":
		return string(st.Outcome)
	case st.Suspended:
		return "suspended"
	}
	return "running"
}

func viewTask(v *workflows.View, t workflows.Task, l models.Language) openTask {
	o := openTask{Task: t}
	if step, ok := v.Definition.Step(t.Step); ok {
		o.StepTitle = step.Title.In(l)
	}
	if t.Assignee != 0 {
		o.Assignee = v.Name(t.Assignee)
	}
	if t.Lender != 0 {
		o.Lender = v.Name(t.Lender)
	}
	if !t.DueOn.IsZero() {
		o.Days = v.On.DaysUntil(t.DueOn)
	}
	o.Why, _ = v.Why(t.ID, l)
	return o
}

// mayView reads an instance for a person, or returns that it is not theirs to
// see.
func (s *server) mayView(ctx context.Context, instanceID, userID int64) (*workflows.View, error) {
	v, err := s.Engine.View(ctx, instanceID)
	if err != nil {
		return nil, err
	}
	if !v.MaySee(userID) && len(v.TasksFor(userID)) == 0 {
		return nil, errNotYours
	}
	return v, nil
}

// decision is the form with which a person decides a task.
type decision struct {
	Action   string // where it is posted
	Task     workflows.Task
	FormHash string
	For      string                 // for whom the person would act
	Kinds    []workflows.ActionKind // the buttons, the first one stands out
	Fields   []fieldView
	Upload   bool // some field is a file
	Back     []optionView
	Straight bool
	Comment  string
	Code     bool // asks for the code that stands in the message
	Problem  string
	BadCode  string
}

// decidable are the actions that decide a task, in the order of their buttons.
var decidable = []workflows.ActionKind{
	workflows.Submit, workflows.Approve, workflows.GiveBack, workflows.Reject, workflows.SendBack,
}

// decision returns the form for a task, nil if the person has none to take. e
// is what they entered before, and refusal what was wrong with it.
func (s *server) decision(ctx context.Context, r *request, v *workflows.View, t workflows.Task, user int64, e *entry, refusal *workflows.Error) (*decision, error) {
	offers := v.Offers(user, t)
	d := &decision{Task: t, FormHash: v.State.FormHash, Action: instancePath(v.ID) + "/actions"}
	for _, kind := range decidable {
		if slices.Contains(offers, kind) {
			d.Kinds = append(d.Kinds, kind)
		}
	}
	if len(d.Kinds) == 0 {
		return nil, nil //nolint:nilnil // there is nothing to decide
	}
	if t.Assignee != user && t.Lender != user && t.Assignee != 0 {
		d.For = v.Name(t.Assignee)
	}
	fields := fillable(v.Definition, t, d.Kinds)
	fv := formView{
		language: r.language, today: r.today, about: v.State.Case, stored: v.State.Form, entered: e, person: user, instance: v.ID,
	}
	if refusal != nil {
		fv.problems = refusal.Fields
	}
	var err error
	if d.Fields, err = s.fields(ctx, fv, fields); err != nil {
		return nil, err
	}
	d.Upload = slices.ContainsFunc(fields, func(f workflows.Field) bool { return f.Type == workflows.FieldFile })
	d.addWords(r, v, e, refusal)
	return d, nil
}

// fillable returns the fields that whoever decides the task fills in. A signer
// who was added, or one who only prepares, fills nothing in.
func fillable(def workflows.Definition, t workflows.Task, kinds []workflows.ActionKind) []workflows.Field {
	if t.Parent != 0 || slices.Contains(kinds, workflows.GiveBack) {
		return nil
	}
	return fieldsAt(def, t.Step)
}

// addWords adds what a person says with a decision.
func (d *decision) addWords(r *request, v *workflows.View, e *entry, refusal *workflows.Error) {
	back := ""
	if e != nil {
		d.Comment, d.Straight, back = e.Get("comment"), e.Get("straight") != "", e.Get("step")
	}
	if refusal != nil && refusal.Code == workflows.CodeReasonRequired {
		d.Problem = wording(refusal, r.language)
	}
	if !slices.Contains(d.Kinds, workflows.SendBack) {
		return
	}
	back = cmp.Or(back, workflows.ApplyStep)
	for _, step := range v.SendBackTargets() {
		d.Back = append(d.Back, optionView{step.ID, step.Title.In(r.language), step.ID == back})
	}
}

// outdated says that a page was left behind by what somebody else did.
var outdated = &pageError{status: http.StatusConflict, text: "error.outdated"}
