package jobs

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/calendar"
)

// Auditor proves that everybody was told what they were to be told (提醒核对),
// or finds out who was not. It works out by itself what each sweep should have
// said, from the rules, the people, the calendar and the records of that time,
// and looks for the message: it reads nothing that a sweep has found but which
// duties were done with long ago.
type Auditor struct {
	Store *models.Store
	Clock clockwork.Clock
	// Routing is by which messages go out: who can be reached by it had an
	// address. Without one, all that is said of that is believed.
	Routing models.Routing
	// Found, if set, is told of every gap, and of everything that cannot be
	// proven any more.
	Found func(Difference) error
}

// Completeness is what an audit found.
type Completeness struct {
	From   calendar.Date          `json:"from"`
	To     calendar.Date          `json:"to"`
	Sweeps int                    `json:"sweeps"` // that were done in the period
	Duties int                    `json:"duties"` // that were looked at
	Tasks  int                    `json:"tasks"`  // of workflows
	Counts map[models.Verdict]int `json:"counts"`
	// Reasons counts the messages that were not sent, by why.
	Reasons map[string]int `json:"reasons"`
}

// Expected returns how much there was to be said.
func (c Completeness) Expected() int {
	n := 0
	for _, count := range c.Counts {
		n += count
	}
	return n
}

// Gaps returns how much of it was not said.
func (c Completeness) Gaps() int {
	n := 0
	for verdict, count := range c.Counts {
		if verdict.Gap() {
			n += count
		}
	}
	return n
}

// Difference is one thing that was not said, or that cannot be proven.
type Difference struct {
	models.Gap
	Title     string // of the duty
	Recipient string // name, "" for nobody
	Reason    string // of the message that was not sent
}

// Compare orders differences as a person reads them.
func (d Difference) Compare(e Difference) int {
	return cmp.Or(d.Day.Compare(e.Day), cmp.Compare(d.ObligationID, e.ObligationID), cmp.Compare(d.RecipientID, e.RecipientID), cmp.Compare(d.Task, e.Task))
}

// Audit looks at everything that the sweeps of a period, first and last day
// included, should have said, and at the tasks of workflows that are still open
// and were so at its end. Of a task of this very moment the message may be in a
// transaction that is not committed.
func (a *Auditor) Audit(ctx context.Context, from, to calendar.Date) (Completeness, error) {
	p, err := a.period(ctx, from, to)
	if err != nil {
		return Completeness{}, fmt.Errorf("audit the reminders from %s to %s: %w", from, to, err)
	}
	p.told = func(d Difference) error {
		if a.Found == nil || !d.Problem.Gap() && d.Problem != models.ChangedSince {
			return nil
		}
		return a.Found(d)
	}
	if len(p.passes) > 0 {
		horizon := to.AddDays(reach(p.regimes.Steps()))
		err = a.Store.EachReminded(ctx, from, horizon, func(batch []models.Obligation) error { return p.examine(ctx, batch) })
	}
	if err == nil {
		err = p.examineTasks(ctx, earlierOf(to.AddDays(1).At(0, 0), p.now.Add(-commitSlack)))
	}
	if err != nil {
		return p.result, fmt.Errorf("audit the reminders from %s to %s: %w", from, to, err)
	}
	return p.result, nil
}

func earlierOf(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// period is one audit.
type period struct {
	store   *models.Store
	now     time.Time
	told    func(Difference) error // of every verdict
	passes  []*pass                // of the period, in order
	since   time.Time              // the first moment that matters
	regimes *models.Regimes
	rulings map[*models.Regime]*ruling
	routing models.Routing
	users   map[int64]models.User // as they are now
	names   map[int64]string      // of people
	result  Completeness
}

// ruling is a regime, ready to be asked.
type ruling struct {
	*models.Regime
	rules     RuleSet
	directory Directory
}

func (a *Auditor) period(ctx context.Context, from, to calendar.Date) (*period, error) {
	p := &period{
		store: a.Store, now: a.Clock.Now(), routing: a.Routing,
		rulings: map[*models.Regime]*ruling{}, users: map[int64]models.User{}, names: map[int64]string{},
		result: Completeness{From: from, To: to, Counts: map[models.Verdict]int{}, Reasons: map[string]int{}},
	}
	runs, err := a.Store.RunsCovering(ctx, models.JobSweep, from.At(0, 0), to.AddDays(1).At(0, 0))
	if err != nil {
		return nil, err
	}
	p.since = p.now
	for _, ps := range passesOf(runs) {
		if ps.day.Before(from) {
			continue
		}
		if len(p.passes) == 0 {
			p.since = ps.from
			if ps.last != nil {
				p.since = ps.last.from
			}
		}
		p.passes = append(p.passes, ps)
	}
	p.result.Sweeps = len(p.passes)
	if p.regimes, err = a.Store.Regimes(ctx, p.since); err != nil {
		return nil, err
	}
	for _, u := range p.regimes.At(p.now).Users {
		p.users[u.ID], p.names[u.ID] = u, u.Name
	}
	return p, nil
}

// rulingAt returns what held for everybody at a moment.
func (p *period) rulingAt(t time.Time) *ruling {
	regime := p.regimes.At(t)
	r, ok := p.rulings[regime]
	if !ok {
		r = &ruling{regime, NewRuleSet(regime.Rules), NewDirectory(regime.Users)}
		p.rulings[regime] = r
	}
	return r
}

// examine proves what was to be said about a batch of duties.
func (p *period) examine(ctx context.Context, batch []models.Obligation) error {
	past, err := p.store.PastOf(ctx, batch, p.since)
	if err != nil {
		return err
	}
	cases := make([]*inquiry, 0, len(batch))
	for _, o := range batch {
		q := &inquiry{period: p, past: past, duty: o, seen: map[sight]view{}}
		if q.promises = q.promised(); len(q.promises) > 0 {
			cases = append(cases, q)
		}
	}
	p.result.Duties += len(batch)
	if len(cases) == 0 {
		return nil
	}
	ev, err := p.proofsOf(ctx, cases)
	if err != nil {
		return err
	}
	for _, q := range cases {
		if err := q.prove(ev); err != nil {
			return err
		}
	}
	return nil
}

// count records a verdict and tells of it.
func (p *period) count(v proof, d Difference) error {
	p.result.Counts[v.verdict]++
	if v.verdict == models.SaidSuppressed {
		p.result.Reasons[v.reason]++
	}
	d.Problem, d.NotificationID, d.Reason = v.verdict, v.message, v.reason
	d.Recipient = p.names[d.RecipientID]
	return p.told(d)
}

// JobCounts returns what a job run records.
func (c Completeness) JobCounts() map[string]int {
	counts := map[string]int{"expected": c.Expected(), "sweeps": c.Sweeps, "duties": c.Duties, "tasks": c.Tasks}
	for _, v := range models.Verdicts {
		counts[string(v)] = c.Counts[v]
	}
	for reason, n := range c.Reasons {
		counts["suppressed_"+reason] = n
	}
	return counts
}
