package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"

	"duban/models"
	"duban/workflows"
)

func itoa(n int) string { return strconv.Itoa(n) }

// instance shows one instance. Opening it changes nothing: 已阅 is a button.
func (s *server) instance(ctx context.Context, r *request) (any, error) {
	v, err := s.mayView(ctx, r.id, r.person.ID)
	if err != nil {
		return nil, err
	}
	data, err := s.instancePage(ctx, r, v, nil, nil)
	if err != nil {
		return nil, err
	}
	data.Did = r.query.Get("did")
	if !slices.Contains(peoplesKinds, workflows.ActionKind(data.Did)) {
		data.Did = ""
	}
	if data.Did != "" && data.Decision == nil {
		waiting, err := s.Engine.Inbox(ctx, r.person.ID, 1)
		if err != nil {
			return nil, err
		}
		for _, item := range waiting {
			data.Next = item.ID
		}
	}
	return data, nil
}

// peoplesKinds are the actions that people take on an instance. What the
// system does, and handing over a leaver's whole work, is not among them.
var peoplesKinds = []workflows.ActionKind{
	workflows.Submit, workflows.Approve, workflows.Reject, workflows.SendBack, workflows.Withdraw, workflows.Transfer,
	workflows.Delegate, workflows.GiveBack, workflows.AddSigner, workflows.RemoveSigner, workflows.Urge, workflows.Comment,
	workflows.CopyTo, workflows.MarkRead, workflows.Suspend, workflows.Resume, workflows.Terminate, workflows.Reschedule,
}

// unknownKind refuses what is no action of people.
func unknownKind(kind workflows.ActionKind) error {
	if slices.Contains(peoplesKinds, kind) {
		return nil
	}
	return &workflows.Error{Code: workflows.CodeUnknownAction, Message: "没有“" + string(kind) + "”这种操作"}
}

// action reads what a person does from a posted form. Who they are comes from
// the session, and when from the clock.
func (e *entry) action(by int64) (workflows.Action, error) {
	a := workflows.Action{
		Kind: workflows.ActionKind(e.Get("kind")), By: by, Task: int(e.number("task")), TaskVersion: int(e.number("task_version")),
		FormHash: e.Get("form_hash"), Comment: e.Get("comment"), To: e.numbers("to"), Step: e.Get("step"),
		Straight: e.Get("straight") != "", Place: workflows.Placement(e.Get("place")), DueOn: e.date("due_on"),
	}
	return a, unknownKind(a.Kind)
}

// fillIn adds the form of a step to an action that takes one, with the files
// that came along.
func (s *server) fillIn(c *gin.Context, e *entry, v *workflows.View, a *workflows.Action, person models.User, l models.Language) error {
	t, ok := v.State.Task(a.Task)
	if !ok || t.Parent != 0 || a.Kind != workflows.Submit && a.Kind != workflows.Approve {
		return nil
	}
	fields := fieldsAt(v.Definition, t.Step)
	if err := s.upload(c, e, fields, person, l); err != nil {
		return err
	}
	a.Form = e.form(fields, v.State.Case)
	return e.flawed()
}

// flawed refuses a form whose files cannot be kept.
func (e *entry) flawed() error {
	if len(e.problems) == 0 {
		return nil
	}
	return &workflows.Error{Code: workflows.CodeFormInvalid, Message: e.problems[0].Message, Fields: e.problems}
}

// act takes an action on an instance. What was entered and refused comes back
// with the page; whoever came too late learns who was first.
func (s *server) act(c *gin.Context, r *request) error {
	ctx := c.Request.Context()
	v, err := s.mayView(ctx, r.id, r.person.ID)
	if err != nil {
		return err
	}
	e, err := readEntry(c)
	if err != nil {
		return err
	}
	a, err := e.action(r.person.ID)
	if err == nil {
		err = s.fillIn(c, e, v, &a, r.person, r.language)
	}
	if err == nil {
		_, err = s.Engine.Act(ctx, v.ID, a)
	}
	if refusal, ok := correctable(err); ok {
		data, err := s.instancePage(ctx, r, v, e, refusal)
		if err == nil {
			s.render(c, http.StatusUnprocessableEntity, r.language, "instance", data)
		}
		return err
	}
	if err != nil {
		return refusedAt(err, r.language, v.ID)
	}
	s.redirect(c, instancePath(v.ID)+"?did="+string(a.Kind))
	return nil
}

// graph draws the workflow of an instance.
func (s *server) graph(c *gin.Context, r *request) error {
	v, err := s.mayView(c.Request.Context(), r.id, r.person.ID)
	if err != nil {
		return err
	}
	c.Header("Cache-Control", "private, no-store")
	c.Data(http.StatusOK, "image/svg+xml", []byte(v.Definition.Graph(r.language).SVG()))
	return nil
}
