package jobs_test

import (
	"testing"
	"time"

	"duban/jobs"
	"duban/models"
	"duban/models/calendar"
)

func TestAWeekOfRemindersIsProven(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		d := o.duty(models.SpendingTarget, day(6, 30), target(50))
		o.live(day(6, 3), day(7, 15))
		c := o.complete(day(6, 3), day(7, 15))
		// The owner hears 30, 15, 7, 3 (with 1, a Sunday) and 0 days before and
		// twice in two weeks after, the manager and the leader once. The first
		// came up before the duty was added, and went out with its first check.
		if c.Sweeps != 43 || c.Duties != 1 || c.Counts[models.SaidSent] != 9 {
			t.Errorf("%+v", c)
		}
		row := o.row(d, "owner", day(6, 23))
		o.remove(row)
		o.found(day(6, 3), day(7, 15), "owner 2025-06-23 missing")
		o.complete(day(6, 24), day(7, 15))
	})
}

func TestEachWayInWhichAMessageFailsIsNamed(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		d := o.duty(models.Refinement, day(6, 30)) // to the owner and to finance
		o.live(day(6, 3), day(6, 23))
		from, to := day(6, 17), day(6, 23)
		o.complete(from, to)
		owner, finance := o.row(d, "owner", day(6, 23)), o.row(d, "finance", day(6, 23))
		o.at(day(6, 23), 11, 0)
		for _, c := range []struct {
			columns map[string]any
			want    models.Verdict
		}{
			{map[string]any{"state": models.NotificationDead}, models.GapDead},
			{map[string]any{"state": models.NotificationUnknown}, models.SaidPending},
			{map[string]any{"state": models.NotificationUnknown, "reason": models.NoReceipt}, models.GapUnknown},
			{map[string]any{"state": models.NotificationSuppressed, "reason": ""}, models.GapUnexplained},
			{map[string]any{"state": models.NotificationSuppressed, "reason": models.SuppressedStale}, models.GapUnexplained},
			{map[string]any{"state": models.NotificationSuppressed, "reason": models.SuppressedSettled}, models.GapUnexplained},
			{map[string]any{"state": models.NotificationSuppressed, "reason": models.SuppressedSilenced, "silence_id": 99}, models.GapUnexplained},
			{map[string]any{"state": models.NotificationSuppressed, "reason": models.SuppressedDigest, "digest_id": 9999}, models.GapUnexplained},
			{map[string]any{"state": models.NotificationSuppressed, "reason": models.SuppressedFellBack}, models.GapDead},
			{map[string]any{"state": models.NotificationSuppressed, "reason": models.SuppressedNoRecipient}, models.GapUnexplained},
			{map[string]any{"state": models.NotificationSuppressed, "reason": models.SuppressedExpired}, models.GapUnexplained},
			{map[string]any{"state": models.NotificationSuppressed, "reason": models.SuppressedNoAddress}, models.SaidSuppressed},
			{map[string]any{"state": models.NotificationPending, "created_at": day(6, 22).At(8, 30).UTC()}, models.GapLate},
			{map[string]any{"state": models.NotificationFailed, "created_at": day(6, 22).At(8, 30).UTC()}, models.GapLate},
			{map[string]any{"state": models.NotificationHeld, "created_at": day(6, 22).At(8, 30).UTC()}, models.GapLate},
			{map[string]any{"state": models.NotificationPending}, models.SaidPending},
			{map[string]any{
				"state": models.NotificationPending, "reason": models.WaitsAcknowledged, "created_at": day(6, 19).At(8, 30).UTC(),
				"next_attempt_at": day(6, 26).At(8, 30).UTC(),
			}, models.SaidPending},
			{map[string]any{"state": models.NotificationDelivered}, models.SaidDelivered},
		} {
			o.set(owner, c.columns)
			counts, found := o.audit(from, to)
			if counts.Counts[c.want] != 1 || c.want.Gap() != (len(found) == 1) || c.want.Gap() && found[0].NotificationID != owner.ID {
				t.Errorf("%v: %v, %s; want %s", c.columns, counts.Counts, listed(found), c.want)
			}
			o.set(owner, map[string]any{
				"state": owner.State, "reason": owner.Reason, "created_at": owner.CreatedAt, "next_attempt_at": owner.NextAttemptAt, "silence_id": 0, "digest_id": 0,
			})
		}
		o.remove(finance) // one of two recipients
		o.found(from, to, "finance 2025-06-23 missing")
	})
}

// copied adds another message like one that is there.
func (o *audited) copied(n models.Notification, change func(*models.Notification)) models.Notification {
	o.t.Helper()
	n.ID, n.DedupKey = 0, n.DedupKey+">x"
	change(&n)
	o.tx(func(tx *models.Tx) error { return tx.Create(&n) })
	return n
}

func TestStandInsAndDigestsAreFollowed(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		d := o.duty(models.Completion, day(6, 30))
		o.live(day(6, 3), day(6, 23))
		from, to := day(6, 17), day(6, 23)
		first := o.row(d, "owner", day(6, 23))
		fellBack := map[string]any{"state": models.NotificationSuppressed, "reason": models.SuppressedFellBack}

		o.set(first, fellBack)
		second := o.copied(first, func(n *models.Notification) { n.FallbackOf, n.Channel = first.ID, models.ChannelSMS })
		o.complete(from, to)
		o.set(second, fellBack)
		third := o.copied(second, func(n *models.Notification) { n.FallbackOf, n.Channel = second.ID, models.ChannelFile })
		o.complete(from, to)
		o.set(third, map[string]any{"state": models.NotificationDead})
		o.found(from, to, "owner 2025-06-23 dead")

		digest := o.copied(first, func(n *models.Notification) {
			n.ObligationID, n.DedupKey, n.Template = 0, "digest|1", "digest_daily"
		})
		o.remove(second)
		o.remove(third)
		o.set(first, map[string]any{"reason": models.SuppressedDigest, "digest_id": digest.ID})
		o.complete(from, to)
		// The digest itself fell back, and then failed.
		o.set(digest, fellBack)
		other := o.copied(digest, func(n *models.Notification) { n.FallbackOf = digest.ID })
		o.complete(from, to)
		o.set(other, map[string]any{"state": models.NotificationDead})
		o.found(from, to, "owner 2025-06-23 dead")
	})
}

func TestAnOutageIsCaughtUpAndItsStaleRemindersAreOnRecord(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		d := o.duty(models.SpendingTarget, day(6, 30), target(50))
		o.live(day(6, 3), day(6, 12))
		o.live(day(6, 27), day(6, 30)) // meanwhile 15 (on a Friday), 7 and 3 days before came up
		c := o.complete(day(6, 16), day(6, 30))
		if c.Counts[models.SaidSuppressed] != 2 || c.Reasons[models.SuppressedStale] != 2 {
			t.Errorf("%+v", c)
		}
		stale := o.row(d, "owner", day(6, 23))
		o.remove(stale)
		o.found(day(6, 16), day(6, 30), "owner 2025-06-23 unrecorded")
		o.remove(o.row(d, "owner", day(6, 27)))
		o.found(day(6, 27), day(6, 30), "owner 2025-06-23 unrecorded", "owner 2025-06-27 missing")
	})
}

func TestPaymentsRecordedLaterNeitherExcuseNorAccuse(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		half := o.project.Budget / 2
		d := o.duty(models.SpendingTarget, day(6, 30), target(50))
		o.live(day(6, 3), day(6, 16))
		row := o.row(d, "owner", day(6, 13))
		// Paid in May, recorded on the 17th: what was due before is due still.
		o.at(day(6, 17), 7, 0)
		o.pay("1", day(5, 6), half)
		o.live(day(6, 17), day(6, 24)) // 7 days before, nothing had to be said
		o.complete(day(6, 3), day(6, 24))
		o.remove(row)
		o.found(day(6, 3), day(6, 24), "owner 2025-06-13 missing")

		// Given back on 20 June, recorded on the 25th: the 23rd was quiet rightly.
		o.at(day(6, 25), 7, 0)
		o.pay("2", day(6, 20), -half)
		o.live(day(6, 25), day(6, 27))
		o.complete(day(6, 17), day(6, 27))
		o.remove(o.row(d, "owner", day(6, 27)))
		o.found(day(6, 17), day(6, 27), "owner 2025-06-27 missing")
	})
}

func TestADutyThatIsReopenedStartsAnew(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		d := o.duty(models.SpendingTarget, day(6, 30), target(50))
		o.at(day(6, 3), 7, 0)
		o.pay("1", day(6, 3), o.project.Budget)
		o.live(day(6, 4), day(7, 24)) // met: nobody hears of it
		if c, _ := o.audit(day(6, 4), day(7, 24)); c.Expected() != 0 {
			t.Errorf("%+v", c)
		}
		o.at(day(7, 25), 7, 0)
		o.pay("2", day(6, 29), -o.project.Budget)
		o.live(day(7, 25), day(7, 28))
		o.complete(day(7, 25), day(7, 28))
		o.remove(o.row(d, "leader", day(7, 14))) // as it came up, ten workdays after
		o.remove(o.row(d, "owner", day(7, 28)))
		o.found(day(7, 22), day(7, 28), "leader 2025-07-14 missing", "owner 2025-07-28 missing")
	})
}

func TestOccasionsOfOneDayAndOfTwoCapacitiesAreHeardOnce(t *testing.T) {
	onEach(t, day(5, 19), func(t *testing.T, o *audited) {
		// Due on a Sunday: 3, 1 and 0 days before come on two Fridays' end.
		o.person("manager", models.RoleManager, models.RoleFinance)
		o.tx(func(tx *models.Tx) error {
			u := o.people["finance"]
			u.Active = false
			_, _, err := tx.SaveUser(&u)
			return err
		})
		d := o.duty(models.Custom, day(6, 15))
		o.tx(func(tx *models.Tx) error {
			return tx.SaveRule(&models.Rule{Kind: models.Custom, ProjectID: o.project.ID, Enabled: true, Steps: []models.RuleStep{
				{Offset: -3, Audience: []models.Audience{models.ToOwner}},
				{Offset: -2, Audience: []models.Audience{models.ToOwner}},
				{Offset: -1, Audience: []models.Audience{models.ToManager, models.ToFinance}},
				{Offset: 0, Audience: []models.Audience{models.ToManager}},
				{Offset: 2, Workdays: true, Audience: []models.Audience{models.ToFinance}},
				{Offset: 7, Every: 7, Audience: []models.Audience{models.ToOwner}},
			}})
		})
		o.live(day(5, 20), day(6, 30))
		c := o.complete(day(5, 20), day(6, 30))
		// The owner on the 12th, 13th, 23rd and 30th; the manager on the 13th and 17th.
		if c.Expected() != 6 || c.Counts[models.SaidSent] != 6 {
			t.Errorf("%+v", c)
		}
		o.remove(o.row(d, "manager", day(6, 13)))
		o.found(day(5, 20), day(6, 30), "manager 2025-06-13 missing")
	})
}

func TestWhatChangedSinceIsJudgedByWhatHeldThen(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		d := o.duty(models.Completion, day(6, 30))
		o.live(day(6, 3), day(6, 16))
		// On the 17th everything changes: the rule, the owner, the due date.
		o.at(day(6, 17), 7, 0)
		rules, err := o.Rules(t.Context())
		o.must(err)
		o.tx(func(tx *models.Tx) error {
			for _, r := range rules {
				if r.Kind == models.Completion {
					r.Steps = []models.RuleStep{{Offset: -20, Audience: []models.Audience{models.ToOwner}}}
					if err := tx.SaveRule(&r); err != nil {
						return err
					}
				}
			}
			return nil
		})
		o.tx(func(tx *models.Tx) error {
			return tx.HandProjectsOver(o.people["owner"].ID, o.people["other"].ID)
		})
		o.tx(func(tx *models.Tx) error { return tx.MoveDueDate(d.ID, 1, day(7, 14), "合同推迟") })
		o.live(day(6, 17), day(6, 30))
		o.complete(day(6, 3), day(6, 30))
		if n := o.row(d, "other", day(6, 24)); n.Payload.DueOn != day(7, 14) {
			t.Errorf("%+v", n.Payload)
		}
		o.remove(o.row(d, "owner", day(6, 16)))
		o.remove(o.row(d, "other", day(6, 24)))
		o.found(day(6, 3), day(6, 30), "owner 2025-06-16 missing", "other 2025-06-24 missing")
	})
}

func TestANewOwnerHearsWhatCameUpBefore(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		d := o.duty(models.Completion, day(6, 30))
		o.live(day(6, 3), day(6, 17))
		o.at(day(6, 18), 7, 0)
		o.tx(func(tx *models.Tx) error { return tx.HandProjectsOver(o.people["owner"].ID, o.people["other"].ID) })
		o.sweep(day(6, 18))
		o.complete(day(6, 18), day(6, 18))
		o.remove(o.row(d, "other", day(6, 16)))
		o.found(day(6, 18), day(6, 18), "other 2025-06-16 missing")
	})
}

func TestWhatCameUpBeforeADutyExistedIsNotOwed(t *testing.T) {
	onEach(t, day(6, 20), func(t *testing.T, o *audited) {
		d := o.duty(models.SpendingTarget, day(3, 31), target(25)) // imported in June
		o.live(day(6, 21), day(6, 24))
		// The most urgent one, to each person; nothing is owed of March's.
		c := o.complete(day(6, 21), day(6, 24))
		if c.Expected() != 4 { // owner twice, manager, leader
			t.Errorf("%+v", c)
		}
		o.remove(o.row(d, "manager", day(4, 3)))
		o.found(day(6, 21), day(6, 24), "manager 2025-04-03 missing")
	})
}

func TestWhatChangedDuringASweepCannotBeProven(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		d := o.duty(models.SpendingTarget, day(6, 30), target(50))
		o.live(day(6, 3), day(6, 20))
		o.at(day(6, 23), 8, 25) // five minutes before the sweep, which may have missed it
		o.pay("1", day(6, 3), o.project.Budget)
		o.sweep(day(6, 23))
		o.found(day(6, 21), day(6, 23), "owner 2025-06-23 changed_since")
		if n := o.row(d, "owner", day(6, 13)); n.State != models.NotificationSent {
			t.Errorf("%+v", n)
		}
	})
}

func TestThereIsNothingToProveWithoutASweep(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		o.duty(models.SpendingTarget, day(6, 30), target(50))
		if c, found := o.audit(day(6, 1), day(6, 30)); c.Sweeps != 0 || c.Expected() != 0 || len(found) != 0 {
			t.Errorf("%+v", c)
		}
	})
}

func TestWhoeverHasATaskWasToldOfIt(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		o.duty(models.SpendingTarget, day(6, 3), target(90))
		o.live(day(6, 3), day(6, 20)) // ten days after the records are late, corrective action opens
		c := o.complete(day(6, 20), day(6, 20))
		if c.Tasks != 1 {
			t.Fatalf("%+v", c)
		}
		var asked []models.Notification
		o.must(o.Read(t.Context()).Where("instance_id <> 0 AND recipient_id = ?", o.people["owner"].ID).Find(&asked).Error)
		for _, n := range asked {
			o.set(n, map[string]any{"state": models.NotificationDead})
		}
		_, found := o.audit(day(6, 20), day(6, 20))
		if len(asked) == 0 || len(found) != 1 || found[0].Problem != models.GapDead || found[0].InstanceID == 0 || found[0].Recipient != "owner" {
			t.Errorf("%d messages; found %s", len(asked), listed(found))
		}
		for _, n := range asked {
			o.remove(n)
		}
		if _, found := o.audit(day(6, 20), day(6, 20)); len(found) != 1 || found[0].Problem != models.GapMissing {
			t.Errorf("found %s", listed(found))
		}
	})
}

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
	counts, err := jobs.AuditJob(o.Store, o.clock)(o.t.Context(), o.clock.Now())
	o.must(err)
	for i := 0; i < len(want); i += 2 {
		if counts[want[i].(string)] != want[i+1].(int) {
			o.t.Errorf("%s: %s is %d, want %d; all %v", d, want[i], counts[want[i].(string)], want[i+1], counts)
		}
	}
	o.clock.Advance(time.Minute)
}

func TestWhatTheTrailDoesNotTellCannotBeProven(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		d := o.duty(models.Refinement, day(6, 30))
		o.live(day(6, 3), day(6, 23))
		o.remove(o.row(d, "finance", day(6, 23)))
		o.found(day(6, 23), day(6, 23), "finance 2025-06-23 missing")
		o.at(day(6, 24), 7, 0)
		o.person("finance", models.RoleFinance, models.RoleOffice)
		o.found(day(6, 23), day(6, 23), "finance 2025-06-23 missing") // the trail tells what finance was
		// As an older program would have recorded the change.
		old := o.Read(t.Context()).Model(&models.AuditEntry{}).Where("action = ? AND entity_id = ?", "user.changed", o.people["finance"].ID).
			UpdateColumn("detail", `{"account":"finance","roles":["finance","office"]}`)
		if o.must(old.Error); old.RowsAffected != 1 {
			t.Fatalf("%d entries", old.RowsAffected)
		}
		o.found(day(6, 23), day(6, 23), "finance 2025-06-23 changed_since")
	})
}

func TestARoleOfThenDecidesWhoWasToBeTold(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		d := o.duty(models.Refinement, day(6, 30))
		o.live(day(6, 3), day(6, 16))
		o.at(day(6, 17), 7, 0)
		o.person("other", models.RoleOwner, models.RoleFinance) // finance, too, from now on
		o.tx(func(tx *models.Tx) error {
			u := o.people["finance"]
			u.Active = false
			_, _, err := tx.SaveUser(&u)
			return err
		})
		o.live(day(6, 17), day(6, 23))
		o.complete(day(6, 3), day(6, 23))
		o.remove(o.row(d, "finance", day(6, 13)))
		o.remove(o.row(d, "other", day(6, 13))) // what came up before is said to who came
		o.remove(o.row(d, "other", day(6, 23)))
		o.found(day(6, 3), day(6, 23), "other 2025-06-13 missing", "finance 2025-06-13 missing", "other 2025-06-23 missing")
	})
}

func TestASilenceMustHaveBeenThere(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		d := o.duty(models.Completion, day(6, 30))
		until := day(6, 25).At(0, 0)
		silence := models.Silence{Kind: models.Silencing, ObligationID: d.ID, Reason: "搬迁", AuthorID: 1, StartsAt: o.clock.Now(), EndsAt: &until}
		o.tx(func(tx *models.Tx) error { return tx.SaveSilence(&silence) })
		o.live(day(6, 3), day(6, 23))
		c := o.complete(day(6, 10), day(6, 23))
		if c.Reasons[models.SuppressedSilenced] != 2 {
			t.Errorf("%+v", c)
		}
		// A silence of something else is no reason.
		o.must(o.Read(t.Context()).Model(&silence).UpdateColumn("obligation_id", d.ID+1).Error)
		o.found(day(6, 10), day(6, 23), "owner 2025-06-16 unexplained", "owner 2025-06-23 unexplained")
	})
}
