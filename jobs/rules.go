package jobs

import (
	"fmt"

	"duban/models"
)

// RuleSet finds the rule that governs an obligation.
type RuleSet struct {
	rules map[scope]models.Rule
}

type scope struct {
	kind          models.Kind
	unit, project int64
}

// NewRuleSet returns the set of the given rules.
func NewRuleSet(rules []models.Rule) RuleSet {
	set := RuleSet{rules: make(map[scope]models.Rule, len(rules))}
	for _, r := range rules {
		set.rules[scope{r.Kind, r.UnitID, r.ProjectID}] = r
	}
	return set
}

// For returns the narrowest rule that matches: the project's, else the unit's,
// else the kind's. Without any, nothing is said and every light is as strict
// as it can be.
func (s RuleSet) For(o models.Obligation) models.Rule {
	for _, sc := range []scope{{o.Kind, o.UnitID, o.ProjectID}, {o.Kind, 0, o.ProjectID}, {o.Kind, o.UnitID, 0}, {o.Kind, 0, 0}} {
		if r, ok := s.rules[sc]; ok {
			return r
		}
	}
	return models.Rule{Kind: o.Kind}
}

// Directory finds the people who hear about an obligation.
type Directory struct {
	users  map[int64]models.User
	byRole map[models.Role][]models.User
}

// NewDirectory returns a directory of the users that are active.
func NewDirectory(users []models.User) Directory {
	d := Directory{users: map[int64]models.User{}, byRole: map[models.Role][]models.User{}}
	for _, u := range users {
		if !u.Active {
			continue
		}
		d.users[u.ID] = u
		for _, r := range u.Roles {
			d.byRole[r] = append(d.byRole[r], u)
		}
	}
	return d
}

// fallbacks are asked in turn when nobody is found for an audience, so that a
// duty without a named owner still reaches somebody who can name one.
var fallbacks = []models.Role{models.RoleFinance, models.RoleOffice, models.RoleAdmin}

// Recipients returns the people whom an audience means for a duty of the given
// unit and project (nil for a duty of the whole unit). If there are none, those
// who stand in for them; if there is nobody at all, none.
func (d Directory) Recipients(a models.Audience, unitID int64, p *models.Project) []models.User {
	var named int64
	switch {
	case p != nil && a == models.ToOwner:
		named = p.OwnerID
	case p != nil && a == models.ToManager:
		named = p.ManagerID
	}
	if u, ok := d.users[named]; ok {
		return []models.User{u}
	}
	if a != models.ToOwner && a != models.ToManager {
		if us := d.inUnit(models.Role(a), unitID); len(us) > 0 {
			return us
		}
	}
	for _, role := range fallbacks {
		if us := d.inUnit(role, unitID); len(us) > 0 {
			return us
		}
	}
	return nil
}

// inUnit returns the holders of a role in a unit; a user without a unit serves
// all of them.
func (d Directory) inUnit(role models.Role, unitID int64) []models.User {
	var us []models.User
	for _, u := range d.byRole[role] {
		if u.UnitID == unitID || u.UnitID == 0 {
			us = append(us, u)
		}
	}
	return us
}

// dedupKey names one message for good, but for the channel: whatever sweeps
// run, it is created once.
func dedupKey(o models.Obligation, rule models.Rule, oc Occasion, recipient int64) string {
	return fmt.Sprintf("%d|%d|%s|%s|%d", o.ID, rule.ID, o.DueOn, oc.key(), recipient)
}
