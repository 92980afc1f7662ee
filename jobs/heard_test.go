package jobs_test

import (
	"slices"
	"testing"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

// add adds duties by hand to an otherwise empty unit of the bureau.
func (b bureau) add(t *testing.T, o models.Obligation) models.Obligation {
	t.Helper()
	if err := b.Tx(t.Context(), "tester", func(tx *models.Tx) error { return tx.AddObligation(&o) }); err != nil {
		t.Fatal(err)
	}
	return o
}

// heard returns the days on which something was sent about a duty to people in
// a capacity.
func (b bureau) heard(t *testing.T, id int64, as models.Audience) []calendar.Date {
	t.Helper()
	var days []calendar.Date
	for _, m := range b.messages(t) {
		if m.ObligationID == id && m.Payload.Audience == as && said(m) {
			days = append(days, m.Payload.AsOf)
		}
	}
	return days
}

func (b bureau) live(t *testing.T, from, to calendar.Date) {
	t.Helper()
	for d := from; !d.After(to); d = d.AddDays(1) {
		b.sweep(t, d)
	}
}

// project returns the bureau's first project with an owner, without payments
// or duties of its own that would be in the way.
func (b bureau) project(t *testing.T) models.Project {
	t.Helper()
	var p models.Project
	if err := b.Read(t.Context()).Where("owner_id <> 0").Order("code").Take(&p).Error; err != nil {
		t.Fatal(err)
	}
	return p
}

func TestARefundAfterItWasMadeUpIsFoundByADailySweepAndByAJump(t *testing.T) {
	var ends []string
	for _, daily := range []bool{true, false} {
		b := newBureau(t, models.SQLite)
		p := b.project(t)
		o := b.add(t, models.Obligation{UnitID: p.UnitID, ProjectID: p.ID, FiscalYear: 2025, Kind: models.SpendingTarget, DueOn: day(3, 30), Percent: pct(90)})
		err := b.Tx(t.Context(), "tester", func(tx *models.Tx) error {
			return tx.AddPayments([]models.Payment{
				{ProjectID: p.ID, PaidOn: day(4, 15), Amount: p.Budget * 2, VoucherNo: "up", AsOf: day(4, 15)},
				{ProjectID: p.ID, PaidOn: day(5, 12), Amount: -p.Budget * 3, VoucherNo: "down", AsOf: day(5, 12)},
			}, b.Today())
		})
		if err != nil {
			t.Fatal(err)
		}
		if daily {
			b.live(t, day(1, 1), day(6, 30))
		} else {
			b.sweep(t, day(1, 1))
			b.sweep(t, day(6, 30))
		}
		for _, have := range b.obligations(t) {
			if have.ID == o.ID {
				ends = append(ends, outcome(have))
				if !have.SettledOn.IsZero() {
					t.Errorf("undone by a refund, and still settled: %s", outcome(have))
				}
			}
		}
	}
	if len(ends) != 2 || ends[0] != ends[1] {
		t.Errorf("daily and jump: %v", ends)
	}
}

func TestADutyThatIsReopenedIsEscalatedAgain(t *testing.T) {
	b := newBureau(t, models.SQLite)
	p := b.project(t)
	pay := func(on, known calendar.Date, amount money.Fen, voucher string) {
		err := b.Tx(t.Context(), "tester", func(tx *models.Tx) error {
			return tx.AddPayments([]models.Payment{{ProjectID: p.ID, PaidOn: on, Amount: amount, VoucherNo: voucher, AsOf: known}}, known)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	o := b.add(t, models.Obligation{UnitID: p.UnitID, ProjectID: p.ID, FiscalYear: 2025, Kind: models.SpendingTarget, DueOn: day(3, 30), Percent: pct(90)})
	pay(day(3, 1), day(1, 1), p.Budget*3, "in")
	b.live(t, day(1, 1), day(4, 25))
	if got := b.heard(t, o.ID, models.ToManager); len(got) != 0 {
		t.Fatalf("the manager heard of a duty that is met: %v", got)
	}
	pay(day(3, 29), day(5, 6), -p.Budget*4, "back")
	b.live(t, day(5, 6), day(5, 9))
	for _, a := range []models.Audience{models.ToManager, models.ToLeader} {
		if got := b.heard(t, o.ID, a); len(got) != 1 {
			t.Errorf("%s heard on %v; want once, when it came up again", a, got)
		}
	}
}

func TestPeopleNamedLaterHearWhatCameUpBefore(t *testing.T) {
	b := newBureau(t, models.SQLite)
	users, err := b.Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// Nobody at all until May.
	leave := func(active bool) {
		err := b.Tx(t.Context(), "tester", func(tx *models.Tx) error {
			for _, u := range users {
				u.Active = active
				if _, _, err := tx.SaveUser(&u); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	leave(false)
	p := b.project(t)
	o := b.add(t, models.Obligation{UnitID: p.UnitID, ProjectID: p.ID, FiscalYear: 2025, Kind: models.Rectification, DueOn: day(3, 14)})
	b.live(t, day(1, 1), day(5, 7))
	if got := b.heard(t, o.ID, models.ToManager); len(got) != 0 {
		t.Fatalf("heard by nobody on %v", got)
	}
	leave(true)
	b.sweep(t, day(5, 8))
	if got := b.heard(t, o.ID, models.ToManager); !slices.Equal(got, []calendar.Date{day(5, 8)}) {
		t.Errorf("the manager heard on %v; want on the day on which there was one", got)
	}
}

func TestASeriesThatIsSpacedAnewGoesOn(t *testing.T) {
	b := newBureau(t, models.SQLite)
	p := b.project(t)
	o := b.add(t, models.Obligation{UnitID: p.UnitID, ProjectID: p.ID, FiscalYear: 2025, Kind: models.Custom, DueOn: day(1, 10)})
	b.live(t, day(1, 1), day(3, 31))
	rules, err := b.Rules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		if r.Kind != models.Custom {
			continue
		}
		r.Steps = []models.RuleStep{{Offset: 14, Every: 14, Audience: []models.Audience{models.ToFinance}}}
		if err := b.Tx(t.Context(), "tester", func(tx *models.Tx) error { return tx.SaveRule(&r) }); err != nil {
			t.Fatal(err)
		}
	}
	before := len(b.heard(t, o.ID, models.ToFinance))
	b.live(t, day(4, 1), day(5, 30))
	if got := b.heard(t, o.ID, models.ToFinance)[before:]; len(got) < 4 {
		t.Errorf("in two months heard on %v; want every other week", got)
	}
}
