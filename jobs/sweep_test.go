package jobs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"duban/models"
)

// engines runs a test on a bureau on each database.
func engines(t *testing.T, fn func(t *testing.T, driver models.Driver)) {
	t.Helper()
	for _, driver := range []models.Driver{models.SQLite, models.MySQL} {
		t.Run(string(driver), func(t *testing.T) { fn(t, driver) })
	}
}

// outcome is what must not depend on when sweeps ran.
func outcome(o models.Obligation) string {
	return fmt.Sprintf("%s %s %s %d: %s %s settled %q", o.Subject, o.Kind, o.DueOn, o.Sequence, o.State, o.Light, o.SettledOn)
}

func TestADailySweepAndOneJumpEndInTheSameObligations(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		daily, jump := newBureau(t, driver), newBureau(t, driver)
		for d := day(1, 1); d.Year() == 2025; d = d.AddDays(1) {
			daily.sweep(t, d)
		}
		first := jump.sweep(t, day(1, 1))
		jumped := jump.sweep(t, day(12, 31))

		a, b := daily.obligations(t), jump.obligations(t)
		if len(a) != len(b) || len(a) == 0 {
			t.Fatalf("%d and %d obligations", len(a), len(b))
		}
		states := map[models.State]int{}
		for i := range a {
			if outcome(a[i]) != outcome(b[i]) {
				t.Errorf("daily: %s\njump:  %s", outcome(a[i]), outcome(b[i]))
			}
			states[a[i].State]++
		}
		if states[models.StateMet] == 0 || states[models.StateMissed] == 0 {
			t.Errorf("the year is no test: %v", states)
		}
		if total := len(jump.messages(t)); total != jumped.Enqueued+jumped.Suppressed+jumped.Digests+first.Enqueued {
			t.Errorf("the sweeps counted %+v and %+v, the outbox holds %d", first, jumped, total)
		}
		if jumped.Digests == 0 || jumped.Digested < 2*jumped.Digests {
			t.Errorf("the jump counted %+v", jumped)
		}
		t.Logf("daily %d messages, the jump %d and %d suppressed; states %v", len(daily.messages(t)), jumped.Enqueued, jumped.Suppressed, states)
		onlyWorthSaying(t, jump)
	})
}

// onlyWorthSaying checks what a jump to the end of the year sends: one message
// a duty and person, about duties that are still unfulfilled.
func onlyWorthSaying(t *testing.T, b bureau) {
	t.Helper()
	unfulfilled := map[int64]bool{}
	for _, o := range b.obligations(t) {
		unfulfilled[o.ID] = !o.Settled()
	}
	type pair struct{ obligation, recipient int64 }
	sent := map[pair]string{}
	for _, m := range b.messages(t) {
		if !said(m) || m.Payload.AsOf == day(1, 1) {
			continue
		}
		p := pair{m.ObligationID, m.RecipientID}
		if sent[p] != "" {
			t.Errorf("two messages to one person about one duty: %s and %s", sent[p], m.DedupKey)
		}
		sent[p] = m.DedupKey
		if !unfulfilled[m.ObligationID] {
			t.Errorf("%s speaks of a duty that is settled", m.DedupKey)
		}
	}
	if len(sent) == 0 {
		t.Error("nothing was worth saying")
	}
}

func TestSweepingADayTwiceSaysNothingTwice(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		b := newBureau(t, driver)
		first := b.sweep(t, day(6, 20))
		if again := b.sweep(t, day(6, 20)); again.Checked != 0 || again.Enqueued != 0 {
			t.Errorf("the second sweep: %+v", again)
		}
		// Even when every duty must be looked at again.
		if err := b.Tx(t.Context(), "tester", func(tx *models.Tx) error {
			rules, err := b.Rules(t.Context())
			if err != nil {
				return err
			}
			for i := range rules {
				if err := tx.SaveRule(&rules[i]); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		again := b.sweep(t, day(6, 20))
		if again.Checked < first.Checked || again.Enqueued != 0 {
			t.Errorf("first %+v, forced again %+v", first, again)
		}
	})
}

func TestALateVoucherTurnsMissedIntoMet(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		b := newBureau(t, driver)
		b.sweep(t, day(7, 1))
		var missed models.Obligation
		for _, o := range b.obligations(t) {
			if o.Kind == models.SpendingTarget && o.DueOn == day(6, 30) && o.State == models.StateMissed {
				missed = o
			}
		}
		if missed.ID == 0 {
			t.Fatal("no target of 6月底 was missed")
		}
		err := b.Tx(t.Context(), "tester", func(tx *models.Tx) error {
			return tx.AddPayments([]models.Payment{{
				ProjectID: missed.ProjectID, PaidOn: day(6, 30), Amount: missed.Amount, VoucherNo: "late", AsOf: day(7, 2),
			}}, day(7, 3))
		})
		if err != nil {
			t.Fatal(err)
		}
		b.sweep(t, day(7, 3))
		for _, o := range b.obligations(t) {
			if o.ID == missed.ID && (o.State != models.StateMet || o.SettledOn != day(6, 30) && o.SettledOn.After(day(6, 30))) {
				t.Errorf("after the late voucher: %s", outcome(o))
			}
		}
		if _, err := b.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestRemindersComeOnWorkingDaysAndSayWhoAndWhy(t *testing.T) {
	b := newBureau(t, models.SQLite)
	cal, err := b.Calendar(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for d := day(1, 1); d.Before(day(8, 1)); d = d.AddDays(1) {
		b.sweep(t, d)
	}
	audiences := map[models.Audience]int{}
	holiday := false
	for _, m := range b.messages(t) {
		if !said(m) {
			continue
		}
		audiences[m.Payload.Audience]++
		if m.Payload.AsOf != day(1, 1) && !cal.IsWorkday(m.Payload.AsOf) {
			t.Errorf("%s was said on %s, a day off", m.DedupKey, m.Payload.AsOf)
		}
		holiday = holiday || m.Payload.DueOnHoliday != ""
		if m.Payload.DaysLeft != m.Payload.AsOf.DaysUntil(m.Payload.DueOn) {
			t.Errorf("%s: %d days left from %s to %s", m.DedupKey, m.Payload.DaysLeft, m.Payload.AsOf, m.Payload.DueOn)
		}
	}
	for _, a := range []models.Audience{models.ToOwner, models.ToManager, models.ToLeader} {
		if audiences[a] == 0 {
			t.Errorf("nobody was told as %s: %v", a, audiences)
		}
	}
	if !holiday {
		t.Error("no message said that a due day is a day off (31 May is one)")
	}
}

func TestAProjectWithoutAnOwnerStillReachesSomebody(t *testing.T) {
	b := newBureau(t, models.SQLite)
	b.sweep(t, day(6, 27))
	var orphan models.Project
	if err := b.Read(t.Context()).Where("owner_id = 0").Take(&orphan).Error; err != nil {
		t.Fatal(err)
	}
	users, err := b.Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, m := range b.messages(t) {
		if m.Payload.ProjectID != orphan.ID {
			continue
		}
		told++
		for _, u := range users {
			if u.ID == m.RecipientID && !slices.Contains(u.Roles, models.RoleFinance) && !slices.Contains(u.Roles, models.RoleLeader) {
				t.Errorf("%s went to %s", m.DedupKey, u.Account)
			}
		}
	}
	if told == 0 {
		t.Error("nobody was told")
	}
}

func TestOfOneDayOneMessageAPersonAndDuty(t *testing.T) {
	b := newBureau(t, models.SQLite)
	for d := day(1, 1); d.Before(day(5, 1)); d = d.AddDays(1) {
		b.sweep(t, d)
	}
	seen := map[string]string{}
	for _, m := range b.messages(t) {
		if !said(m) {
			continue
		}
		key := fmt.Sprint(m.ObligationID, m.RecipientID, m.Payload.AsOf)
		if seen[key] != "" {
			t.Errorf("%s and %s on one day", seen[key], m.DedupKey)
		}
		seen[key] = m.DedupKey
		if strings.Count(m.DedupKey, "|") != 5 {
			t.Errorf("dedup key %s", m.DedupKey)
		}
	}
}

func TestTheClockGoingBackDecidesNothingAnew(t *testing.T) {
	b := newBureau(t, models.SQLite)
	b.sweep(t, day(7, 1))
	before := b.obligations(t)
	if err := b.Tx(t.Context(), "tester", func(tx *models.Tx) error {
		var ids []int64
		for _, o := range before {
			ids = append(ids, o.ProjectID)
		}
		return tx.CheckProjects(ids, day(1, 1))
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.sweeper().Sweep(t.Context(), day(3, 1)); err != nil {
		t.Fatal(err)
	}
	for i, o := range b.obligations(t) {
		if outcome(o) != outcome(before[i]) {
			t.Errorf("was %s\nis  %s", outcome(before[i]), outcome(o))
		}
	}
}
