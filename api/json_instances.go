package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"duban/models/calendar"
	"duban/workflows"
)

// instanceJSON is an instance as a program reads it.
type instanceJSON struct {
	ID         int64                          `json:"id"`
	Title      string                         `json:"title"`
	Obligation int64                          `json:"obligation"`
	Project    int64                          `json:"project,omitempty"`
	Unit       int64                          `json:"unit"`
	Status     string                         `json:"status"`
	State      workflows.State                `json:"state"`
	History    []actionJSON                   `json:"history"`
	People     map[int64]string               `json:"people"`
	Offers     []workflows.ActionKind         `json:"offers"`     // what the asker may do
	TaskOffers map[int][]workflows.ActionKind `json:"taskOffers"` // and with which task
}

// actionJSON is one line of the history.
type actionJSON struct {
	Sequence int64     `json:"sequence"`
	Kind     string    `json:"kind"`
	By       int64     `json:"by"`
	For      int64     `json:"for,omitempty"`
	At       time.Time `json:"at"`
	Task     int       `json:"task,omitempty"`
	Step     string    `json:"step,omitempty"`
	Comment  string    `json:"comment,omitempty"`
}

// sendInstance answers with an instance as the person sees it.
func (s *server) sendInstance(c *gin.Context, r *request, id int64) error {
	v, err := s.mayView(c.Request.Context(), id, r.person.ID)
	if err != nil {
		return err
	}
	o := v.Matter.Obligation
	in := instanceJSON{
		ID: v.ID, Title: o.Title, Obligation: o.ID, Project: v.Matter.Project.ID, Unit: v.Matter.Unit.ID, Status: status(v.State),
		State: v.State, People: map[int64]string{}, Offers: v.InstanceOffers(r.person.ID), TaskOffers: map[int][]workflows.ActionKind{},
	}
	for _, h := range v.History {
		in.History = append(in.History, actionJSON{h.Sequence, h.Kind, h.ByID, h.ForID, h.At, h.Task, h.Step, h.Comment})
		if h.ByID != workflows.System {
			in.People[h.ByID] = v.Name(h.ByID)
		}
	}
	for _, t := range v.State.Tasks {
		for _, who := range []int64{t.Assignee, t.Lender, t.ActedBy, t.ActedFor} {
			if who != 0 {
				in.People[who] = v.Name(who)
			}
		}
		if offers := v.Offers(r.person.ID, t); len(offers) > 0 {
			in.TaskOffers[t.ID] = offers
		}
	}
	s.json(c, http.StatusOK, in)
	return nil
}

func (s *server) apiInstance(c *gin.Context, r *request) error { return s.sendInstance(c, r, r.id) }

// apiAct takes an action. Who acts comes from the session and when from the
// clock, so neither can be sent.
func (s *server) apiAct(c *gin.Context, r *request) error {
	var body struct {
		Kind        workflows.ActionKind `json:"kind"`
		Task        int                  `json:"task"`
		TaskVersion int                  `json:"taskVersion"`
		FormHash    string               `json:"formHash"`
		Form        workflows.Form       `json:"form"`
		Comment     string               `json:"comment"`
		To          []int64              `json:"to"`
		Step        string               `json:"step"`
		Straight    bool                 `json:"straight"`
		Place       workflows.Placement  `json:"place"`
		DueOn       calendar.Date        `json:"dueOn"`
	}
	ctx := c.Request.Context()
	if _, err := s.mayView(ctx, r.id, r.person.ID); err != nil {
		return err
	}
	if err := readJSON(c, &body); err != nil {
		return err
	}
	if err := unknownKind(body.Kind); err != nil {
		return err
	}
	_, err := s.Engine.Act(ctx, r.id, workflows.Action{
		Kind: body.Kind, By: r.person.ID, Task: body.Task, TaskVersion: body.TaskVersion, FormHash: body.FormHash, Form: body.Form,
		Comment: body.Comment, To: body.To, Step: body.Step, Straight: body.Straight, Place: body.Place, DueOn: body.DueOn,
	})
	if err != nil {
		return err
	}
	return s.sendAfter(c, r, r.id)
}

// sendAfter answers with the instance after an action, through which the
// person may have lost sight of it: the action was taken all the same.
func (s *server) sendAfter(c *gin.Context, r *request, id int64) error {
	if err := s.sendInstance(c, r, id); !errors.Is(err, errNotYours) {
		return err
	}
	s.json(c, http.StatusOK, gin.H{"id": id})
	return nil
}

// apiBegin begins a workflow about a duty with a form that was filled in.
func (s *server) apiBegin(c *gin.Context, r *request) error {
	var body struct {
		Workflow string         `json:"workflow"`
		Form     workflows.Form `json:"form"`
		Comment  string         `json:"comment"`
	}
	if err := readJSON(c, &body); err != nil {
		return err
	}
	in, err := s.beginAs(c.Request.Context(), r, body.Workflow, body.Form, body.Comment)
	if err != nil {
		return err
	}
	return s.sendAfter(c, r, in.ID)
}

// beginAs begins a workflow as the person who asks.
func (s *server) beginAs(ctx context.Context, r *request, workflow string, form workflows.Form, comment string) (workflows.Instance, error) {
	return s.Engine.Begin(ctx, workflow, r.id, workflows.Action{Kind: workflows.Submit, By: r.person.ID, Form: form, Comment: comment})
}

// approvedJSON is what became of one task of a bulk approval.
type approvedJSON struct {
	workflows.TaskRef
	Approved bool   `json:"approved"`
	Code     string `json:"code,omitempty"`
	Message  string `json:"message,omitempty"`
}

// apiApprove approves several tasks, each on its own.
func (s *server) apiApprove(c *gin.Context, r *request) error {
	var body struct {
		Tasks   []workflows.TaskRef `json:"tasks"`
		Comment string              `json:"comment"`
	}
	if err := readJSON(c, &body); err != nil {
		return err
	}
	if len(body.Tasks) > maxWaiting {
		return &pageError{status: http.StatusUnprocessableEntity, text: "error.too_many", args: []any{maxWaiting}}
	}
	results, err := s.Engine.ApproveAll(c.Request.Context(), r.person.ID, body.Tasks, body.Comment)
	if err != nil {
		return err
	}
	list := make([]approvedJSON, len(results))
	for i, result := range results {
		list[i] = approvedJSON{TaskRef: result.TaskRef, Approved: result.Refused == nil}
		if result.Refused != nil {
			list[i].Code, list[i].Message = string(result.Refused.Code), wording(result.Refused, r.language)
		}
	}
	s.json(c, http.StatusOK, gin.H{"results": list})
	return nil
}
