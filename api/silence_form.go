package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"duban/jobs"
	"duban/models"
	"duban/models/calendar"
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

// errUnnamed means that there is no such project or duty.
var errUnnamed = errors.New("没有这个项目或事项")

// named finds what a form names: a duty by its number, or else a project by
// its code. A mute is about a project, and a window about neither.
func (s *server) named(ctx context.Context, e *entry) (about subject, err error) {
	kind := models.SilenceKind(e.Get("kind"))
	if kind == models.Silencing && strings.TrimSpace(e.Get("obligation")) != "" {
		about.duty, err = s.Store.Duty(ctx, e.number("obligation"), s.Store.Today())
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

// silenceOf reads a silence from a form. Whoever belongs to a unit can hold
// back what its people are told and nothing else.
func (s *server) silenceOf(e *entry, r *request, about subject) models.Silence {
	one := models.Silence{
		Kind: models.SilenceKind(e.Get("kind")), Reason: strings.TrimSpace(e.Get("reason")), AuthorID: r.person.ID, StartsAt: r.now.UTC(),
	}
	switch one.Kind {
	case models.Mute:
		one.ProjectID, one.OwnerID, one.EndsAt = about.project.ID, e.number("owner"), e.dayEnd("last")
		return one
	case models.Window:
		one.Channel = models.Channel(e.Get("channel"))
		if from := e.moment("from"); from != nil && from.After(r.now) {
			one.StartsAt = *from
		}
		one.EndsAt = e.moment("until")
	default:
		one.ProjectID, one.ObligationID, one.RecipientID = about.project.ID, about.duty.ID, e.number("person")
		one.DutyKind, one.EndsAt = models.Kind(e.Get("duty_kind")), e.dayEnd("last")
	}
	if one.UnitID = r.person.UnitID; one.UnitID == 0 {
		one.UnitID = e.number("unit")
	}
	return one
}

// dayEnd reads a day up to and including which something holds, nil for none.
func (e *entry) dayEnd(name string) *time.Time {
	day := e.date(name)
	if day.IsZero() {
		return nil
	}
	end := day.AddDays(1).At(0, 0).UTC()
	return &end
}

// moment reads a time on the clocks in Shanghai, nil for anything else.
func (e *entry) moment(name string) *time.Time {
	at, err := time.ParseInLocation("2006-01-02T15:04", strings.TrimSpace(e.Get(name)), calendar.Shanghai)
	if err != nil {
		return nil
	}
	at = at.UTC()
	return &at
}

// timesRead refuses times that nobody can read, which would otherwise count as
// none: a mute without an end is for ever.
func (e *entry) timesRead() error {
	for _, name := range []string{"last", "from", "until"} {
		if typed := strings.TrimSpace(e.Get(name)); typed != "" && e.date(name).IsZero() && e.moment(name) == nil {
			return fmt.Errorf("%w：时间 %q 应如 2025-07-01 或 2025-07-01T18:00", models.ErrSilence, typed)
		}
	}
	return nil
}

// silenceAhead is how many days ahead a silence is tried out.
const silenceAhead = 14

// silence tries a new silence out or begins it, as the button says.
func (s *server) silence(c *gin.Context, r *request) error {
	ctx := c.Request.Context()
	e, err := readEntry(c)
	if err != nil {
		return err
	}
	data, err := s.silencePage(ctx, r, e)
	if err != nil {
		return err
	}
	about, err := s.named(ctx, e)
	if err != nil && !errors.Is(err, errUnnamed) {
		return err
	}
	one := s.silenceOf(e, r, about)
	if err == nil {
		err = e.timesRead()
	}
	if err == nil {
		err = s.mayBegin(ctx, r.person, one, about)
	}
	if err == nil {
		err = one.Validate()
	}
	switch trial := e.Get("do") == "try"; {
	case err == nil && trial:
		data.Tried = true
		data.Held, err = jobs.HeldBack(ctx, s.Store, one, r.today, r.today.AddDays(silenceAhead))
	case err == nil:
		err = s.Store.Tx(ctx, r.person.Account, func(tx *models.Tx) error {
			one.ID = 0 // of an attempt that was rolled back
			return tx.SaveSilence(&one)
		})
	}
	status := http.StatusOK
	if errors.Is(err, models.ErrSilence) || errors.Is(err, errUnnamed) {
		data.Flaws = []flaw{{Text: refusalText(r.language, "silence", err.Error())}}
		err, status = nil, http.StatusUnprocessableEntity
	}
	switch {
	case err != nil:
		return err
	case data.Tried || len(data.Flaws) > 0:
		s.render(c, status, r.language, "silence", data)
	default:
		s.redirect(c, "/silences")
	}
	return nil
}

// mayBegin refuses a silence that is not the person's to begin, or that names
// people who cannot be meant.
func (s *server) mayBegin(ctx context.Context, person models.User, one models.Silence, about subject) error {
	unit := about.unit()
	switch manager := about.project.ManagerID == person.ID && one.Kind == models.Mute; {
	case unit != 0 && !manager && !maySilence(person, unit):
		return errNotYours
	case one.DutyKind != "" && !slices.Contains(models.Kinds, one.DutyKind):
		return badValue("duty_kind", string(one.DutyKind), string(models.Kinds[0])+", …")
	case one.Channel != "" && !slices.Contains(s.Engine.Routing.Configured, one.Channel):
		return badValue("channel", string(one.Channel), string(s.Engine.Routing.Configured[0])+", …")
	}
	if one.UnitID != 0 {
		if _, err := s.unit(ctx, one.UnitID); err != nil {
			return badValue("unit", strconv.FormatInt(one.UnitID, 10), "1, 2, 3, …")
		}
	}
	users, err := s.Store.UsersByID(ctx, []int64{one.OwnerID, one.RecipientID})
	if err != nil {
		return err
	}
	for _, id := range []int64{one.OwnerID, one.RecipientID} {
		u := users[id]
		if id != 0 && (!u.Active || unit != 0 && !serves(u, unit)) {
			return errUnnamedPerson
		}
	}
	return nil
}

var errUnnamedPerson = &pageError{status: http.StatusUnprocessableEntity, text: "error.no_person", ways: []way{{"/silences", "silences"}}}
