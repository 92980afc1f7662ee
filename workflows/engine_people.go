package workflows

import (
	"slices"
	"strconv"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

// meet reads the people who have to do with an action, and names the actor in
// the audit trail.
func (r *run) meet(s State, a Action) error {
	ids := append([]int64{a.By, a.From, s.Applicant, r.matter.Project.OwnerID, r.matter.Project.ManagerID}, a.To...)
	ids = append(ids, s.Applicants...)
	for _, t := range s.Tasks {
		ids = append(ids, t.Assignee, t.Lender, t.ActedBy, t.ActedFor, t.AddedBy, t.Why.Instead)
		for _, h := range t.Why.Hops {
			ids = append(ids, h.From, h.To)
		}
	}
	for _, c := range s.Copies {
		ids = append(ids, c.To)
	}
	slices.Sort(ids)
	users, err := r.tx.UnitPeople(r.matter.Unit.ID, slices.Compact(ids))
	if err != nil {
		return err
	}
	delegations, err := r.tx.Delegations(r.today())
	if err != nil {
		return err
	}
	// Those for whom others stand in through them may belong elsewhere, too.
	if users, err = r.withStandIns(users, delegations); err != nil {
		return err
	}
	cal, err := r.engine.workdays(r.tx)
	if err != nil {
		return err
	}
	r.users = make(map[int64]models.User, len(users))
	for _, u := range users {
		r.users[u.ID] = u
	}
	r.people = directoryOf(r.matter, users, delegations, cal)
	if u, ok := r.users[a.By]; ok && a.By != System {
		r.tx.As(u.Account)
	}
	return nil
}

// withStandIns adds those who stand in, directly or through others, for the
// given people and serve other units. Whoever else lends to whom is none of
// this instance's business.
func (r *run) withStandIns(users []models.User, delegations []models.Delegation) ([]models.User, error) {
	known := make(map[int64]bool, len(users))
	ids := make([]int64, len(users), len(users)+len(delegations))
	for i, u := range users {
		ids[i], known[u.ID] = u.ID, true
	}
	for i := 0; i < len(ids); i++ {
		for _, d := range delegations {
			if d.FromID == ids[i] && !known[d.ToID] {
				ids, known[d.ToID] = append(ids, d.ToID), true
			}
		}
	}
	if len(ids) == len(users) {
		return users, nil
	}
	return r.tx.UnitPeople(r.matter.Unit.ID, ids)
}

// directoryOf says who is who for one duty. Roles are held in its unit, or by
// those who serve every unit.
func directoryOf(m models.Matter, users []models.User, delegations []models.Delegation, cal *calendar.Calendar) Directory {
	d := Directory{
		People: make(map[int64]Person, len(users)), Roles: map[models.Role][]int64{},
		Owner: m.Project.OwnerID, Manager: m.Project.ManagerID, Calendar: cal,
	}
	for _, u := range users {
		outside := u.UnitID != 0 && u.UnitID != m.Unit.ID
		d.People[u.ID] = Person{Account: u.Account, Name: u.Name, Active: u.Active, Outside: outside}
		if !u.Active || outside {
			continue
		}
		for _, role := range u.Roles {
			d.Roles[role] = append(d.Roles[role], u.ID)
		}
	}
	if heads := d.Roles[models.RoleHead]; len(heads) > 0 {
		d.UnitLeader = heads[0]
	}
	for _, g := range delegations {
		d.Delegations = append(d.Delegations, delegationOf(g))
	}
	return d
}

func delegationOf(g models.Delegation) Delegation {
	return Delegation{From: g.FromID, To: g.ToID, First: g.FirstDay, Last: g.LastDay, Workflows: g.Workflows}
}

// workdays returns the calendar of working days. It is read again only after
// somebody has changed it.
func (e *Engine) workdays(tx *models.Tx) (*calendar.Calendar, error) {
	stamp, err := tx.CalendarStamp()
	if err != nil {
		return nil, err
	}
	if cal, ok := e.calendar.Load(stamp); ok {
		return cal.(*calendar.Calendar), nil //nolint:forcetypeassert // nothing else is stored
	}
	cal, err := tx.Calendar()
	if err != nil {
		return nil, err
	}
	e.calendar.Clear()
	e.calendar.Store(stamp, cal)
	return cal, nil
}

// freeze returns what a new instance is about, as the records say now.
func (r *run) freeze() (Case, error) {
	o := r.matter.Obligation
	today := r.engine.Store.Today()
	proof, err := r.tx.Proof(r.matter.Project.ID, today)
	if err != nil {
		return Case{}, err
	}
	share := money.Share{Paid: proof.Paid, Budget: r.matter.Project.Budget}
	c := Case{
		Kind: o.Kind, Unit: r.matter.Unit.Code, Budget: share.Budget, Paid: share.Paid,
		Actual: share.Percent(), AsOf: r.matter.Unit.RecordsAsOf, Batch: proof.Batch,
	}
	if o.Kind == models.SpendingTarget {
		c.Plan, c.Gap = o.Percent, max(0, share.Missing(o.Percent))
	}
	for _, in := range proof.Indicators {
		title := in.Level3
		if in.Description != "" && in.Description != in.Level3 {
			title += " " + in.Description
		}
		c.Indicators = append(c.Indicators, CaseRow{Key: strconv.Itoa(in.Sequence), Title: title, Stated: in.ValueText})
	}
	for _, t := range proof.Targets {
		if t.DueOn.Before(today) {
			continue // nobody plans what has passed
		}
		c.Checkpoints = append(c.Checkpoints, CaseRow{Key: t.DueOn.String(), Title: t.Label, Stated: t.Percent.String()})
	}
	return c, nil
}
