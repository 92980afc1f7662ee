package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"duban/jobs"
	"duban/models"
	"duban/models/calendar"
)

// ackCard is the card 已阅: who has acknowledged a duty, and the form for
// whoever may.
type ackCard struct {
	Duty     int64
	Audience models.Audience // the capacity in which the person may
	Choices  []ackChoice     // none if they may not
	Why      string          // why they may not now, "" if the duty is nothing to them
	Ahead    bool            // the due date has not passed
	Login    bool            // a stranger may be somebody who may
	List     []ackView

	// What was entered and refused, and why.
	Problem string
	Days    int
	Note    string
}

// ackChoice is a number of workdays for which reminders can be paused.
type ackChoice struct {
	Days  int
	Until calendar.Date
}

// ackView is an acknowledgement in words. The note is for those whose unit it is.
type ackView struct {
	models.Acknowledgement
	By  string
	Now bool // in force
}

// ackOf reads the card about a duty, nil where nobody can log in.
func ackOf(ctx context.Context, r *request, d models.Obligation) (*ackCard, error) {
	if r.engine == nil {
		return nil, nil //nolint:nilnil // there is no card to show
	}
	card := &ackCard{Duty: d.ID, Ahead: !r.today.After(d.DueOn), Login: r.person.ID == 0 && !d.Settled()}
	if err := card.offer(ctx, r, d); err != nil {
		return nil, err
	}
	acks, err := r.store.AcknowledgementsOf(ctx, d.ID)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(acks))
	for i, a := range acks {
		ids[i] = a.UserID
	}
	users, err := r.store.UsersByID(ctx, ids)
	for _, a := range acks {
		if !inside(r.person, d.UnitID) {
			a.Note = ""
		}
		card.List = append(card.List, ackView{a, users[a.UserID].Name, !r.today.After(a.UntilOn) && !d.Settled()})
	}
	return card, err
}

// offer adds what the person may do about the duty.
func (card *ackCard) offer(ctx context.Context, r *request, d models.Obligation) error {
	if r.person.ID == 0 || d.Settled() {
		return nil
	}
	pause, err := jobs.MayAcknowledge(ctx, r.store, r.person.ID, d.ID, r.today)
	if refusal, ok := errors.AsType[*models.AckError](err); ok {
		if refusal.Code != models.AckNotTold {
			card.Why = ackWording(refusal, r.language)
		}
		return nil
	}
	if err != nil {
		return err
	}
	card.Audience = pause.Audience
	for i, until := range pause.Until {
		card.Choices = append(card.Choices, ackChoice{i + 1, until})
	}
	return nil
}

// Shown reports whether the card says anything.
func (card *ackCard) Shown() bool {
	return len(card.Choices) > 0 || card.Why != "" || card.Login || len(card.List) > 0 || card.Problem != ""
}

func ackWording(e *models.AckError, language models.Language) string {
	return refusalText(language, string(e.Code), e.Message)
}

// ackStatuses are the answers to refusals; any other is about what was entered.
var ackStatuses = map[models.AckCode]int{
	models.AckNotTold: http.StatusForbidden,
	models.AckBarred:  http.StatusForbidden,
	models.AckSettled: http.StatusConflict,
	models.AckInForce: http.StatusConflict,
	models.AckUnsaid:  http.StatusConflict,
	models.AckDue:     http.StatusConflict,
}

func ackStatus(e *models.AckError) int {
	if status, ok := ackStatuses[e.Code]; ok {
		return status
	}
	return http.StatusUnprocessableEntity
}

// ackRefused turns a refusal into an error that pages and the API explain.
func ackRefused(e *models.AckError, language models.Language) *pageError {
	return &pageError{status: ackStatus(e), code: string(e.Code), text: "error.refused", args: []any{ackWording(e, language)}}
}

// acknowledge records 已阅 by the person who asks. What cannot be is told on
// the page of the duty.
func (s *server) acknowledge(c *gin.Context, r *request) error {
	ctx := c.Request.Context()
	e, err := readEntry(c)
	if err != nil {
		return err
	}
	_, err = jobs.Acknowledge(ctx, s.Store, r.person, r.id, int(e.number("days")), e.Get("note"), r.today)
	refusal, refused := errors.AsType[*models.AckError](err)
	switch {
	case refused:
		data, err := obligationPage(ctx, r)
		if err != nil {
			return err
		}
		if data.Ack != nil {
			data.Ack.Problem, data.Ack.Why = ackWording(refusal, r.language), ""
			data.Ack.Days, data.Ack.Note = int(e.number("days")), strings.TrimSpace(e.Get("note"))
		}
		s.render(c, ackStatus(refusal), r.language, "obligation", data)
		return nil
	case err != nil:
		return err
	}
	s.redirect(c, link(dutyPath(r.id), "", nil)+"#ack")
	return nil
}

// ackJSON is an acknowledgement as a program reads it.
type ackJSON struct {
	ID         int64           `json:"id"`
	Obligation int64           `json:"obligation"`
	User       int64           `json:"user"`
	Audience   models.Audience `json:"audience"`
	AckedOn    calendar.Date   `json:"ackedOn"`
	UntilOn    calendar.Date   `json:"untilOn"`
	Note       string          `json:"note,omitempty"`
}

// apiAcknowledge is acknowledge for programs.
func (s *server) apiAcknowledge(c *gin.Context, r *request) error {
	var body struct {
		Days int    `json:"days"`
		Note string `json:"note"`
	}
	if err := readJSON(c, &body); err != nil {
		return err
	}
	a, err := jobs.Acknowledge(c.Request.Context(), s.Store, r.person, r.id, body.Days, body.Note, r.today)
	if refusal, ok := errors.AsType[*models.AckError](err); ok {
		return ackRefused(refusal, r.language)
	}
	if err != nil {
		return err
	}
	s.json(c, http.StatusOK, ackJSON{a.ID, a.ObligationID, a.UserID, a.Audience, a.AckedOn, a.UntilOn, a.Note})
	return nil
}
