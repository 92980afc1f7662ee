package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"duban/models"
	"duban/models/calendar"
	"duban/workflows"
)

// The JSON API under /api/v1 does for programs what the pages do for people,
// with the same session and the same refusals. Forms are in the engine's own
// terms: amounts in 分, tables as lists of rows.

const apiPrefix = "/api/"

// mountAPI adds the API. Every route of it needs a person.
func (s *server) mountAPI(r *gin.Engine, get func(string, gin.HandlerFunc)) {
	get("/api/v1/tasks", s.answer(known(s.apiTasks)))
	r.POST("/api/v1/tasks/approve", s.answer(known(s.apiApprove)))
	get("/api/v1/instances/:id", s.answer(known(s.apiInstance)))
	r.POST("/api/v1/instances/:id/actions", s.answer(known(s.apiAct)))
	r.POST("/api/v1/obligations/:id/instances", s.answer(known(s.apiBegin)))
}

// failureJSON is a refusal as a program reads it.
type failureJSON struct {
	Code    string        `json:"code"`
	Message string        `json:"message"`
	By      *personJSON   `json:"by,omitempty"`    // who was first; id 0 is the system
	At      *time.Time    `json:"at,omitempty"`    // when they were
	Until   *time.Time    `json:"until,omitempty"` // not before
	Step    string        `json:"step,omitempty"`
	Running int64         `json:"instance,omitempty"` // the one that is open already
	Fields  []problemJSON `json:"fields,omitempty"`
	Request string        `json:"request,omitempty"` // the id in the log
}

type personJSON struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

type problemJSON struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// failJSON answers a program with what went wrong.
func (s *server) failJSON(c *gin.Context, language models.Language, err error) {
	refusal, ok := errors.AsType[*workflows.Error](err)
	if !ok {
		told := s.explain(c, language, err)
		f := failureJSON{Code: apiCode(told), Message: say(language, told.text, told.args...)}
		if told == errInternal {
			f.Request = c.GetString(requestID)
		}
		s.json(c, told.status, f)
		return
	}
	f := failureJSON{Code: string(refusal.Code), Message: wording(refusal, language), Step: refusal.Step, Running: refusal.Instance}
	for _, p := range refusal.Fields {
		f.Fields = append(f.Fields, problemJSON{p.Field, p.Message})
	}
	if !refusal.At.IsZero() {
		f.By, f.At = s.personJSON(c.Request.Context(), refusal.By, language), &refusal.At
	}
	if !refusal.Until.IsZero() {
		f.Until = &refusal.Until
		wait := math.Ceil(refusal.Until.Sub(s.Clock.Now()).Seconds())
		c.Header("Retry-After", strconv.Itoa(int(max(wait, 1))))
	}
	s.json(c, statusOf(refusal), f)
}

// apiCode names a failure that is not the engine's.
func apiCode(told *pageError) string {
	switch {
	case told.code != "":
		return told.code
	case told.status == http.StatusUnauthorized:
		return "login_required"
	}
	return strings.ReplaceAll(strings.ToLower(http.StatusText(told.status)), " ", "_")
}

// personJSON names a person; the system, and somebody who cannot be read now,
// by what is known.
func (s *server) personJSON(ctx context.Context, id int64, language models.Language) *personJSON {
	if id == workflows.System {
		return &personJSON{Name: say(language, "system")}
	}
	users, err := s.Store.UsersByID(ctx, []int64{id})
	if err != nil {
		s.Logger.WarnContext(ctx, "name a person", "error", err)
	}
	return &personJSON{id, users[id].Name}
}

func (s *server) json(c *gin.Context, status int, body any) {
	c.Header("Cache-Control", "no-store")
	c.JSON(status, body)
}

// readJSON reads the body of a request. A name that is not known is refused:
// a program that sends who acts, or when, must not believe that it counts.
func readJSON(c *gin.Context, into any) error {
	badJSON := func(why string) error {
		return &pageError{status: http.StatusBadRequest, text: "error.bad_json", args: []any{why}}
	}
	if media := c.ContentType(); media != "application/json" {
		return badJSON("Content-Type: " + media)
	}
	d := json.NewDecoder(http.MaxBytesReader(c.Writer, c.Request.Body, maxForm))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return badJSON(err.Error())
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return badJSON("…")
	}
	return nil
}

// taskJSON is an instance in a list, with the task in it if there is one.
type taskJSON struct {
	Instance   int64         `json:"instance"`
	Title      string        `json:"title"`
	Workflow   string        `json:"workflow"`
	Obligation int64         `json:"obligation"`
	Project    string        `json:"project,omitempty"`
	Unit       string        `json:"unit"`
	Applicant  string        `json:"applicant,omitempty"`
	Status     string        `json:"status"`
	Step       string        `json:"step"`
	Task       int           `json:"task,omitempty"`
	Version    int64         `json:"taskVersion,omitempty"`
	State      string        `json:"state,omitempty"`
	Assignee   int64         `json:"assignee,omitempty"`
	For        string        `json:"for,omitempty"`
	DueOn      calendar.Date `json:"dueOn,omitzero"`
	Overdue    bool          `json:"overdue,omitempty"`
	ReadAt     *time.Time    `json:"readAt,omitempty"`
}

// apiTasks lists one box of the person.
func (s *server) apiTasks(c *gin.Context, r *request) error {
	box, err := choice(r.query, "box", boxOpen, boxOpen, boxDecided, boxStarted, boxCopies, boxOverdue)
	if err != nil {
		return err
	}
	if !mayOpen(box, r.person) {
		return errNotYours
	}
	before, err := number(r.query, "before")
	if err != nil {
		return err
	}
	entries, next, err := readBox(c.Request.Context(), r, box, before)
	if err != nil {
		return err
	}
	tasks := make([]taskJSON, len(entries))
	for i, e := range entries {
		step := e.Step
		if e.Task != 0 {
			step = e.TaskStep
		}
		tasks[i] = taskJSON{
			Instance: e.ID, Title: e.Title, Workflow: e.WorkflowInstance.Workflow, Obligation: e.ObligationID, Project: e.ProjectName,
			Unit: e.UnitName, Applicant: e.Applicant, Status: e.Status, Step: step, Task: e.Task, Version: e.TaskVersion, State: e.TaskState,
			Assignee: e.AssigneeID, For: e.For, DueOn: e.DueOn, Overdue: e.Overdue, ReadAt: e.ReadAt,
		}
	}
	body := gin.H{"tasks": tasks}
	if next != 0 {
		body["before"] = next
	}
	s.json(c, http.StatusOK, body)
	return nil
}
