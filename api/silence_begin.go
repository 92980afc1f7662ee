package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"duban/jobs"
	"duban/models"
	"duban/models/calendar"
)

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
