package models

import (
	"context"
	"fmt"
	"slices"
	"time"

	"duban/models/calendar"
)

// Regime is what decides for all duties alike who hears of them and when, as
// it was at a moment.
type Regime struct {
	Rules    []Rule // those that were enabled
	Disabled []Rule
	Users    []User // with the addresses of today: the trail does not tell any
	Calendar *calendar.Calendar
	// Known says that the audit trail tells all of it. Where it does not, what
	// holds today stands in.
	Known bool
}

// Regimes is the regime with its changes since a moment.
type Regimes struct {
	rules   []timeline[Rule]
	users   []timeline[User]
	days    []timeline[CalendarDay]
	changes []time.Time // in order
	asked   []asked
	memo    map[int]*Regime // by how many changes there had been
}

// asked is a change after which people are told again what they may not have
// heard, in one unit or, for 0, in all.
type asked struct {
	at   time.Time
	unit int64
}

// userStanding is what the trail says about a person. It names no addresses:
// the chain must not spread them.
type userStanding struct {
	Account string `json:"account"`
	Roles   []Role `json:"roles"`
	UnitID  int64  `json:"unit"`
	Active  bool   `json:"active"`
}

func (u User) standing() userStanding { return userStanding{u.Account, u.Roles, u.UnitID, u.Active} }

func (st *userStanding) of(u User) *User {
	if st == nil {
		return nil
	}
	u.Roles, u.UnitID, u.Active = st.Roles, st.UnitID, st.Active
	return &u
}

// Regimes reads the regime with its changes since a moment.
func (s *Store) Regimes(ctx context.Context, since time.Time) (*Regimes, error) {
	r := &Regimes{memo: map[int]*Regime{}}
	for _, read := range []func(context.Context, *Store, time.Time) error{r.readRules, r.readUsers, r.readDays} {
		if err := read(ctx, s, since); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(r.changes, time.Time.Compare)
	return r, nil
}

func (r *Regimes) readRules(ctx context.Context, s *Store, since time.Time) error {
	var rules []Rule
	if err := s.Read(ctx).Order("id").Find(&rules).Error; err != nil {
		return fmt.Errorf("read rules: %w", err)
	}
	entries, err := trail(s.Read(ctx).Where("at > ?", since), "rules", "rule.saved")
	if err != nil {
		return err
	}
	changes, err := changesOf[Rule](entries)
	if err != nil {
		return err
	}
	for _, rule := range rules {
		r.rules = append(r.rules, timeline[Rule]{rule, rule.CreatedAt, changes[rule.ID]})
		r.changes = append(r.changes, rule.CreatedAt)
	}
	r.note(entries)
	return nil
}

func (r *Regimes) readUsers(ctx context.Context, s *Store, since time.Time) error {
	users, err := s.Users(ctx)
	if err != nil {
		return err
	}
	entries, err := trail(s.Read(ctx).Where("at > ?", since), "users", "user.added", "user.changed")
	if err != nil {
		return err
	}
	changes, err := changesOf[userStanding](entries)
	if err != nil {
		return err
	}
	for _, u := range users {
		line := timeline[User]{now: u, created: u.CreatedAt}
		for _, c := range changes[u.ID] {
			was, is := c.was.of(u), c.is.of(u)
			line.changes = append(line.changes, revision[User]{c.at, was, is})
			unit := u.UnitID
			if is != nil {
				unit = is.UnitID
			}
			r.asked = append(r.asked, asked{c.at, unit})
		}
		r.users = append(r.users, line)
		r.changes = append(r.changes, u.CreatedAt)
	}
	r.note(entries)
	return nil
}

func (r *Regimes) readDays(ctx context.Context, s *Store, since time.Time) error {
	var days []CalendarDay
	if err := s.Read(ctx).Order("day").Find(&days).Error; err != nil {
		return fmt.Errorf("read the calendar: %w", err)
	}
	entries, err := trail(s.Read(ctx).Where("at > ?", since), "calendar_days", "calendar.saved")
	if err != nil {
		return err
	}
	changes := map[calendar.Date][]revision[CalendarDay]{}
	for _, e := range entries {
		said, err := revisionOf[[]CalendarDay](e)
		if err != nil {
			return err
		}
		for _, c := range perDay(said) {
			changes[c.is.Day] = append(changes[c.is.Day], c)
		}
		r.asked = append(r.asked, asked{at: e.At})
	}
	for _, d := range days {
		line := timeline[CalendarDay]{d, d.CreatedAt, changes[d.Day]}
		// A change that the trail does not tell about is one all the same.
		if d.UpdatedAt.After(since) && d.UpdatedAt.After(d.CreatedAt) && len(line.changes) == 0 {
			line.changes = []revision[CalendarDay]{{at: d.UpdatedAt}}
		}
		r.days = append(r.days, line)
		r.changes = append(r.changes, d.CreatedAt)
		r.asked = append(r.asked, asked{at: d.CreatedAt})
	}
	r.note(entries)
	return nil
}

// perDay splits a change of several days of the calendar.
func perDay(c revision[[]CalendarDay]) []revision[CalendarDay] {
	if c.is == nil {
		return nil
	}
	changes := make([]revision[CalendarDay], 0, len(*c.is))
	for i := range *c.is {
		day := revision[CalendarDay]{at: c.at, is: &(*c.is)[i]}
		if c.was != nil {
			if j := slices.IndexFunc(*c.was, func(d CalendarDay) bool { return d.Day == day.is.Day }); j >= 0 {
				day.was = &(*c.was)[j]
			}
		}
		changes = append(changes, day)
	}
	return changes
}

func (r *Regimes) note(entries []AuditEntry) {
	for _, e := range entries {
		r.changes = append(r.changes, e.At)
	}
}

// At returns the regime as it was at a moment that is not before the one since
// which the changes were read.
func (r *Regimes) At(t time.Time) *Regime {
	// Between two changes it is the same.
	key, _ := slices.BinarySearchFunc(r.changes, t, func(c, t time.Time) int {
		if c.After(t) {
			return 1
		}
		return -1
	})
	if known, ok := r.memo[key]; ok {
		return known
	}
	regime := &Regime{Known: true}
	collect(r.rules, t, &regime.Known, func(rule Rule) {
		if rule.Enabled {
			regime.Rules = append(regime.Rules, rule)
		} else {
			regime.Disabled = append(regime.Disabled, rule)
		}
	})
	collect(r.users, t, &regime.Known, func(u User) { regime.Users = append(regime.Users, u) })
	var days []calendar.Day
	collect(r.days, t, &regime.Known, func(d CalendarDay) { days = append(days, calendar.Day{Date: d.Day, Work: d.Work, Name: d.Name}) })
	regime.Calendar = calendar.New(days)
	r.memo[key] = regime
	return regime
}

// collect calls add with the records that there were at a moment, and clears
// known if one of them is not known.
func collect[T any](lines []timeline[T], t time.Time, known *bool, add func(T)) {
	for _, l := range lines {
		record, exists, certain := l.at(t)
		*known = *known && certain
		if exists {
			add(record)
		}
	}
}

// AskedAgain reports whether something changed in a period because of which
// the people of a unit are told again what they may not have heard: a person
// who came or changed, or the calendar.
func (r *Regimes) AskedAgain(unitID int64, after, upTo time.Time) bool {
	return slices.ContainsFunc(r.asked, func(a asked) bool {
		return a.at.After(after) && !a.at.After(upTo) && (a.unit == 0 || a.unit == unitID)
	})
}

// Steps returns the steps of every rule, as they are and as they were.
func (r *Regimes) Steps() []RuleStep {
	var steps []RuleStep
	for _, l := range r.rules {
		steps = append(steps, l.now.Steps...)
		for _, c := range l.changes {
			if c.was != nil {
				steps = append(steps, c.was.Steps...)
			}
		}
	}
	return steps
}
