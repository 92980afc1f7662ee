package jobs

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/calendar"
	"duban/workflows"
)

// batchSize bounds how many obligations one transaction of a sweep checks.
const batchSize = 500

// Sweeper checks the obligations that are due for a check.
type Sweeper struct {
	Store   *models.Store
	Clock   clockwork.Clock
	Routing models.Routing // by which reminders go out
	Log     *slog.Logger
	// Engine opens the workflows that rules name; without it none opens.
	Engine *workflows.Engine
	// Progress, if set, is told after each transaction.
	Progress func(Stats)
}

// Stats counts what a sweep did.
type Stats struct {
	Checked    int // obligations evaluated
	Changed    int // obligations whose state changed or that were settled
	Enqueued   int // new messages in the outbox
	Suppressed int // messages that were due but are not worth saying, recorded as such
	Opened     int // workflows begun
	Withdrawn  int // workflows ended because nothing is left to be decided
	Digests    int // messages that tell several reminders
	Digested   int // the reminders that they tell
}

// Counts returns the stats by name, as a job run records them.
func (s Stats) Counts() map[string]int {
	return map[string]int{
		"checked": s.Checked, "changed": s.Changed, "enqueued": s.Enqueued, "suppressed": s.Suppressed,
		"opened": s.Opened, "withdrawn": s.Withdrawn, "digests": s.Digests, "digested": s.Digested,
	}
}

func (s *Stats) add(t Stats) {
	s.Checked += t.Checked
	s.Changed += t.Changed
	s.Enqueued += t.Enqueued
	s.Suppressed += t.Suppressed
	s.Opened += t.Opened
	s.Withdrawn += t.Withdrawn
	s.Digests += t.Digests
	s.Digested += t.Digested
}

// Sweep checks every obligation that is due for a check on or before day, in
// bounded transactions. In each of them the obligations' new states, their
// audit entries and the messages about them are committed together. So a sweep
// that is killed has done some batches and not others; the next one goes on
// from there, and catches up over any number of days. At the end, what one
// person is to hear of several duties becomes one message (汇总).
func (sw *Sweeper) Sweep(ctx context.Context, day calendar.Date) (Stats, error) {
	var total Stats
	if err := sw.warnOfMissingYear(ctx, day); err != nil {
		return total, err
	}
	for {
		var batch Stats
		err := sw.Store.Tx(ctx, "system", func(tx *models.Tx) (err error) {
			batch, err = sw.checkBatch(tx, day)
			return err
		})
		if err != nil {
			return total, fmt.Errorf("sweep of %s: %w", day, err)
		}
		if batch.Checked == 0 {
			break
		}
		total.add(batch)
		if sw.Progress != nil {
			sw.Progress(total)
		}
	}
	bundled, err := sw.bundle(ctx, day)
	total.add(bundled)
	if err != nil || sw.Engine == nil {
		return total, err
	}
	if total.Withdrawn, err = sw.Engine.WithdrawMoot(ctx); err != nil {
		return total, err
	}
	return total, sw.Store.DropUnboundAttachments(ctx)
}

func (sw *Sweeper) warnOfMissingYear(ctx context.Context, day calendar.Date) error {
	cal, err := sw.Store.Calendar(ctx)
	if err != nil {
		return err
	}
	if year := cal.MissingYear(day); year != 0 {
		sw.Log.WarnContext(ctx, "holiday arrangements are missing; only weekends count as days off", "year", year)
	}
	return nil
}

// round is what the checks of one transaction share.
type round struct {
	day       calendar.Date
	rules     RuleSet
	directory Directory
	calendar  *calendar.Calendar
	routing   models.Routing
	clock     clockwork.Clock
}

// readRound reads rules, people and the calendar inside the transaction, after
// the rows that it is for were locked: whoever changes them marks obligations
// for a check, and that mark must not be consumed with what was true before.
func readRound(tx *models.Tx, day calendar.Date, routing models.Routing, clock clockwork.Clock) (*round, error) {
	rules, err := tx.Rules()
	if err != nil {
		return nil, err
	}
	users, err := tx.Users()
	if err != nil {
		return nil, err
	}
	cal, err := tx.Calendar()
	if err != nil {
		return nil, err
	}
	return &round{
		day: day, rules: NewRuleSet(rules), directory: NewDirectory(users), calendar: cal, routing: routing, clock: clock,
	}, nil
}

// checkBatch evaluates the next obligations that are due for a check.
func (sw *Sweeper) checkBatch(tx *models.Tx, day calendar.Date) (Stats, error) {
	var stats Stats
	due, err := tx.DueForCheck(day, batchSize)
	if err != nil || len(due) == 0 {
		return stats, err
	}
	r, err := readRound(tx, day, sw.Routing, sw.Clock)
	if err != nil {
		return stats, err
	}
	ev, err := tx.EvidenceFor(due)
	if err != nil {
		return stats, err
	}
	var messages []models.Notification
	var unmet []pending
	for i := range due {
		was := due[i]
		said, workflow := r.checkOne(&due[i], ev)
		messages = append(messages, said...)
		if workflow != "" {
			unmet = append(unmet, pending{was.ID, workflow})
		}
		if action := transition(was, due[i]); action != "" {
			stats.Changed++
			if err := tx.Audit(action, "obligations", was.ID, settlement(due[i])); err != nil {
				return stats, err
			}
		}
	}
	if err := tx.SaveChecked(due); err != nil {
		return stats, err
	}
	stats.Checked = len(due)
	if stats.Enqueued, stats.Suppressed, err = enqueue(tx, messages); err != nil {
		return stats, err
	}
	stats.Opened, err = sw.open(tx, day, unmet)
	return stats, err
}

// checkOne brings one obligation up to the round's day and returns what is to
// be said about it, and the workflow that it needs by now, if any.
func (r *round) checkOne(o *models.Obligation, ev models.Evidence) (messages []models.Notification, workflow string) {
	// The clock may have been set back; what was decided stays decided.
	day := r.day
	if o.CheckedOn.After(day) {
		day = o.CheckedOn
	}
	rule, rec := r.rules.For(*o), recordsOf(*o, ev)
	f := Evaluate(*o, rec, day, rule)

	since, reopened := o.CheckedOn, o.Settled()
	o.State, o.Light, o.SettledOn, o.CheckedOn = f.State, f.Light, f.SettledOn, day
	o.NextCheckOn = nextChange(*o, rec, day)
	if o.Settled() {
		return nil, ""
	}
	if reopened { // while it was settled nobody heard what had come up
		since = calendar.Date{}
	}
	o.NextCheckOn = earlier(o.NextCheckOn, nextOccasion(rule, o.DueOn, day, r.calendar), day)
	opens := opensOn(rule, *o, ev.Units[o.UnitID].RecordsAsOf, day)
	o.NextCheckOn = earlier(o.NextCheckOn, opens, day)
	if f.Fulfilled {
		return nil, ""
	}
	if !opens.IsZero() && !opens.After(day) {
		workflow = rule.Workflow
	}
	return r.reminders(*o, f, rule, since, day, ev), workflow
}

func recordsOf(o models.Obligation, ev models.Evidence) Records {
	return Records{
		Budget: ev.Projects[o.ProjectID].Budget, Targets: ev.Targets[o.ProjectID],
		Spending: ev.Spending[o.ProjectID], Recurring: ev.Recurring[o.ProjectID],
	}
}

// transition names what happened to an obligation, or returns "" if its state
// is what it was.
func transition(was, is models.Obligation) string {
	switch {
	case was.State != is.State:
		return "obligation." + string(is.State)
	case was.SettledOn != is.SettledOn && !is.SettledOn.IsZero():
		return "obligation.settled"
	case was.SettledOn != is.SettledOn:
		return "obligation.reopened"
	}
	return ""
}

// settlement is the audit detail of a transition.
func settlement(o models.Obligation) map[string]any {
	return map[string]any{"state": o.State, "due_on": o.DueOn, "settled_on": o.SettledOn, "checked_on": o.CheckedOn}
}

// enqueue adds the messages and counts those that are new, by whether they
// will be sent.
func enqueue(tx *models.Tx, messages []models.Notification) (sent, suppressed int, err error) {
	var toSend, toRecord []models.Notification
	for _, m := range messages {
		if m.State == models.NotificationSuppressed {
			toRecord = append(toRecord, m)
		} else {
			toSend = append(toSend, m)
		}
	}
	if sent, err = tx.Enqueue(toSend); err != nil {
		return 0, 0, err
	}
	suppressed, err = tx.Enqueue(toRecord)
	return sent, suppressed, err
}
