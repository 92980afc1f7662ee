package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"duban/models"
)

// settingsData is the page 我的提醒: how a person is reached.
type settingsData struct {
	Tabs    []tab
	Person  models.User // whose settings they are
	Mine    bool
	Action  string // where the form is posted
	Saved   bool
	Flaws   []flaw
	Email   string // masked
	Mobile  string
	Ask     []string      // the administrators who can add an address
	Routes  []routeView   // what happens as things are stored
	Choices []choiceView  // the channels to choose, nil if there is nothing to choose
	Others  []models.User // whose settings the one who looks may change
	Reach   models.Reach  // as stored, or as entered and refused
}

// settingsOf returns whose settings a request is about. An administrator may
// change those of the people of their unit.
func (s *server) settingsOf(ctx context.Context, r *request) (models.User, error) {
	if r.id == 0 || r.id == r.person.ID {
		return r.person, nil
	}
	if !r.person.Has(models.RoleAdmin) {
		return models.User{}, errNotYours
	}
	users, err := s.Store.UsersByID(ctx, []int64{r.id})
	if err != nil {
		return models.User{}, err
	}
	u, ok := users[r.id]
	switch {
	case !ok:
		return u, models.ErrNotFound
	case !serves(r.person, u.UnitID):
		return u, errNotYours
	}
	return u, nil
}

// settingsPath is where a person's settings are for the one who looks.
func settingsPath(r *request, u models.User) string {
	if u.ID == r.person.ID {
		return "/settings"
	}
	return fmt.Sprintf("/settings/%d", u.ID)
}

func (s *server) settings(ctx context.Context, r *request) (any, error) {
	u, err := s.settingsOf(ctx, r)
	if err != nil {
		return nil, err
	}
	return s.settingsPage(ctx, r, u, u.Reach)
}

// settingsPage shows the settings of a person, with what stands in the form.
func (s *server) settingsPage(ctx context.Context, r *request, u models.User, reach models.Reach) (settingsData, error) {
	data := settingsData{
		Tabs: ownTabs(r.person), Person: u, Mine: u.ID == r.person.ID, Action: settingsPath(r, u), Saved: r.query.Get("saved") != "",
		Email: maskEmail(u.Email), Mobile: maskMobile(u.Mobile), Reach: reach,
	}
	if data.Reach.Language == "" {
		data.Reach.Language = u.Language
	}
	users, err := s.Store.Users(ctx)
	if err != nil {
		return data, err
	}
	data.Ask = administrators(users, u.UnitID)
	if r.person.Has(models.RoleAdmin) {
		for _, other := range users {
			if other.Active && other.ID != r.person.ID && serves(r.person, other.UnitID) {
				data.Others = append(data.Others, other)
			}
		}
	}
	routing := s.Engine.Routing
	chosen := map[models.Urgency][]models.Channel{models.Normal: reach.Normal, models.Urgent: reach.Urgent}
	for _, urgency := range []models.Urgency{models.Normal, models.Urgent} {
		route := s.viewRoute(urgency)
		for _, c := range routing.Route(u, urgency, false) {
			route.Steps = append(route.Steps, viewReach(u, c))
		}
		data.Routes = append(data.Routes, route)
		if len(routing.Configured) > 1 {
			data.Choices = append(data.Choices, choices(u, urgency, routing.Configured, chosen[urgency]))
		}
	}
	return data, nil
}

// daily is how a form names the digest that is sent if nobody chooses.
const daily = "daily"

// reach reads the settings from a posted form.
func (e *entry) reach() models.Reach {
	channels := func(urgency models.Urgency) []models.Channel {
		var list []models.Channel
		for i := range maxFallbacks {
			if c := e.Get(inputName(urgency, i)); c != "" {
				list = append(list, models.Channel(c))
			}
		}
		return list
	}
	reach := models.Reach{
		Normal: channels(models.Normal), Urgent: channels(models.Urgent),
		QuietFrom: strings.TrimSpace(e.Get("quiet_from")), QuietUntil: strings.TrimSpace(e.Get("quiet_until")),
		Language: models.Language(e.Get("language")),
	}
	if digest := e.Get("digest"); digest != daily {
		reach.Digest = models.DigestChoice(digest)
	}
	return reach
}

// saveSettings stores how a person wants to be reached.
func (s *server) saveSettings(c *gin.Context, r *request) error {
	ctx := c.Request.Context()
	u, err := s.settingsOf(ctx, r)
	if err != nil {
		return err
	}
	e, err := readEntry(c)
	if err != nil {
		return err
	}
	reach := e.reach()
	problem := reach.Validate()
	for _, channel := range slices.Concat(reach.Normal, reach.Urgent) {
		if problem == nil && !slices.Contains(s.Engine.Routing.Configured, channel) {
			problem = fmt.Errorf("渠道 %q 没有配置", channel)
		}
	}
	if problem != nil {
		data, err := s.settingsPage(ctx, r, u, reach)
		if err == nil {
			data.Flaws = []flaw{{Text: refusalText(r.language, "reach", problem.Error())}}
			s.render(c, http.StatusUnprocessableEntity, r.language, "settings", data)
		}
		return err
	}
	err = s.Store.Tx(ctx, r.person.Account, func(tx *models.Tx) error { return tx.SaveReach(u.ID, reach) })
	if err != nil {
		return err
	}
	s.redirect(c, settingsPath(r, u)+"?saved=1")
	return nil
}

// refusalText words a refusal of the models, which speak Chinese, as [wording]
// does one of the engine.
func refusalText(language models.Language, code, message string) string {
	if language != models.English {
		return message
	}
	return word(language, "refusal", code) + " (" + message + ")"
}
