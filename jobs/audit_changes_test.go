package jobs_test

import (
	"testing"

	"duban/models"
)

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
		if c.Expected() != 5 { // owner twice, manager, leader, and the owner of the task
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
