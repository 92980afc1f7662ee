package api

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"duban/models"
	"duban/workflows"
)

// A signed link (签名链接) lets its person decide one task with the code that
// stands beside it in the message. Mail scanners open links, follow what they
// find and submit what they can: so a GET changes nothing whatever it asks
// for, and a POST needs the code, which is in no page and in no address.

// signed is a link that is still good, as it was opened.
type signed struct {
	models.Link
	token string
	own   bool // the session is that of the link's person, who needs no code
}

// openLink reads the link that the path names. What is wrong with it is told
// as a page.
func (s *server) openLink(c *gin.Context, r *request) (signed, error) {
	ctx := c.Request.Context()
	l := signed{token: c.Param("token")}
	var err error
	if l.Link, err = s.LinkKey.Open(l.token, s.Clock.Now()); errors.Is(err, models.ErrLinkForged) {
		return l, linkError(err, way{"/login", "login"})
	}
	if r.person.ID != 0 && r.person.ID != l.UserID {
		return l, s.foreign(ctx, r, l)
	}
	l.own = r.person.ID != 0
	if err == nil {
		err = s.Store.LinkState(ctx, l.token)
	}
	if err != nil {
		return l, s.over(ctx, r, l, err)
	}
	return l, nil
}

// foreign says that a link is another person's.
func (s *server) foreign(ctx context.Context, r *request, l signed) error {
	users, err := s.Store.UsersByID(ctx, []int64{l.UserID})
	if err != nil {
		return err
	}
	return &pageError{status: http.StatusForbidden, text: "link.foreign", args: []any{users[l.UserID].Name, r.person.Name}, ways: l.ways(r)}
}

// over says why a link can be used no more: who has decided, if anybody has.
func (s *server) over(ctx context.Context, r *request, l signed, cause error) error {
	told := linkError(cause, l.ways(r)...)
	page, ok := errors.AsType[*pageError](told)
	if !ok || l.InstanceID == 0 {
		return told
	}
	v, err := s.Engine.View(ctx, l.InstanceID)
	if err != nil {
		return err
	}
	if t, ok := v.State.Task(l.Task); ok && t.State.Done() {
		decided := doneWith(v, t, r.language, l.ways(r))
		decided.status = page.status
		return decided
	}
	return told
}

// ways lead on from a link that does not: to the instance, for those who are
// in, else to the login.
func (l signed) ways(r *request) []way {
	var ways []way
	if r.person.ID == 0 {
		ways = append(ways, way{"/login", "login"})
	}
	if l.InstanceID != 0 {
		ways = append(ways, way{instancePath(l.InstanceID), "link.instance"})
	}
	return ways
}

// doneWith says who has decided a task, and how.
func doneWith(v *workflows.View, t workflows.Task, l models.Language, ways []way) *pageError {
	p := &pageError{status: http.StatusConflict, text: "link.decided", ways: ways}
	switch {
	case t.ActedBy == 0:
		p.text = "link.needless"
		if v.State.Outcome != "" {
			p.text, p.args = "link.ended", []any{word(l, "status", v.State.Outcome)}
		}
		return p
	case t.ActedFor != 0:
		p.args = []any{say(l, "for", v.Name(t.ActedBy), v.Name(t.ActedFor))}
	default:
		p.args = []any{v.Name(t.ActedBy)}
	}
	p.args = append(p.args, instant(t.TouchedAt), word(l, "taskdone", t.State))
	return p
}

// linkTask reads the task that a link is bound to, unless somebody has decided
// or changed it meanwhile.
func (s *server) linkTask(ctx context.Context, r *request, l signed) (*workflows.View, workflows.Task, error) {
	v, err := s.Engine.View(ctx, l.InstanceID)
	if err != nil {
		return nil, workflows.Task{}, err
	}
	t, ok := v.State.Task(l.Task)
	switch {
	case !ok:
		return nil, t, linkError(models.ErrLinkForged, l.ways(r)...)
	case t.State.Done():
		return nil, t, doneWith(v, t, r.language, l.ways(r))
	case t.Version != l.TaskVersion:
		return nil, t, &pageError{
			status: http.StatusConflict, text: "link.changed", args: []any{v.Name(t.TouchedBy), instant(t.TouchedAt)}, ways: l.ways(r),
		}
	case !stillTheirs(v, t, l.UserID):
		// The person has left, or stands in no longer: nothing is shown either.
		return nil, t, &pageError{status: http.StatusForbidden, text: "link.not_now", ways: l.ways(r)}
	}
	return v, t, nil
}

// stillTheirs reports whether the person of a link may decide its task, or
// could if the instance were not suspended.
func stillTheirs(v *workflows.View, t workflows.Task, person int64) bool {
	if v.State.Suspended {
		return v.People.People[person].Active && v.MaySee(person)
	}
	return slices.ContainsFunc(v.TasksFor(person), func(mine workflows.Task) bool { return mine.ID == t.ID })
}

// linkData is the page of a signed link: of a task, or of a login.
type linkData struct {
	*caseView
	Action   string
	Person   string // whose link it is
	Task     openTask
	Decision *decision
	Changed  bool   // the form is another one than when the message was sent
	Next     string // the page itself, to come back to
	Flaws    []flaw
	Problem  string // with the code of a login
}

// link shows what a signed link is about.
func (s *server) link(c *gin.Context, r *request) error {
	l, err := s.openLink(c, r)
	if err != nil {
		return err
	}
	if l.InstanceID == 0 {
		return s.loginByLink(c, r, l, "")
	}
	v, t, err := s.linkTask(c.Request.Context(), r, l)
	if err != nil {
		return err
	}
	return s.renderLink(c, r, l, v, t, http.StatusOK, nil, nil)
}

// loginByLink shows the page of a link that only lets its person in.
func (s *server) loginByLink(c *gin.Context, r *request, l signed, problem string) error {
	if l.own {
		s.redirect(c, "/tasks")
		return nil
	}
	status := http.StatusOK
	if problem != "" {
		status = http.StatusUnprocessableEntity
	}
	s.render(c, status, r.language, "link", linkData{Action: "/links/" + l.token, Problem: problem})
	return nil
}

// renderLink shows the task of a link with the form to decide it; e and
// refusal are of a form that came back.
func (s *server) renderLink(c *gin.Context, r *request, l signed, v *workflows.View, t workflows.Task, status int, e *entry, refusal *workflows.Error) error {
	ctx := c.Request.Context()
	about, err := s.caseView(ctx, v, r.language)
	if err != nil {
		return err
	}
	data := linkData{
		caseView: &about, Action: "/links/" + l.token, Person: v.Name(l.UserID), Task: viewTask(v, t, r.language),
		Next: "/links/" + l.token, Changed: !l.own && !l.SameForm(v.State.FormHash),
	}
	if !data.Changed {
		if data.Decision, err = s.decision(ctx, r, v, t, l.UserID, e, refusal); err != nil {
			return err
		}
	}
	if d := data.Decision; d != nil {
		d.Action, d.Code = data.Action, !l.own
		if refusal != nil && refusal.Code == codeWrong {
			d.BadCode = refusal.Message
		}
		data.Flaws = flaws(refusal, d.Fields, r.language)
	}
	s.render(c, status, r.language, "link", data)
	return nil
}
