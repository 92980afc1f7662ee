package api

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"duban/models"
	"duban/workflows"
)

// delegationsData is the page of delegations for leave (委托).
type delegationsData struct {
	Admin     bool // sees all and may lend for others
	List      []delegationView
	People    []models.User
	Workflows []optionView
	Entered   *entry
	From, To  int64 // as they were entered
	Flaws     []flaw
	Today     string
}

// delegationView is a delegation, in words.
type delegationView struct {
	models.Delegation
	From, To string
	Covers   []string // titles of workflows, none for all
	Now      bool     // in force today
	Mine     bool     // may be revoked by who looks
}

// Value returns what was entered in an input before.
func (d delegationsData) Value(name string) string {
	if d.Entered == nil {
		return ""
	}
	return d.Entered.Get(name)
}

func (s *server) delegations(ctx context.Context, r *request) (any, error) {
	return s.delegationsPage(ctx, r, nil, nil)
}

func (s *server) delegationsPage(ctx context.Context, r *request, e *entry, refusal *workflows.Error) (delegationsData, error) {
	data := delegationsData{Admin: r.person.Has(models.RoleAdmin), Entered: e, Today: r.today.String(), Flaws: flaws(refusal, nil, r.language)}
	catalog, err := s.Engine.Catalog(ctx)
	if err != nil {
		return data, err
	}
	picked := map[string]bool{}
	if e != nil {
		data.From, data.To = e.number("from"), e.number("to")
		for _, key := range e.Values["workflow"] {
			picked[key] = true
		}
	}
	for _, key := range catalog.Keys() {
		data.Workflows = append(data.Workflows, optionView{key, catalog.Title(key, r.language), picked[key]})
	}
	users, err := s.Store.Users(ctx)
	if err != nil {
		return data, err
	}
	byID := make(map[int64]models.User, len(users))
	for _, u := range users {
		byID[u.ID] = u
	}
	data.People = choosable(byID, r.person.UnitID, 0)
	whose := r.person.ID
	if data.Admin {
		whose = 0
	}
	list, err := s.Store.DelegationsOf(ctx, whose, r.today)
	for _, d := range list {
		if data.Admin && !serves(r.person, byID[d.FromID].UnitID) && d.FromID != r.person.ID && d.ToID != r.person.ID {
			continue
		}
		v := delegationView{
			Delegation: d, From: byID[d.FromID].Name, To: byID[d.ToID].Name,
			Now: !r.today.Before(d.FirstDay), Mine: data.Admin || d.FromID == r.person.ID,
		}
		for _, key := range d.Workflows {
			v.Covers = append(v.Covers, catalog.Title(key, r.language))
		}
		data.List = append(data.List, v)
	}
	return data, err
}

// lend stores a delegation.
func (s *server) lend(c *gin.Context, r *request) error {
	e, err := readEntry(c)
	if err != nil {
		return err
	}
	d := models.Delegation{
		FromID: r.person.ID, ToID: e.number("to"), FirstDay: e.date("first"), LastDay: e.date("last"),
		Workflows: e.Values["workflow"], Reason: e.Get("reason"),
	}
	if from := e.number("from"); from != 0 {
		d.FromID = from // the engine knows who may
	}
	_, err = s.Engine.Lend(c.Request.Context(), r.person.ID, d)
	if refusal, ok := correctable(err); ok {
		data, err := s.delegationsPage(c.Request.Context(), r, e, refusal)
		if err == nil {
			s.render(c, http.StatusUnprocessableEntity, r.language, "delegations", data)
		}
		return err
	}
	if err == nil {
		s.redirect(c, "/delegations")
	}
	return err
}

// revoke ends a delegation.
func (s *server) revoke(c *gin.Context, r *request) error {
	err := s.Engine.Revoke(c.Request.Context(), r.person.ID, r.id)
	if err == nil {
		s.redirect(c, "/delegations")
	}
	return err
}

// handOverData is the page on which a leaver's work is given to a successor
// (离职转办).
type handOverData struct {
	People   []models.User // also those who are in use no more
	From, To int64
	Reason   string
	Flaws    []flaw
	Done     bool
	Results  []handedView
	FromName string
	ToName   string
}

// handedView is what became of one thing of the leaver.
type handedView struct {
	workflows.HandedOver
	Refusal string
}

func (s *server) handOver(ctx context.Context, r *request) (any, error) {
	if !r.person.Has(models.RoleAdmin) {
		return nil, errNotYours
	}
	users, err := s.Store.Users(ctx)
	return handOverData{People: users}, err
}

// giveOver hands the work over and lists what was refused, and why.
func (s *server) giveOver(c *gin.Context, r *request) error {
	ctx := c.Request.Context()
	e, err := readEntry(c)
	if err != nil {
		return err
	}
	users, err := s.Store.Users(ctx)
	if err != nil {
		return err
	}
	data := handOverData{People: users, From: e.number("from"), To: e.number("to"), Reason: e.Get("reason")}
	for _, u := range users {
		switch u.ID {
		case data.From:
			data.FromName = u.Name
		case data.To:
			data.ToName = u.Name
		}
	}
	done, err := s.Engine.HandOver(ctx, r.person.ID, data.From, data.To, data.Reason)
	if refusal, ok := correctable(err); ok {
		data.Flaws = flaws(refusal, nil, r.language)
		s.render(c, http.StatusUnprocessableEntity, r.language, "handover", data)
		return nil
	}
	if err != nil {
		return err
	}
	data.Done = true
	for _, h := range done {
		v := handedView{HandedOver: h}
		if h.Refused != nil {
			v.Refusal = wording(h.Refused, r.language)
		}
		data.Results = append(data.Results, v)
	}
	s.render(c, http.StatusOK, r.language, "handover", data)
	return nil
}
