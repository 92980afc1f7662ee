package jobs

import (
	"context"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/calendar"
)

// Explainer answers why a person was told something about a duty, or was not.
type Explainer struct {
	Store   *models.Store
	Clock   clockwork.Clock
	Routing models.Routing // by which reminders go out
}

// Cause says in one code why an occasion was heard of or not.
type Cause string

// The causes. The first six are of occasions that have come up and had to be
// said, the next ones of those that had not, the last of those still to come.
const (
	CauseTold     Cause = "told"
	CauseWaiting  Cause = "waiting"  // the message has not left yet
	CauseWithheld Cause = "withheld" // it was not sent, with a reason
	CauseFailed   Cause = "failed"   // it was given up, or nobody knows
	CauseMissing  Cause = "missing"  // there should be a message, and is none
	CauseUnproven Cause = "changed_since"

	CauseNotAddressed Cause = "not_in_audience"
	CauseInactive     Cause = "inactive"
	CauseFulfilled    Cause = "fulfilled"
	CauseWaived       Cause = "waived"
	CauseEarlier      Cause = "before_first_check" // nobody watched the duty yet
	CauseSuperseded   Cause = "superseded"         // a more urgent one was said at the same time
	CauseUnswept      Cause = "not_swept"          // no sweep has come to it yet

	CauseWillHear  Cause = "will_hear"
	CauseNoAddress Cause = "no_address"
	CauseSilenced  Cause = "silenced"
	CauseMuted     Cause = "muted"
	CausePaused    Cause = "acknowledged" // by 已阅, until a day

	CauseSettled      Cause = "settled"
	CauseNoRule       Cause = "no_rule"
	CauseRuleDisabled Cause = "rule_disabled"
	CauseNoMore       Cause = "no_more_occasions"
)

// Causes lists every cause.
var Causes = []Cause{
	CauseTold, CauseWaiting, CauseWithheld, CauseFailed, CauseMissing, CauseUnproven, CauseNotAddressed, CauseInactive, CauseFulfilled, CauseWaived,
	CauseEarlier, CauseSuperseded, CauseUnswept, CauseWillHear, CauseNoAddress, CauseSilenced, CauseMuted, CausePaused, CauseSettled, CauseNoRule,
	CauseRuleDisabled, CauseNoMore,
}

// Explanation is why a person heard of a duty or did not.
type Explanation struct {
	Person models.User
	Duty   models.Obligation
	Day    calendar.Date // as of which it is explained
	// Finding is how the duty stands on that day.
	Finding Finding
	Rule    Governing
	Past    []Explained // the occasions up to the day, in order
	Next    []Explained // the next few
	// NextOn is the day on which the person will hear next, of an occasion to
	// come or by a message that waits, or no date; then Never says why.
	NextOn calendar.Date
	Never  []Cause
	// Others are messages to the person about the duty that belong to no
	// occasion of today's or an earlier rule.
	Others []Trace
	Acks   []models.Acknowledgement
	Names  map[int64]string // of people
}

// Governing is the rule that governs a duty.
type Governing struct {
	models.Rule
	Scope string // project, unit, kind, or "" if there is none
}

// Explained is one day on which something came up about the duty.
type Explained struct {
	Day      calendar.Date
	Hearings []Addressed
	As       []models.Audience // in which capacities the person was addressed
	Cause    Cause
	Messages []Trace         // to the person
	Silence  *models.Silence // of an occasion to come
	Until    calendar.Date   // of a pause
	Channels []models.Channel
}

// Addressed is whom an occasion addresses.
type Addressed struct {
	Audience models.Audience
	Distance int // from the due date: days, or workdays
	Workdays bool
	People   []models.User
	// StandIns: nobody holds the place, so others were addressed.
	StandIns bool
}

// Trace is a message with what became of it.
type Trace struct {
	models.Notification
	StandIns []Trace // that took over
	Digest   *Trace  // that tells it
	Silence  *models.Silence
}

// upcoming is how many of the occasions to come are explained, and ahead how
// many days they are looked for.
const (
	upcoming = 5
	ahead    = 400
)

// Why explains, as of a day, everything that came up about a duty since it is
// watched, and what comes up next. It returns models.ErrNotFound if there is no
// such duty.
func (e *Explainer) Why(ctx context.Context, person models.User, obligation int64, day calendar.Date) (Explanation, error) {
	x := Explanation{Person: person, Day: day}
	duties, err := e.Store.ObligationsByID(ctx, []int64{obligation})
	if err != nil {
		return x, err
	}
	if len(duties) == 0 {
		return x, models.ErrNotFound
	}
	x.Duty = duties[0]
	auditor := &Auditor{Store: e.Store, Clock: e.Clock, Routing: e.Routing}
	p, err := auditor.period(ctx, calendar.DateOf(x.Duty.CreatedAt), day)
	if err != nil {
		return x, err
	}
	x.Names = p.names
	past, err := e.Store.PastOf(ctx, duties, p.since)
	if err != nil {
		return x, err
	}
	q := &inquiry{period: p, past: past, duty: x.Duty, seen: map[sight]view{}}
	if x.Acks, err = e.Store.AcknowledgementsOf(ctx, obligation); err != nil {
		return x, err
	}
	silences, err := e.Store.Silences(ctx, false, maxSilences)
	if err != nil {
		return x, err
	}
	said, err := q.saidTo(ctx, person.ID)
	if err != nil {
		return x, err
	}
	now := q.look(p.now, day)
	x.Finding, x.Rule = now.finding, governing(now)
	x.explainPast(q, said)
	e.explainNext(&x, now, silences)
	return x, nil
}

// maxSilences bounds how many silences are looked through.
const maxSilences = 1000

// governing names the scope of the rule that governs a duty.
func governing(v view) Governing {
	g := Governing{Rule: v.rule}
	switch {
	case v.rule.ID == 0:
	case v.rule.ProjectID != 0:
		g.Scope = "project"
	case v.rule.UnitID != 0:
		g.Scope = "unit"
	default:
		g.Scope = "kind"
	}
	return g
}

// saidTo reads all reminders about the duty to one person.
func (q *inquiry) saidTo(ctx context.Context, person int64) (*proofs, error) {
	rows, err := q.store.RemindersSaid(ctx, []int64{q.duty.ID}, calendar.MustDate(1, time.January, 1))
	if err != nil {
		return nil, err
	}
	ev := q.proofs()
	for _, n := range rows {
		key := pair{n.ObligationID, n.RecipientID}
		ev.said[key] = append(ev.said[key], n)
	}
	return ev, ev.follow(ctx, ev.said[pair{q.duty.ID, person}])
}

// trace puts what is known of a message together.
func (ev *proofs) trace(n models.Notification, depth int) Trace {
	t := Trace{Notification: n}
	if s, ok := ev.silences[n.SilenceID]; ok {
		t.Silence = &s
	}
	if depth > len(models.Channels) {
		return t
	}
	for _, m := range ev.standIns[n.ID] {
		t.StandIns = append(t.StandIns, ev.trace(m, depth+1))
	}
	if d, ok := ev.byID[n.DigestID]; ok {
		digest := ev.trace(d, depth+1)
		t.Digest = &digest
	}
	return t
}

// Waits reports whether the message is still to leave at a moment of its own.
func (t Trace) Waits() bool {
	switch t.State {
	case models.NotificationPending, models.NotificationFailed, models.NotificationUnknown:
		return true
	case models.NotificationHeld, models.NotificationSending, models.NotificationSent, models.NotificationDelivered,
		models.NotificationDead, models.NotificationSuppressed:
	}
	return false
}
