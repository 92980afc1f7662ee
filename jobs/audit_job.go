package jobs

import (
	"context"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/calendar"
)

// auditedDays is how many days an audit looks back from the last sweep. What
// an earlier one has found is looked at again until it is closed.
const auditedDays = 7

// gapBatch bounds how many gaps one transaction records.
const gapBatch = 200

// AuditJob returns the job that audits the days up to the last sweep and
// records what was not said as gaps. Gaps that have been made good, or have
// nothing left to be made good, are closed.
func AuditJob(store *models.Store, clock clockwork.Clock, routing models.Routing) Job {
	return func(ctx context.Context, _ time.Time) (map[string]int, error) {
		last, ok, err := store.LastDone(ctx, models.JobSweep)
		if err != nil || !ok {
			return nil, err
		}
		to := calendar.DateOf(*last.StartedAt)
		r := recorder{store: store}
		auditor := &Auditor{Store: store, Clock: clock, Routing: routing, Found: func(d Difference) error { return r.add(ctx, d) }}
		found, err := auditor.Audit(ctx, to.AddDays(1-auditedDays), to)
		if err == nil {
			err = r.flush(ctx)
		}
		if err != nil {
			return nil, err
		}
		closed, err := auditor.closeGaps(ctx, to)
		counts := found.JobCounts()
		counts["gaps_opened"], counts["gaps_closed"] = r.opened, closed
		return counts, err
	}
}

// recorder records gaps in bounded transactions.
type recorder struct {
	store  *models.Store
	found  []models.Gap
	opened int
}

func (r *recorder) add(ctx context.Context, d Difference) error {
	if !d.Problem.Gap() {
		return nil
	}
	if r.found = append(r.found, d.Gap); len(r.found) < gapBatch {
		return nil
	}
	return r.flush(ctx)
}

func (r *recorder) flush(ctx context.Context) error {
	opened := 0
	err := r.store.Tx(ctx, "system", func(tx *models.Tx) (err error) {
		opened, err = tx.RecordGaps(r.found)
		return err
	})
	r.opened += opened
	r.found = r.found[:0]
	return err
}

// matter is what a gap is about, whatever its problem.
type matter struct {
	obligation, instance int64
	task                 int
	recipient            int64
	day                  calendar.Date
}

func matterOf(g models.Gap) matter {
	return matter{g.ObligationID, g.InstanceID, g.Task, g.RecipientID, g.Day}
}

// closeGaps looks at every open gap again, as of the sweep of a day, closes
// those that are none any more, and returns how many.
func (a *Auditor) closeGaps(ctx context.Context, to calendar.Date) (int, error) {
	closed := 0
	err := a.Store.EachOpenGap(ctx, func(open []models.OpenGap) error {
		why, err := a.closings(ctx, open, to)
		if err != nil || len(why) == 0 {
			return err
		}
		n := 0
		err = a.Store.Tx(ctx, "system", func(tx *models.Tx) error {
			n = 0
			for id, reason := range why {
				done, err := tx.CloseGap(id, reason)
				if err != nil {
					return err
				}
				if done {
					n++
				}
			}
			return nil
		})
		closed += n
		return err
	})
	return closed, err
}

// closings returns which of some open gaps are to be closed, and why.
func (a *Auditor) closings(ctx context.Context, open []models.OpenGap, to calendar.Date) (map[int64]models.GapClosing, error) {
	verdicts, duties, err := a.again(ctx, open, to)
	if err != nil {
		return nil, err
	}
	told := toldLater(verdicts)
	why := map[int64]models.GapClosing{}
	for _, g := range open {
		verdict, proven := verdicts[matterOf(g.Gap)]
		switch {
		case proven && !verdict.Gap() && verdict != models.ChangedSince:
			why[g.ID] = models.ClosedProven
		case g.InstanceID != 0 && !proven, g.InstanceID == 0 && duties[g.ObligationID].Settled():
			why[g.ID] = models.ClosedSettled // the task, or the duty, asks for nothing any more
		case proven && verdict.Gap() && verdict != g.Problem:
			why[g.ID] = models.ClosedOther
		case g.InstanceID == 0 && told[pair{g.ObligationID, g.RecipientID}].After(g.Day):
			why[g.ID] = models.ClosedLater
		}
	}
	return why, nil
}

// again audits what open gaps are about, and returns the verdicts of today and
// the duties.
func (a *Auditor) again(ctx context.Context, open []models.OpenGap, to calendar.Date) (map[matter]models.Verdict, map[int64]models.Obligation, error) {
	from, ids, tasks := to, []int64{}, false
	for _, g := range open {
		if g.Day.Before(from) {
			from = g.Day
		}
		ids = append(ids, g.ObligationID)
		tasks = tasks || g.InstanceID != 0
	}
	p, err := a.period(ctx, from, to)
	if err != nil {
		return nil, nil, err
	}
	verdicts := map[matter]models.Verdict{}
	p.told = func(d Difference) error { verdicts[matterOf(d.Gap)] = d.Problem; return nil }
	duties, err := a.Store.ObligationsByID(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	if err := p.examine(ctx, duties); err != nil {
		return nil, nil, err
	}
	byID := make(map[int64]models.Obligation, len(duties))
	for _, o := range duties {
		byID[o.ID] = o
	}
	if tasks {
		err = p.examineTasks(ctx, p.now)
	}
	return verdicts, byID, err
}

// toldLater returns, by duty and person, the last day of which the verdict is
// that the person was told.
func toldLater(verdicts map[matter]models.Verdict) map[pair]calendar.Date {
	told := map[pair]calendar.Date{}
	for m, v := range verdicts {
		key := pair{m.obligation, m.recipient}
		if m.instance == 0 && (v == models.SaidSent || v == models.SaidDelivered) && m.day.After(told[key]) {
			told[key] = m.day
		}
	}
	return told
}
