package api

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"duban/models"
	"duban/workflows"
)

// codeWrong refuses an action because the code that came with it is not the
// link's.
const codeWrong workflows.Code = "wrong_code"

// decideByLink takes the decision that a link asks for.
func (s *server) decideByLink(c *gin.Context, r *request) error {
	ctx := c.Request.Context()
	l, err := s.openLink(c, r)
	if err != nil {
		return err
	}
	e, err := readEntry(c)
	if err != nil {
		return err
	}
	if l.InstanceID == 0 {
		return s.enterByLink(c, r, l, e.code())
	}
	v, t, err := s.linkTask(ctx, r, l)
	if err != nil {
		return err
	}
	a, err := e.action(l.UserID)
	switch {
	case err != nil:
	case e.number("task_version") != int64(l.TaskVersion) || !slices.Contains(decidable, a.Kind):
		return outdated
	case !l.own && (!l.SameForm(v.State.FormHash) || !l.SameForm(a.FormHash)):
		return &pageError{status: http.StatusConflict, text: "link.form_changed", ways: l.ways(r)}
	}
	a.Task, a.TaskVersion = l.Task, l.TaskVersion
	if err == nil && !l.own {
		err = s.Store.CheckCode(ctx, s.LinkKey, l.token, e.code(), l.ExpiresAt)
	}
	if errors.Is(err, models.ErrWrongCode) {
		err = &workflows.Error{Code: codeWrong, Message: say(r.language, "link.wrong_code")}
	} else if err == nil {
		err = s.actByLink(c, r, e, l, v, &a)
		l.own = true // the code was right, so the person is in
	}
	if refusal, ok := correctable(err); ok {
		return s.renderLink(c, r, l, v, t, http.StatusUnprocessableEntity, e, refusal)
	}
	switch {
	case aboutLink(err):
		return s.over(ctx, r, l, err)
	case err != nil:
		return refusedAt(err, r.language, v.ID)
	}
	s.redirect(c, instancePath(v.ID)+"?did="+string(a.Kind))
	return nil
}

// actByLink takes the action, marks the link as used and lets its person in,
// in one transaction. If the action is refused, the person is in all the same,
// because the code was right: what they entered can be mended without it.
func (s *server) actByLink(c *gin.Context, r *request, e *entry, l signed, v *workflows.View, a *workflows.Action) error {
	ctx := c.Request.Context()
	person, err := s.active(ctx, l.UserID)
	if err != nil {
		return err
	}
	if err = s.fillIn(c, e, v, a, person, r.language); err == nil {
		err = s.enter(c, r, l, person, func(tx *models.Tx) error {
			if err := tx.UseLink(l.token, l.ExpiresAt); err != nil {
				return err
			}
			_, err := s.Engine.ActIn(tx, v.ID, *a)
			return err
		})
	}
	if _, refused := errors.AsType[*workflows.Error](err); refused {
		err = cmp.Or(s.enter(c, r, l, person, func(*models.Tx) error { return nil }), err)
	}
	return err
}

// enter does something as the person of a link and starts a session for them,
// unless they have one, in one transaction.
func (s *server) enter(c *gin.Context, r *request, l signed, person models.User, do func(*models.Tx) error) error {
	var secret string
	err := s.Store.Tx(c.Request.Context(), person.Account, func(tx *models.Tx) (err error) {
		if err = do(tx); err == nil && !l.own {
			secret, err = tx.StartSession(person.ID)
		}
		return err
	})
	if err == nil && !l.own {
		s.letIn(c, person, secret)
		r.person = person
	}
	return err
}

// enterByLink lets the person of a login link in.
func (s *server) enterByLink(c *gin.Context, r *request, l signed, code string) error {
	err := s.admit(c, l.token, l.Link, code)
	if errors.Is(err, models.ErrWrongCode) {
		return s.loginByLink(c, r, l, say(r.language, "link.wrong_code"))
	}
	if err != nil {
		return linkError(err, l.ways(r)...)
	}
	s.redirect(c, "/tasks")
	return nil
}
