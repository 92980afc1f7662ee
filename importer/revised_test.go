package importer_test

import (
	"testing"

	"github.com/jonboulle/clockwork"

	"duban/importer"
	"duban/models"
	"duban/models/calendar"
	"duban/models/modelstest"
	"duban/models/money"
)

// sampleDraft reads the sample anew, because applying a draft fills it in.
func sampleDraft(t *testing.T) *importer.Draft {
	t.Helper()
	d, err := importer.ReadTargets("targets.txt", sampleFile(t, "targets-2025.txt"), importer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// first returns the first row of a query into T.
func first[T any](t *testing.T, s *models.Store, where string, args ...any) T {
	t.Helper()
	var row T
	if err := s.Read(t.Context()).Where(where, args...).Order("id").First(&row).Error; err != nil {
		t.Fatal(err)
	}
	return row
}

func TestTheSameDocumentLeavesWhatWasApprovedSince(t *testing.T) {
	modelstest.Each(t, newYear(), func(t *testing.T, s *models.Store) {
		withSample(t, s)
		due := first[models.Obligation](t, s, "kind = ?", models.Completion)
		target := first[models.Obligation](t, s, "kind = ? AND percent > 0", models.SpendingTarget)
		project := first[models.Project](t, s, "id = ?", target.ProjectID)
		later := due.DueOn.AddDays(20)
		err := s.Tx(t.Context(), "tester", func(tx *models.Tx) error {
			if err := tx.MoveDueDate(due.ID, 1, later, "延期"); err != nil {
				return err
			}
			return tx.ReviseBudget(project.ID, 1, project.Budget/2, models.Replan{}, "压减")
		})
		if err != nil {
			t.Fatal(err)
		}
		if res := apply(t, s, sampleDraft(t), importer.ApplyOptions{}); !res.Empty() {
			t.Errorf("importing again: %+v", res.Changes)
		}
		if is := first[models.Obligation](t, s, "id = ?", due.ID); is.DueOn != later || is.FirstDueOn != due.DueOn || is.State == models.StateWaived {
			t.Errorf("due %s, %s", is.DueOn, is.State)
		}
		if n := count(t, s, "obligations", "subject = ? AND kind = ? AND source = ?", due.Subject, due.Kind, due.Source); n != 1 {
			t.Errorf("the duty is there %d times", n)
		}
		if is := first[models.Obligation](t, s, "id = ?", target.ID); is.Amount != target.Percent.Of(project.Budget/2) {
			t.Errorf("target of %d", is.Amount)
		}
	})
}

func TestADocumentThatStatesSomethingNewPrevails(t *testing.T) {
	modelstest.Each(t, newYear(), func(t *testing.T, s *models.Store) {
		withSample(t, s)
		project := first[models.Project](t, s, "fiscal_year = 2025")
		err := s.Tx(t.Context(), "tester", func(tx *models.Tx) error {
			return tx.ReviseBudget(project.ID, 1, project.Budget/2, models.Replan{}, "压减")
		})
		if err != nil {
			t.Fatal(err)
		}
		corrected := sampleDraft(t)
		var stated money.Fen
		for i := range corrected.Units[0].Projects {
			if p := &corrected.Units[0].Projects[i]; p.Code == project.Code {
				p.Budget, p.Fiscal = p.Budget+100, p.Fiscal+100
				stated = p.Budget
			}
		}
		apply(t, s, corrected, importer.ApplyOptions{})
		if is := first[models.Project](t, s, "id = ?", project.ID); is.Budget != stated {
			t.Errorf("budget %d, want %d", is.Budget, stated)
		}
	})
}

func TestTwoDutiesMayComeToShareADay(t *testing.T) {
	modelstest.Each(t, newYear(), func(t *testing.T, s *models.Store) {
		withSample(t, s)
		unit := first[models.Unit](t, s, "1 = 1")
		day := calendar.MustDate(2025, 9, 1)
		a := models.Obligation{UnitID: unit.ID, FiscalYear: 2025, Kind: models.Custom, Title: "甲", DueOn: day}
		b := models.Obligation{UnitID: unit.ID, FiscalYear: 2025, Kind: models.Custom, Title: "乙", DueOn: day.AddDays(5)}
		err := s.Tx(t.Context(), "tester", func(tx *models.Tx) error {
			for _, o := range []*models.Obligation{&a, &b} {
				if err := tx.AddObligation(o); err != nil {
					return err
				}
			}
			return tx.MoveDueDate(a.ID, 1, b.DueOn, "延期")
		})
		if err != nil {
			t.Fatal(err)
		}
		if is := first[models.Obligation](t, s, "id = ?", a.ID); is.DueOn != b.DueOn || is.Sequence == b.Sequence {
			t.Errorf("due %s, number %d beside %d", is.DueOn, is.Sequence, b.Sequence)
		}
	})
}

func TestAListWithoutNewVouchersStillSaysUpToWhenItIsComplete(t *testing.T) {
	clock := clockwork.NewFakeClockAt(calendar.MustDate(2026, 1, 20).At(9, 0))
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		withSample(t, s)
		list := func(asOf calendar.Date) *importer.ListResult {
			sheet, err := importer.ReadPayments("p.csv", sampleFile(t, "payments-2025.csv"), importer.Options{})
			if err != nil {
				t.Fatal(err)
			}
			sheet.AsOf = asOf
			res, err := importer.ApplyPayments(t.Context(), s, "tester", sheet, importer.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return res
		}
		end := calendar.MustDate(2026, 1, 5)
		for i, c := range []struct {
			asOf           calendar.Date
			added, changed int
		}{{end, 117, 0}, {end, 0, 0}, {end.AddDays(7), 0, 1}} {
			if res := list(c.asOf); res.Added != c.added || res.Changed != c.changed {
				t.Errorf("list %d: %d added, %d changed", i, res.Added, res.Changed)
			}
			if u := first[models.Unit](t, s, "1 = 1"); u.RecordsAsOf != c.asOf {
				t.Errorf("list %d: on record up to %s", i, u.RecordsAsOf)
			}
		}
	})
}
