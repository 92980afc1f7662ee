package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"

	"duban/jobs"
	"duban/models"
)

// mountAudit adds what shows that people were told, and why.
func (s *server) mountAudit(get func(string, gin.HandlerFunc)) {
	get("/why", s.page("why", personal(s.why)))
	get("/api/v1/why", s.answer(known(s.apiWhy)))
	get("/gaps", s.page("gaps", personal(s.gaps)))
}

// whyData is the page that explains why somebody was told something or not.
type whyData struct {
	People     []models.User // of whom the person may ask
	Person     int64
	Obligation string // as entered
	*jobs.Explanation
	Channels []models.Channel // by which the person is reached
	Earlier  int              // occasions that are not shown
}

// occasionsShown is how many of the days so far a page shows.
const occasionsShown = 60

// mayAskOf reports whether a person may see what another one was told: their
// own, and for those who answer for the reminders, that of all whom they serve.
func mayAskOf(person, other models.User) bool {
	return person.ID == other.ID || asksOfAll(person) && (other.UnitID == 0 || serves(person, other.UnitID))
}

func asksOfAll(person models.User) bool {
	return person.Has(models.RoleAdmin) || person.Has(models.RoleOffice) || person.Has(models.RoleFinance)
}

// why shows the form, and the explanation once it is filled in.
func (s *server) why(ctx context.Context, r *request) (any, error) {
	data := whyData{Person: r.person.ID, Obligation: r.query.Get("obligation")}
	if asksOfAll(r.person) {
		users, err := s.Store.Users(ctx)
		if err != nil {
			return data, err
		}
		for _, u := range users {
			if mayAskOf(r.person, u) {
				data.People = append(data.People, u)
			}
		}
	}
	if r.query.Get("obligation") == "" {
		if person, ok, err := s.personNamed(ctx, r.query.Get("person")); err != nil {
			return data, err
		} else if ok && mayAskOf(r.person, person) {
			data.Person = person.ID
		}
		return data, nil
	}
	x, err := s.explained(ctx, r)
	if err != nil {
		return data, err
	}
	data.Channels = s.Engine.Routing.Route(x.Person, models.Normal, false)
	data.Earlier = max(0, len(x.Past)-occasionsShown)
	x.Past = x.Past[data.Earlier:]
	slices.Reverse(x.Past)
	data.Explanation, data.Person = &x, x.Person.ID
	return data, nil
}

// explained answers the question that a query asks: about whom, by account or
// number, and about which duty. Without a person it is about who asks.
func (s *server) explained(ctx context.Context, r *request) (jobs.Explanation, error) {
	obligation, err := number(r.query, "obligation")
	if err == nil && obligation == 0 {
		err = badValue("obligation", "", "1, 2, 3, …")
	}
	if err != nil {
		return jobs.Explanation{}, err
	}
	person := r.person
	if name := r.query.Get("person"); name != "" {
		other, ok, err := s.personNamed(ctx, name)
		switch {
		case err != nil:
			return jobs.Explanation{}, err
		case !ok && asksOfAll(r.person):
			return jobs.Explanation{}, models.ErrNotFound
		case !ok || !mayAskOf(r.person, other): // nobody learns whom there is
			return jobs.Explanation{}, errNotYours
		}
		person = other
	}
	explainer := &jobs.Explainer{Store: s.Store, Clock: s.Clock, Routing: s.Engine.Routing}
	return explainer.Why(ctx, person, obligation, r.today)
}

// personNamed finds a person by account, or else by number: many an account is
// a number, that of its person's staff card.
func (s *server) personNamed(ctx context.Context, name string) (models.User, bool, error) {
	if u, ok, err := s.Store.UserByAccount(ctx, name); ok || err != nil {
		return u, ok, err
	}
	if id, err := strconv.ParseInt(name, 10, 64); err == nil {
		users, err := s.Store.UsersByID(ctx, []int64{id})
		u, ok := users[id]
		return u, ok, err
	}
	return models.User{}, false, nil
}

// gapsShown is how many gaps a page lists.
const gapsShown = 200

// gapsData is the page of what was not said (提醒核对).
type gapsData struct {
	Total int
	Gaps  []models.OpenGap
	Last  *models.JobRun // the last audit, nil if there was none
	Ran   bool           // whether it was done
	Good  []countView
	Bad   []countView
}

// countView is how often an audit came to a verdict.
type countView struct {
	Verdict models.Verdict
	Count   int
}

// seesGaps reports whether a person may see what was not said to whom.
func seesGaps(person models.User) bool {
	return person.Has(models.RoleAdmin) || person.Has(models.RoleOffice)
}

func (s *server) gaps(ctx context.Context, r *request) (any, error) {
	if !seesGaps(r.person) {
		return nil, errNotYours
	}
	var data gapsData
	var err error
	if data.Total, err = s.Store.CountOpenGaps(ctx); err != nil {
		return nil, err
	}
	if data.Gaps, err = s.Store.OpenGaps(ctx, gapsShown); err != nil {
		return nil, err
	}
	last, ok, err := s.Store.LastRun(ctx, models.JobAudit)
	if err != nil || !ok {
		return data, err
	}
	data.Last, data.Ran = &last, last.State == models.RunDone
	for _, v := range models.Verdicts {
		c := countView{v, last.Counts[string(v)]}
		switch {
		case v.Gap() && c.Count > 0:
			data.Bad = append(data.Bad, c)
		case !v.Gap():
			data.Good = append(data.Good, c)
		}
	}
	return data, nil
}

// apiWhy answers a program as the page answers a person.
func (s *server) apiWhy(c *gin.Context, r *request) error {
	x, err := s.explained(c.Request.Context(), r)
	if err == nil {
		s.json(c, http.StatusOK, newWhyJSON(x))
	}
	return err
}
