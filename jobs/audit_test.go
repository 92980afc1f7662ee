package jobs_test

import (
	"testing"

	"duban/models"
)

func TestAWeekOfRemindersIsProven(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		d := o.duty(models.SpendingTarget, day(6, 30), target(50))
		o.live(day(6, 3), day(7, 15))
		c := o.complete(day(6, 3), day(7, 15))
		// The owner hears 30, 15, 7, 3 (with 1, a Sunday) and 0 days before and
		// twice in two weeks after, the manager and the leader once. The first
		// came up before the duty was added, and went out with its first check. The
		// owner was also told of the task of the corrective action.
		if c.Sweeps != 43 || c.Duties != 1 || c.Tasks != 1 || c.Counts[models.SaidSent] != 10 {
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
			{map[string]any{"state": models.NotificationSuppressed, "reason": models.SuppressedNoAddress}, models.GapUnexplained}, // there was one
			{map[string]any{"state": models.NotificationHeld, "reason": models.SuppressedNoAddress, "created_at": day(6, 22).At(8, 30).UTC()}, models.GapLate},
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

func TestWhoCannotBeReachedNeedNotHear(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		d := o.duty(models.Completion, day(6, 30))
		o.live(day(6, 3), day(6, 23))
		row, by := o.row(d, "owner", day(6, 23)), models.Only(models.ChannelEmail)
		o.set(row, map[string]any{"state": models.NotificationSuppressed, "reason": models.SuppressedNoAddress})
		if _, found := o.auditBy(by, day(6, 17), day(6, 23)); len(found) != 1 || found[0].Problem != models.GapUnexplained {
			t.Errorf("there was an address; found %s", listed(found))
		}
		owner := o.people["owner"]
		for _, address := range []string{"", "owner@example.cn"} { // one that came later reaches nobody before
			o.at(o.Today().AddDays(1), 7, 0)
			owner.Email = address
			o.tx(func(tx *models.Tx) error { _, _, err := tx.SaveUser(&owner); return err })
			if c, found := o.auditBy(by, day(6, 17), day(6, 23)); len(found) != 0 || c.Reasons[models.SuppressedNoAddress] != 1 {
				t.Errorf("%q: %+v %s", address, c, listed(found))
			}
		}
	})
}

func TestWhoLeavesWhileRemindersAreHeldIsNoGap(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		o.tx(func(tx *models.Tx) error {
			return tx.SaveReach(o.people["owner"].ID, models.Reach{Digest: models.DigestWeekly})
		})
		d := o.duty(models.Refinement, day(6, 30))
		o.live(day(6, 3), day(6, 16))
		o.at(day(6, 16), 12, 0)
		owner := o.people["owner"]
		owner.Active = false
		o.tx(func(tx *models.Tx) error { _, _, err := tx.SaveUser(&owner); return err })
		o.live(day(6, 17), day(6, 18))
		o.complete(day(6, 10), day(6, 18))
		o.live(day(6, 19), day(6, 23))
		if n := o.row(d, "owner", day(6, 13)); n.Reason != models.SuppressedNoRecipient {
			t.Errorf("%s: %s", n.State, n.Reason)
		}
		o.complete(day(6, 10), day(6, 23))
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

func TestATaskOfYesterdayIsAudited(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		o.duty(models.SpendingTarget, day(6, 3), target(90))
		tasks := int64(0)
		on := day(6, 2)
		for tasks == 0 {
			on = on.AddDays(1)
			o.sweep(on)
			o.must(o.Read(t.Context()).Table("workflow_tasks").Count(&tasks).Error)
		}
		o.must(o.Read(t.Context()).Where("instance_id <> 0").Delete(&models.Notification{}).Error)
		if c, _ := o.audit(day(6, 3), on); c.Tasks != 0 {
			t.Errorf("a task of this moment was looked at: %+v", c)
		}
		o.sweep(on.AddDays(1))
		for _, from := range []int{1, 7, 30} { // the longer the period, the more is looked at
			c, found := o.audit(on.AddDays(2-from), on.AddDays(1))
			if c.Tasks != 1 || len(found) != 1 || found[0].Problem != models.GapMissing || found[0].InstanceID == 0 {
				t.Errorf("%d days: %+v %s", from, c, listed(found))
			}
		}
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
