package api

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"duban/models"
	"duban/models/money"
)

var silenceKinds = []models.SilenceKind{models.Silencing, models.Mute, models.Window}

// silenceData is the form of a new silence.
type silenceData struct {
	Kind     models.SilenceKind
	Kinds    []models.SilenceKind // the forms to choose from, nil if there is one
	Units    []models.Unit
	People   []models.User
	Duties   []models.Kind
	Channels []models.Channel
	Unit     string // whose duties it is about at most, "" for somebody who may choose
	About    string // what the project and duty that are named are called
	Entered  *entry
	Flaws    []flaw
	Tried    bool // Held was counted
	Held     int  // reminders of the next days that it would keep from being sent
	Ahead    int  // how many days those are
	Today    string
}

// Value returns what stands in an input.
func (d silenceData) Value(name string) string { return d.Entered.Get(name) }

// Number returns the id that was chosen in an input.
func (d silenceData) Number(name string) int64 { return d.Entered.number(name) }

// newSilence is the form, with what the query names filled in: links lead here
// from the pages of duties and projects.
func (s *server) newSilence(ctx context.Context, r *request) (any, error) {
	kind, err := choice(r.query, "kind", models.Silencing, silenceKinds...)
	if err != nil {
		return nil, err
	}
	e := &entry{Values: url.Values{"kind": {string(kind)}, "owner": {strconv.FormatInt(r.person.ID, 10)}}}
	for _, name := range []string{"obligation", "project"} {
		id, err := number(r.query, name)
		if err != nil {
			return nil, err
		}
		if id != 0 {
			e.Set(name, strconv.FormatInt(id, 10))
		}
	}
	if id := e.number("project"); id != 0 {
		p, err := s.Store.ProjectRow(ctx, id, r.today)
		if err != nil {
			return nil, err
		}
		e.Set("project", p.Code)
	}
	return s.silencePage(ctx, r, e)
}

// silencePage shows the form with what was entered.
func (s *server) silencePage(ctx context.Context, r *request, e *entry) (silenceData, error) {
	data := silenceData{
		Kind: models.SilenceKind(e.Get("kind")), Duties: models.Kinds, Channels: s.Engine.Routing.Configured,
		Entered: e, Today: r.today.String(), Ahead: silenceAhead,
	}
	if !slices.Contains(silenceKinds, data.Kind) {
		return data, badValue("kind", string(data.Kind), "silence, mute, window")
	}
	if err := s.mayOffer(ctx, r, data.Kind); err != nil {
		return data, err
	}
	if supervises(r.person) {
		data.Kinds = silenceKinds
	}
	units, err := s.Store.Units(ctx)
	if err != nil {
		return data, err
	}
	for _, u := range units {
		if u.ID == r.person.UnitID {
			data.Unit = u.Name
		}
	}
	if data.Unit == "" {
		data.Units = units
	}
	users, err := s.Store.Users(ctx)
	if err != nil {
		return data, err
	}
	for _, u := range users {
		if u.Active && (r.person.UnitID == 0 || u.UnitID == 0 || u.UnitID == r.person.UnitID) {
			data.People = append(data.People, u)
		}
	}
	about, err := s.named(ctx, e)
	data.About = about.words()
	if errors.Is(err, errUnnamed) {
		err = nil // the form says so when it is sent
	}
	return data, err
}

// mayOffer refuses the form to those who could not send it.
func (s *server) mayOffer(ctx context.Context, r *request, kind models.SilenceKind) error {
	if supervises(r.person) {
		return nil
	}
	manages, err := s.Store.Manages(ctx, r.person.ID)
	if err == nil && (!manages || kind != models.Mute) {
		err = errNotYours
	}
	return err
}

// subject is the project or the duty that a form names.
type subject struct {
	project models.Project
	duty    models.Duty
}

func (s subject) words() string {
	switch {
	case s.duty.ID != 0 && s.duty.ProjectName != "":
		return s.duty.ProjectName + " · " + s.duty.Title
	case s.duty.ID != 0:
		return s.duty.UnitName + " · " + s.duty.Title
	}
	return s.project.Name
}

// unit is the unit whose people hear of the subject, 0 if there is none.
func (s subject) unit() int64 {
	if s.duty.ID != 0 {
		return s.duty.UnitID
	}
	return s.project.UnitID
}

// typedNumber reads a number that a person has typed, with full-width digits
// and spaces, 0 for anything else.
func typedNumber(typed string) int64 {
	n, err := strconv.ParseInt(money.Clean(typed), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// errUnnamed means that there is no such project or duty.
var errUnnamed = errors.New("没有这个项目或事项")

// named finds what a form names: a duty by its number, or else a project by
// its code. A mute is about a project, and a window about neither.
func (s *server) named(ctx context.Context, e *entry) (about subject, err error) {
	kind := models.SilenceKind(e.Get("kind"))
	if kind == models.Silencing && strings.TrimSpace(e.Get("obligation")) != "" {
		// A typing error must not silence another duty.
		about.duty, err = s.Store.Duty(ctx, typedNumber(e.Get("obligation")), s.Store.Today())
		if errors.Is(err, models.ErrNotFound) {
			err = errUnnamed
		}
		return about, err
	}
	code := strings.TrimSpace(e.Get("project"))
	if kind == models.Window || code == "" {
		return about, nil
	}
	var ok bool
	if about.project, ok, err = s.Store.ProjectByCode(ctx, code); err == nil && !ok {
		err = errUnnamed
	}
	return about, err
}
