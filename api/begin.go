package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"duban/models"
	"duban/workflows"
)

// beginData is the form with which somebody begins a workflow about a duty.
type beginData struct {
	Action   string
	Title    string // of the workflow
	Duty     models.Obligation
	Project  models.Project
	Unit     models.Unit
	Evidence workflows.Case
	Spending bool
	Fields   []fieldView
	Upload   bool
	Comment  string
	Flaws    []flaw
}

func beginPath(obligation int64, workflow string) string {
	return fmt.Sprintf("/obligations/%d/begin/%s", obligation, workflow)
}

// prepare reads what a new instance would be about, for those who may begin it.
func (s *server) prepare(ctx context.Context, r *request, workflow string) (*workflows.View, error) {
	v, err := s.Engine.Prepare(ctx, workflow, r.id)
	if err != nil {
		return nil, err
	}
	if !v.MayBegin(r.person.ID) {
		return nil, &pageError{status: http.StatusForbidden, text: "error.may_not_begin", args: []any{v.Definition.Title.In(r.language)}}
	}
	return v, nil
}

func (s *server) beginPage(ctx context.Context, r *request, v *workflows.View, e *entry, refusal *workflows.Error) (beginData, error) {
	c := v.State.Case
	data := beginData{
		Action: beginPath(r.id, v.Definition.Key), Title: v.Definition.Title.In(r.language), Duty: v.Matter.Obligation,
		Project: v.Matter.Project, Unit: v.Matter.Unit, Evidence: c, Spending: c.Kind == models.SpendingTarget,
	}
	fv := formView{language: r.language, today: r.today, about: c, entered: e, person: r.person.ID}
	if e != nil {
		data.Comment = e.Get("comment")
	}
	if refusal != nil {
		fv.problems = refusal.Fields
	}
	fields := fieldsAt(v.Definition, workflows.ApplyStep)
	var err error
	data.Fields, err = s.fields(ctx, fv, fields)
	for _, f := range fields {
		data.Upload = data.Upload || f.Type == workflows.FieldFile
	}
	data.Flaws = flaws(refusal, data.Fields, r.language)
	return data, err
}

// beginForm shows the empty form.
func (s *server) beginForm(c *gin.Context, r *request) error {
	v, err := s.prepare(c.Request.Context(), r, c.Param("workflow"))
	if err != nil {
		return err
	}
	data, err := s.beginPage(c.Request.Context(), r, v, nil, nil)
	if err == nil {
		s.render(c, http.StatusOK, r.language, "begin", data)
	}
	return err
}

// begin starts an instance with the form that was filled in.
func (s *server) begin(c *gin.Context, r *request) error {
	ctx := c.Request.Context()
	v, err := s.prepare(ctx, r, c.Param("workflow"))
	if err != nil {
		return err
	}
	e, err := readEntry(c)
	if err != nil {
		return err
	}
	fields := fieldsAt(v.Definition, workflows.ApplyStep)
	if err := s.upload(c, e, fields, r.person, r.language); err != nil {
		return err
	}
	var in workflows.Instance
	err = e.flawed()
	if err == nil {
		in, err = s.beginAs(ctx, r, v.Definition.Key, e.form(fields, v.State.Case), e.Get("comment"))
	}
	if refusal, ok := correctable(err); ok {
		data, err := s.beginPage(ctx, r, v, e, refusal)
		if err == nil {
			s.render(c, http.StatusUnprocessableEntity, r.language, "begin", data)
		}
		return err
	}
	if err != nil {
		return err
	}
	s.redirect(c, instancePath(in.ID)+"?did="+string(workflows.Submit))
	return nil
}
