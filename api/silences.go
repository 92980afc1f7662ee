package api

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"duban/models"
)

const (
	liveSilences = 500 // how many of those that are not over are read
	pastSilences = 100
)

// silencesData is the page of what is held back (静默).
type silencesData struct {
	Tabs []tab
	Live []silenceView // in force, or not begun yet
	Past []silenceView
	May  bool // may begin silences and windows, not mutes only
}

// silenceView is a silence in words.
type silenceView struct {
	models.SilenceRow
	Now    bool
	Later  bool // not begun yet
	MayEnd bool
}

// All reports whether it covers everything of its kind.
func (v silenceView) All() bool {
	return v.UnitID == 0 && v.ProjectID == 0 && v.ObligationID == 0 && v.RecipientID == 0 && v.DutyKind == "" && v.Channel == ""
}

// silencesOf returns the silences that hold back something about a duty now.
// Their reasons are for those whose unit it is.
func silencesOf(ctx context.Context, r *request, about models.Obligation) ([]models.Silence, error) {
	all, err := r.store.Silences(ctx, false, liveSilences)
	var found []models.Silence
	for _, one := range all {
		if !one.Touches(about, r.now) {
			continue
		}
		if !inside(r.person, about.UnitID) {
			one.Reason = ""
		}
		found = append(found, one)
	}
	return found, err
}

// maySilence reports whether the person may hold back what a unit's people are
// told, that of all units for 0.
func maySilence(person models.User, unit int64) bool {
	return supervises(person) && serves(person, unit)
}

// maySee reports whether a silence concerns the person: as one of those who
// decide about silences, as the project's manager, or as who answers for it.
func maySee(person models.User, row models.SilenceRow) bool {
	return supervises(person) && (row.Concerns == 0 || serves(person, row.Concerns)) ||
		mayEnd(person, row)
}

// mayEnd reports whether the person may end a silence before its time.
func mayEnd(person models.User, row models.SilenceRow) bool {
	answers := row.ManagerID == person.ID && row.Kind == models.Mute || row.OwnerID == person.ID || row.AuthorID == person.ID
	return answers || maySilence(person, row.Concerns)
}

func (s *server) silences(ctx context.Context, r *request) (any, error) {
	data := silencesData{Tabs: ownTabs(r.person), May: supervises(r.person)}
	if !data.May {
		manages, err := s.Store.Manages(ctx, r.person.ID)
		if err != nil {
			return nil, err
		}
		if !manages && !r.person.Has(models.RoleManager) {
			return nil, errNotYours
		}
	}
	live, err := s.Store.SilenceRows(ctx, false, liveSilences)
	if err != nil {
		return nil, err
	}
	past, err := s.Store.SilenceRows(ctx, true, pastSilences)
	for _, row := range live {
		if maySee(r.person, row) {
			data.Live = append(data.Live, silenceView{row, row.At(r.now), row.StartsAt.After(r.now), mayEnd(r.person, row)})
		}
	}
	for _, row := range past {
		if maySee(r.person, row) {
			data.Past = append(data.Past, silenceView{SilenceRow: row})
		}
	}
	return data, err
}

// endSilence ends a silence before its time. The box that asks whether that is
// meant must be ticked.
func (s *server) endSilence(c *gin.Context, r *request) error {
	ctx := c.Request.Context()
	row, err := s.Store.SilenceRow(ctx, r.id)
	switch {
	case err != nil:
		return err
	case !mayEnd(r.person, row):
		return errNotYours
	}
	e, err := readEntry(c)
	if err != nil {
		return err
	}
	if e.Get("sure") == "" {
		return &pageError{status: http.StatusUnprocessableEntity, text: "error.not_sure", ways: []way{{"/silences", "silences"}}}
	}
	err = s.Store.Tx(ctx, r.person.Account, func(tx *models.Tx) error { return tx.EndSilence(r.id, r.person.ID) })
	if err == nil {
		s.redirect(c, "/silences")
	}
	return err
}
