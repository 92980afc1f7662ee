package jobs_test

import (
	"testing"
	"time"

	"duban/jobs"
	"duban/models"
	"duban/models/calendar"
)

func TestGapsOpenAndClose(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		d := o.duty(models.Refinement, day(6, 30))
		o.live(day(6, 3), day(6, 23))
		owner, finance := o.row(d, "owner", day(6, 23)), o.row(d, "finance", day(6, 23))
		o.set(owner, map[string]any{"state": models.NotificationDead})
		o.remove(finance)
		o.job(day(6, 23), "gaps_opened", 2, "gaps_closed", 0, "dead", 1, "missing", 1)
		o.job(day(6, 23), "gaps_opened", 0, "gaps_closed", 0, "dead", 1, "missing", 1)
		gaps, err := o.OpenGaps(t.Context(), 10)
		o.must(err)
		if len(gaps) != 2 || gaps[0].Title != "事项" || gaps[0].ProjectName != o.project.Name || gaps[0].Recipient == "" {
			t.Errorf("%+v", gaps)
		}
		_, err = o.ResendDead(t.Context(), "tester", owner.ID)
		o.must(err)
		o.sweep(day(6, 24)) // sends it as well
		o.job(day(6, 24), "gaps_opened", 0, "gaps_closed", 1, "missing", 1)
		o.live(day(6, 25), day(6, 27)) // three days before, finance hears again
		o.job(day(6, 27), "gaps_opened", 0, "gaps_closed", 1)
		o.job(day(6, 27), "gaps_opened", 0, "gaps_closed", 0) // and stays closed
		if n, err := o.CountOpenGaps(t.Context()); n != 0 || err != nil {
			t.Errorf("%d gaps are open, %v", n, err)
		}
		if _, err := o.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAGapOfASettledDutyAsksForNothing(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		d := o.duty(models.Completion, day(6, 30))
		o.live(day(6, 3), day(6, 23))
		o.remove(o.row(d, "owner", day(6, 23)))
		o.job(day(6, 23), "gaps_opened", 1)
		o.at(day(7, 20), 7, 0) // long after the days that are audited
		o.tx(func(tx *models.Tx) error { return tx.ReportDone(d.ID, day(7, 1), "已完成") })
		o.sweep(day(7, 20))
		o.job(day(7, 20), "gaps_opened", 0, "gaps_closed", 1)
	})
}

// job runs the audit's job at eleven and compares some of its counts.
func (o *audited) job(d calendar.Date, want ...any) {
	o.t.Helper()
	if o.clock.Now().Before(d.At(11, 0)) {
		o.at(d, 11, 0)
	}
	counts, err := jobs.AuditJob(o.Store, o.clock, models.Only(models.ChannelFile))(o.t.Context(), o.clock.Now())
	o.must(err)
	for i := 0; i < len(want); i += 2 {
		if counts[want[i].(string)] != want[i+1].(int) {
			o.t.Errorf("%s: %s is %d, want %d; all %v", d, want[i], counts[want[i].(string)], want[i+1], counts)
		}
	}
	o.clock.Advance(time.Minute)
}

func TestALaterMessageThatDidNotArriveClosesNoGap(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		d := o.duty(models.Completion, day(6, 30))
		o.live(day(6, 3), day(6, 27))
		o.remove(o.row(d, "owner", day(6, 23)))
		last := o.row(d, "owner", day(6, 27))
		o.set(last, map[string]any{"state": models.NotificationSuppressed, "reason": models.SuppressedDigest})
		digest := o.copied(last, func(n *models.Notification) {
			n.ObligationID, n.DedupKey, n.State = 0, "digest|1", models.NotificationPending
		})
		o.set(last, map[string]any{"digest_id": digest.ID})
		o.job(day(6, 27), "gaps_opened", 1, "gaps_closed", 0, "missing", 1, "pending", 1)
		o.set(digest, map[string]any{"state": models.NotificationSent})
		o.job(day(6, 27), "gaps_opened", 0, "gaps_closed", 1)
	})
}

func TestAGapOfATaskClosesWithIt(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		o.duty(models.SpendingTarget, day(6, 3), target(90))
		o.live(day(6, 3), day(6, 24)) // corrective action has been asked for
		gone := o.Read(t.Context()).Where("instance_id <> 0 AND recipient_id = ?", o.people["owner"].ID).Delete(&models.Notification{})
		if o.must(gone.Error); gone.RowsAffected == 0 {
			t.Fatal("nobody was asked")
		}
		o.job(day(6, 24), "gaps_opened", 1, "gaps_closed", 0, "tasks", 1)
		o.at(day(6, 25), 7, 0)
		o.pay("1", day(6, 2), o.project.Budget) // the records clear the duty, and the workflow is withdrawn
		o.sweep(day(6, 25))
		o.job(day(6, 25), "gaps_opened", 0, "gaps_closed", 1, "tasks", 0)
	})
}
