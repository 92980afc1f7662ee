package jobs_test

import (
	"slices"
	"testing"
	"time"

	"duban/jobs"
	"duban/models"
	"duban/models/calendar"
)

// TestALivingYearHasNoGap lives through the shipped sample with vouchers every
// Monday, decisions, a leaver, an outage, and changes of rules, people and the
// calendar, and audits each week of it. Then messages are taken away, and each
// is missed.
func TestALivingYearHasNoGap(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		y := newSampleYear(t, driver)
		o := &audited{Store: y.Store, t: t, clock: y.clock, engine: y.engine, outbox: newOutbox(t, y.Store, y.clock)}
		total := 0
		for d := day(1, 7); d.Year() == 2025; d = d.AddDays(1) {
			o.at(d, 7, 0)
			o.happens(y, d)
			if d.After(day(5, 6)) && d.Before(day(5, 17)) {
				continue // the server is down for ten days
			}
			o.sweep(d)
			if d.Weekday() == time.Sunday {
				c, found := o.audit(d.AddDays(-6), d)
				total += c.Expected()
				if len(found) > 0 {
					t.Errorf("week to %s: %v %s", d, c.Counts, listed(found))
				}
			}
		}
		t.Logf("%d things to be said in the year", total)
		if total < 500 {
			t.Errorf("%d messages are no test", total)
		}
		o.at(day(12, 31), 11, 0)
		o.eachLossIsMissed()
	})
}

// happens is what people do in the year before a day is swept.
func (o *audited) happens(y *sampleYear, d calendar.Date) {
	o.t.Helper()
	if d.Weekday() == time.Monday {
		y.pay(d)
	}
	switch d {
	case day(3, 11): // a rule asks for more
		rules, err := o.Rules(o.t.Context())
		o.must(err)
		o.tx(func(tx *models.Tx) error {
			r := rules[slices.IndexFunc(rules, func(r models.Rule) bool { return r.Kind == models.SpendingTarget })]
			r.Steps = append(r.Steps, models.RuleStep{Offset: -5, Workdays: true, Audience: []models.Audience{models.ToOwner, models.ToManager}})
			return tx.SaveRule(&r)
		})
	case day(4, 10): // somebody leaves
		users, err := o.Users(o.t.Context())
		o.must(err)
		var owners []models.User
		for _, u := range users {
			if u.Has(models.RoleOwner) {
				owners = append(owners, u)
			}
		}
		o.tx(func(tx *models.Tx) error { return tx.HandProjectsOver(owners[0].ID, owners[1].ID) })
		o.tx(func(tx *models.Tx) error {
			owners[0].Active = false
			_, _, err := tx.SaveUser(&owners[0])
			return err
		})
	case day(6, 25): // a local day off, on which reminders would have come
		o.tx(func(tx *models.Tx) error {
			return tx.SaveCalendarDays([]models.CalendarDay{{Day: day(6, 27), Name: "本地假日"}, {Day: day(6, 28), Work: true, Name: "调休"}})
		})
	case day(8, 15):
		y.decideAll()
	case day(9, 2): // duties by hand, of which one is late at once
		var p models.Project
		o.must(o.Read(o.t.Context()).Order("id").Take(&p).Error)
		o.unit.ID, o.project = p.UnitID, p
		o.duty(models.Rectification, day(9, 30))
		o.duty(models.Procurement, day(8, 1))
	}
}

// eachLossIsMissed takes messages of the year away, one at a time, and expects
// the audit of their weeks to miss each.
func (o *audited) eachLossIsMissed() {
	o.t.Helper()
	var sent []models.Notification
	o.must(o.Read(o.t.Context()).Where("instance_id = 0 AND obligation_id <> 0 AND state = ?", models.NotificationSent).Order("id").Find(&sent).Error)
	missed := 0
	for i := 0; i < len(sent); i += len(sent) / 25 {
		n := sent[i]
		said := calendar.DateOf(n.CreatedAt)
		o.remove(n)
		_, found := o.audit(said, said)
		if len(found) != 1 || found[0].Problem != models.GapMissing || found[0].ObligationID != n.ObligationID ||
			found[0].RecipientID != n.RecipientID || found[0].Day != n.Day {
			o.t.Errorf("%s is gone from %s; found %s", n.DedupKey, said, listed(found))
		}
		missed++
		o.tx(func(tx *models.Tx) error { return tx.Create(&n) })
	}
	if missed < 20 {
		o.t.Errorf("%d losses are no test", missed)
	}
}

// TestTheAuditsDaysAreTheSweepsDays compares two ways to the same days: from
// the rule to the days, as the sweep goes, and from the day to the rule.
func TestTheAuditsDaysAreTheSweepsDays(t *testing.T) {
	o := newSampleYear(t, models.SQLite)
	cal, err := o.Calendar(t.Context())
	o.must(err)
	rules, err := o.Rules(t.Context())
	o.must(err)
	rules = append(rules, models.Rule{Steps: []models.RuleStep{
		{Offset: -4, Workdays: true, Audience: []models.Audience{models.ToOwner}},
		{Offset: 0, Workdays: true, Audience: []models.Audience{models.ToOwner}},
		{Offset: 5, Every: 11, Audience: []models.Audience{models.ToLeader}},
		{Offset: 12, Audience: []models.Audience{models.ToOffice}},
	}})
	compared := 0
	for due := day(1, 1); due.Year() == 2025; due = due.AddDays(5) {
		for _, r := range rules {
			from, to := due.AddDays(-70), due.AddDays(60)
			want, got := jobs.DaysBothWays(r, due, from, to, cal)
			compared += len(want)
			if !slices.Equal(want, got) {
				t.Errorf("%s due %s: the sweep says %v\nthe audit %v", r.Kind, due, want, got)
			}
		}
	}
	if compared < 5000 {
		t.Errorf("%d occasions are no test", compared)
	}
}
