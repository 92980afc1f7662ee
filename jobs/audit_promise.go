package jobs

import (
	"slices"
	"time"

	"duban/models"
	"duban/models/calendar"
)

// inquiry asks what should have been said about one duty.
type inquiry struct {
	*period
	past     *models.Past
	duty     models.Obligation
	promises map[promise]*claim
	seen     map[sight]view
}

// promise is that a person hears about the duty what came up on a day.
type promise struct {
	person int64 // 0 for whoever is found, if nobody was
	day    calendar.Date
}

// claim is how certain a promise is.
type claim struct {
	// stale: a later one was due to the same person at the same time, so that
	// this one had to be recorded only.
	stale bool
	// certain: whatever moment of its sweep one looks at, it had to be said.
	certain bool
	due     calendar.Date
	names   []string // of the occasions that came up on the day
}

// sight is what one looks at: what was on record at a moment, as of a day.
type sight struct {
	at  time.Time
	day calendar.Date
}

// view is a duty as it was.
type view struct {
	models.DutyThen
	exists  bool
	finding Finding
	rule    models.Rule
	*ruling
}

// look evaluates the duty as it was on record at a moment.
func (q *inquiry) look(at time.Time, day calendar.Date) view {
	if v, ok := q.seen[sight{at, day}]; ok {
		return v
	}
	v := view{ruling: q.rulingAt(at)}
	if v.DutyThen, v.exists = q.past.At(q.duty.ID, at); v.exists {
		v.rule = v.rules.For(v.Obligation)
		v.Known = v.Known && v.Regime.Known
		v.finding = Evaluate(v.Obligation, Records{Budget: v.Project.Budget, Spending: v.Spending, Recurring: v.Recurring}, day, v.rule)
	}
	q.seen[sight{at, day}] = v
	return v
}

// promised returns all that the passes of the period had to say.
func (q *inquiry) promised() map[promise]*claim {
	all := map[promise]*claim{}
	for _, p := range q.passes {
		early, earlyKnown := q.said(p, func(p *pass) time.Time { return p.from })
		late, lateKnown := q.said(p, func(p *pass) time.Time { return p.until })
		for key, c := range late {
			other, ok := early[key]
			c.certain = ok && other.stale == c.stale && earlyKnown && lateKnown
			merge(all, key, c)
		}
		for key, c := range early {
			if _, ok := late[key]; !ok {
				merge(all, key, c)
			}
		}
	}
	return all
}

// merge adds a claim to what other passes had to say on the same day: the one
// that asks for more holds.
func merge(all map[promise]*claim, key promise, c *claim) {
	have, ok := all[key]
	if !ok || c.certain && (!have.certain || have.stale) {
		all[key] = c
	}
}

// said returns what a pass had to say if it read what was on record at its
// early or at its late moment, and whether that is known.
func (q *inquiry) said(p *pass, moment func(*pass) time.Time) (claims map[promise]*claim, known bool) {
	now := q.look(moment(p), p.day)
	if !now.exists || now.finding.Fulfilled {
		return nil, now.Known
	}
	since, known := p.since(), now.Known
	fresh, told := q.fresh(now, p, moment)
	if fresh {
		since = calendar.Date{}
	}
	first := earliest(now.rule, now.DueOn)
	claims = map[promise]*claim{}
	latest := map[int64]calendar.Date{}
	for day := p.day; day.After(since) && !day.Before(first); day = day.AddDays(-1) {
		for person, names := range now.audienceOn(day) {
			if _, ok := latest[person]; !ok {
				latest[person] = day
			}
			stale := latest[person] != day
			if !stale || !fresh { // before a first check nobody had promised anything
				claims[promise{person, day}] = &claim{stale: stale, due: now.DueOn, names: names}
			}
		}
	}
	return claims, known && told
}

// audienceOn returns who is to hear about the duty on a day, with the names of
// the occasions; nobody has the id 0.
func (v view) audienceOn(day calendar.Date) map[int64][]string {
	hearings := hearingsOn(v.rule, v.DueOn, day, v.Calendar)
	if len(hearings) == 0 {
		return nil
	}
	var project *models.Project
	if v.Project.ID != 0 {
		project = &v.Project
	}
	people := map[int64][]string{}
	for _, h := range hearings {
		to := v.directory.Recipients(h.audience, v.UnitID, project)
		if len(to) == 0 {
			to = []models.User{{}}
		}
		for _, u := range to {
			if !slices.Contains(people[u.ID], h.name) {
				people[u.ID] = append(people[u.ID], h.name)
			}
		}
	}
	return people
}

// fresh reports whether a pass had to say what came up on any earlier day, as
// if nobody had heard of the duty yet: because it was new, was reopened, or has
// other people. It also reports whether that is known.
func (q *inquiry) fresh(now view, p *pass, moment func(*pass) time.Time) (fresh, known bool) {
	if p.last == nil {
		return true, true
	}
	before := moment(p.last)
	if now.CreatedAt.After(before) || q.regimes.AskedAgain(now.UnitID, before, moment(p)) {
		return true, true
	}
	was := q.look(before, p.last.day)
	moved := was.Project.OwnerID != now.Project.OwnerID || was.Project.ManagerID != now.Project.ManagerID
	return moved || !was.finding.SettledOn.IsZero(), was.Known
}
