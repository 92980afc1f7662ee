package api

import (
	"slices"

	"github.com/gin-gonic/gin"

	"duban/models"
)

// mountPeople adds what people set up for themselves and for each other: how
// they are reached, what is silenced, what they have acknowledged, and the
// calendars that they subscribe to.
func (s *server) mountPeople(r *gin.Engine, get func(string, gin.HandlerFunc)) {
	get("/settings", s.page("settings", personal(s.settings)))
	get("/settings/:id", s.page("settings", personal(s.settings)))
	r.POST("/settings", s.answer(known(s.saveSettings)))
	r.POST("/settings/:id", s.answer(known(s.saveSettings)))

	get("/silences", s.page("silences", personal(s.silences)))
	get("/silences/new", s.page("silence", personal(s.newSilence)))
	r.POST("/silences", s.answer(known(s.silence)))
	r.POST("/silences/:id/end", s.answer(known(s.endSilence)))

	r.POST("/obligations/:id/acknowledgements", s.answer(known(s.acknowledge)))
	r.POST("/api/v1/obligations/:id/acknowledgements", s.answer(known(s.apiAcknowledge)))

	get("/feeds", s.page("feeds", personal(s.feeds)))
	r.POST("/feeds", s.answer(known(s.addFeed)))
	r.POST("/feeds/:id/revoke", s.answer(known(s.revokeFeed)))
	get(feedsPrefix+":token", s.answer(s.calendarFeed))
}

// ownTabs are the pages about a person, for the one who looks.
func ownTabs(person models.User) []tab {
	tabs := []tab{{"settings", "/settings"}, {"feeds", "/feeds"}, {"delegations", "/delegations"}}
	if supervises(person) || person.Has(models.RoleManager) {
		tabs = append(tabs, tab{"silences", "/silences"})
	}
	return tabs
}

// supervises reports whether somebody may decide what others are told: the
// office, and administrators.
func supervises(person models.User) bool {
	return slices.ContainsFunc([]models.Role{models.RoleAdmin, models.RoleOffice}, person.Has)
}

// administrators returns the names of those whom a person of a unit can ask.
func administrators(users []models.User, unit int64) []string {
	var names []string
	for _, u := range users {
		if u.Active && u.Has(models.RoleAdmin) && serves(u, unit) {
			names = append(names, u.Name)
		}
	}
	return names
}
