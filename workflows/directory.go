package workflows

import (
	"fmt"
	"slices"

	"duban/models"
	"duban/models/calendar"
)

// Directory is what is known about people and working days, read before
// [Decide] and for one instance: roles are those in the unit of its duty.
type Directory struct {
	People map[int64]Person
	// Roles are the holders of each role, in the order in which they are asked.
	Roles map[models.Role][]int64
	// Owner, Manager and UnitLeader are 0 while nobody is named.
	Owner      int64 // 项目经办人
	Manager    int64 // 项目科室负责人
	UnitLeader int64 // 单位主要负责人
	// Delegations are those for leave, whatever their dates.
	Delegations []Delegation
	// Calendar is nil if only weekends are known.
	Calendar *calendar.Calendar
}

// Person is a user as far as a workflow cares.
type Person struct {
	Account string
	Name    string
	Active  bool
	Outside bool // belongs to another unit than the duty: nobody may hand it to them
}

// Delegation (委托) lets To act for From from First to Last, both included.
type Delegation struct {
	From, To    int64
	First, Last calendar.Date
	Workflows   []string // the keys that it covers, empty for all
}

// covers reports whether the delegation is in force.
func (d Delegation) covers(on calendar.Date, workflow string) bool {
	return !on.Before(d.First) && !on.After(d.Last) && (len(d.Workflows) == 0 || slices.Contains(d.Workflows, workflow))
}

// active reports whether somebody with that id may be asked.
func (p Directory) active(id int64) bool { return p.People[id].Active }

// reachable reports whether somebody with that id may be handed something.
func (p Directory) reachable(id int64) bool { return p.active(id) && !p.People[id].Outside }

// is reports whether the person has the role.
func (p Directory) is(id int64, role models.Role) bool {
	return p.active(id) && slices.Contains(p.Roles[role], id)
}

// name names a person in a sentence.
func (p Directory) name(id int64) string {
	if id == System {
		return "系统"
	}
	if name := p.People[id].Name; name != "" {
		return name
	}
	return fmt.Sprintf("用户 %d", id)
}

// holders returns the active people whom a party means, each once.
func (p Directory) holders(party Party) []int64 {
	var ids []int64
	switch party.Kind {
	case PartyOwner:
		ids = []int64{p.Owner}
	case PartyManager:
		ids = []int64{p.Manager}
	case PartyUnitLeader:
		ids = []int64{p.UnitLeader}
	case PartyRole:
		ids = p.Roles[party.Role]
	case PartyAccount:
		ids = p.withAccount(party.Account)
	}
	var holders []int64
	for _, id := range ids {
		if p.active(id) && !slices.Contains(holders, id) {
			holders = append(holders, id)
		}
	}
	return holders
}

func (p Directory) withAccount(account string) []int64 {
	var ids []int64
	for id, person := range p.People {
		if person.Account == account {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids) // accounts are unique, but the map must not decide if not
	return ids
}

// everyone returns the active people whom any of the parties means, each once.
func (p Directory) everyone(parties []Party) []int64 {
	var all []int64
	for _, party := range parties {
		for _, id := range p.holders(party) {
			if !slices.Contains(all, id) {
				all = append(all, id)
			}
		}
	}
	return all
}

// standIns returns who may act for a person on a day, through any number of
// delegations. Whoever is barred neither stands in nor chooses who does: an
// applicant must not pick the approver of their own application.
func (p Directory) standIns(principal int64, on calendar.Date, workflow string, barred func(int64) bool) []int64 {
	chain := []int64{principal}
	for i := 0; i < len(chain); i++ {
		for _, d := range p.Delegations {
			if d.From == chain[i] && d.covers(on, workflow) && p.active(d.To) &&
				!slices.Contains(chain, d.To) && !barred(d.To) {
				chain = append(chain, d.To)
			}
		}
	}
	return chain[1:]
}

func (p Directory) addWorkdays(d calendar.Date, n int) calendar.Date {
	if p.Calendar == nil {
		return new(calendar.Calendar).AddWorkdays(d, n)
	}
	return p.Calendar.AddWorkdays(d, n)
}

// workdaysUntil returns how many workdays lie after d up to and including due,
// 0 if due has passed.
func (p Directory) workdaysUntil(d, due calendar.Date) int {
	n := 0
	for !p.addWorkdays(d, n+1).After(due) {
		n++
	}
	return n
}

// CheckDelegation refuses a new delegation that is meaningless, or that would
// lead back to its giver on some day for some workflow.
func CheckDelegation(existing []Delegation, d Delegation) error {
	switch {
	case d.First.IsZero() || d.Last.Before(d.First):
		return refuse(CodeFormInvalid, "委托的起止日期不对")
	case d.From == d.To:
		return refuse(CodeCycle, "不能委托给本人")
	case leadsBack(existing, d, d.From, nil):
		return refuse(CodeCycle, "委托形成循环：受托人已（间接）委托给委托人")
	}
	return nil
}

// leadsBack follows the chain behind d, narrowed to the days and workflows
// that all of its links share, and reports whether it reaches the giver.
func leadsBack(existing []Delegation, d Delegation, giver int64, seen []int64) bool {
	if d.To == giver {
		return true
	}
	seen = append(slices.Clone(seen), d.To)
	for _, next := range existing {
		if next.From != d.To || slices.Contains(seen, next.To) {
			continue
		}
		if narrowed, ok := overlap(d, next); ok && leadsBack(existing, narrowed, giver, seen) {
			return true
		}
	}
	return false
}

// overlap returns next with only the days and workflows that d covers too.
func overlap(d, next Delegation) (Delegation, bool) {
	if d.First.After(next.First) {
		next.First = d.First
	}
	if d.Last.Before(next.Last) {
		next.Last = d.Last
	}
	if next.First.After(next.Last) {
		return next, false
	}
	switch {
	case len(next.Workflows) == 0:
		next.Workflows = d.Workflows
	case len(d.Workflows) > 0:
		next.Workflows = slices.DeleteFunc(slices.Clone(next.Workflows), func(w string) bool {
			return !slices.Contains(d.Workflows, w)
		})
		return next, len(next.Workflows) > 0
	}
	return next, true
}
