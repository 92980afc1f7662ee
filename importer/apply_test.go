package importer_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/importer"
	"duban/models"
	"duban/models/modelstest"
)

// theDocument is the published document, where it is at hand.
const theDocument = "../../shared/seeds/tangshan-hpf-2025.txt"

func readDocument(t *testing.T) *importer.Draft {
	t.Helper()
	data, err := os.ReadFile(theDocument)
	modelstest.Require(t, err == nil, "the published document "+theDocument)
	draft, err := importer.ReadTargets("targets.txt", data, importer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return draft
}

func newYear() *clockwork.FakeClock {
	return clockwork.NewFakeClockAt(time.Date(2025, 1, 1, 1, 0, 0, 0, time.UTC))
}

func apply(t *testing.T, s *models.Store, d *importer.Draft, opt importer.ApplyOptions) *importer.Result {
	t.Helper()
	res, err := importer.Apply(t.Context(), s, "tester", d, opt)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func count(t *testing.T, s *models.Store, table, where string, args ...any) int64 {
	t.Helper()
	var n int64
	if err := s.Read(t.Context()).Table(table).Where(where, args...).Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTheDocumentBecomesDuties(t *testing.T) {
	modelstest.Each(t, newYear(), func(t *testing.T, s *models.Store) {
		res := apply(t, s, readDocument(t), importer.ApplyOptions{})
		if res.Added != 19 || res.Opened != 1 {
			t.Errorf("added %d projects, opened %d problems; want 19 and 1", res.Added, res.Opened)
		}
		for kind, want := range map[models.Kind]int64{
			models.SpendingTarget: 19*4 - 8 - 2, // blank cells are no targets
			models.Recurring:      12 + 12,      // 每月10日前 and 按月发放
			models.Completion:     14 + 2,       // one of 17 dated deadlines lies in another year
			models.Refinement:     1,            // the unit promises it
			models.Monitoring:     19,
			models.SelfEvaluation: 19,
		} {
			if got := count(t, s, "obligations", "kind = ?", kind); got != want {
				t.Errorf("%d duties of kind %s; want %d", got, kind, want)
			}
		}
		if got := count(t, s, "indicators", "1=1"); got != 108 {
			t.Errorf("%d indicators; want 108", got)
		}
		if _, err := s.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestImportingTwiceChangesNothing(t *testing.T) {
	modelstest.Each(t, newYear(), func(t *testing.T, s *models.Store) {
		apply(t, s, readDocument(t), importer.ApplyOptions{})
		before, err := s.VerifyAudit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		res := apply(t, s, readDocument(t), importer.ApplyOptions{})
		if !res.Empty() || res.Unchanged != 19 {
			t.Errorf("second import: %+v", res)
		}
		after, err := s.VerifyAudit(t.Context())
		if err != nil || after != before {
			t.Errorf("the second import left %d audit entries, %v", after-before, err)
		}
	})
}

func TestADryRunReportsAndWritesNothing(t *testing.T) {
	modelstest.Each(t, newYear(), func(t *testing.T, s *models.Store) {
		res := apply(t, s, readDocument(t), importer.ApplyOptions{DryRun: true})
		if res.Added != 19 {
			t.Errorf("dry run would add %d projects; want 19", res.Added)
		}
		if n := count(t, s, "projects", "1=1") + count(t, s, "units", "1=1") + count(t, s, "obligations", "1=1"); n != 0 {
			t.Errorf("dry run left %d rows", n)
		}
	})
}

func TestACorrectedDocumentIsShownAndApplied(t *testing.T) {
	modelstest.Each(t, newYear(), func(t *testing.T, s *models.Store) {
		apply(t, s, readDocument(t), importer.ApplyOptions{})

		corrected := readDocument(t)
		p := &corrected.Units[0].Projects[0]
		p.Budget, p.Fiscal = p.Budget*2, p.Fiscal*2
		p.Targets = p.Targets[1:] // 6月底 is no longer a target
		for i, problem := range corrected.Problems {
			if problem.Code == importer.FlagDeadlineOutsideYear {
				corrected.Problems = append(corrected.Problems[:i], corrected.Problems[i+1:]...)
				break
			}
		}
		res := apply(t, s, corrected, importer.ApplyOptions{})
		if res.Changed != 1 || res.Unchanged != 18 || res.Closed != 1 || len(res.Changes) != 3 {
			t.Fatalf("result %+v", res)
		}
		if res.Changes[0].Was != "58.50万元" || res.Changes[0].Is != "117.00万元" {
			t.Errorf("first change %+v", res.Changes[0])
		}
		var duties []models.Obligation
		err := s.Read(t.Context()).Where("kind = ? AND title LIKE ?", models.SpendingTarget, "6月底%").
			Joins("JOIN projects ON projects.id = obligations.project_id AND projects.code = ?", p.Code).Find(&duties).Error
		if err != nil || len(duties) != 1 || duties[0].State != models.StateWaived {
			t.Errorf("the withdrawn target's duty: %+v, %v", duties, err)
		}
		if n := count(t, s, "obligations", "kind = ? AND amount = ?", models.SpendingTarget, p.Budget); n != 1 {
			t.Errorf("%d duties over the new budget; want 1", n)
		}
		if again := apply(t, s, corrected, importer.ApplyOptions{}); !again.Empty() {
			t.Errorf("applied again: %+v", again)
		}
		// What came back is a duty again.
		if back := apply(t, s, readDocument(t), importer.ApplyOptions{}); back.Changed != 1 || back.Opened != 1 {
			t.Errorf("taken back: %+v", back)
		}
		if n := count(t, s, "obligations", "state = ?", models.StateWaived); n != 0 {
			t.Errorf("%d duties are still waived", n)
		}
	})
}

func TestProjectsThatADocumentOmitsAreKeptUnlessAsked(t *testing.T) {
	modelstest.Each(t, newYear(), func(t *testing.T, s *models.Store) {
		apply(t, s, readDocument(t), importer.ApplyOptions{})
		part := readDocument(t)
		gone := part.Units[0].Projects[18]
		part.Units[0].Projects = part.Units[0].Projects[:18]

		res := apply(t, s, part, importer.ApplyOptions{})
		if !res.Empty() || res.Missing != 1 || len(res.Changes) != 1 || res.Changes[0].Action != importer.ActionMissing {
			t.Fatalf("result %+v", res)
		}
		res = apply(t, s, part, importer.ApplyOptions{DropMissing: true})
		if res.Empty() || res.Missing != 1 {
			t.Fatalf("result %+v", res)
		}
		if n := count(t, s, "projects", "code = ? AND state = ?", gone.Code, models.ProjectDropped); n != 1 {
			t.Error("the project is still supervised")
		}
		if n := count(t, s, "obligations", "state = ?", models.StateWaived); n == 0 {
			t.Error("its duties are still open")
		}
	})
}

// tablesOnly reads the document without its first part.
func tablesOnly(t *testing.T) *importer.Draft {
	t.Helper()
	d := readDocument(t)
	d.Units[0].Goals, d.Units[0].RefinementText = nil, ""
	return d
}

func TestGoalsAndPromisesThatComeLaterAreStored(t *testing.T) {
	modelstest.Each(t, newYear(), func(t *testing.T, s *models.Store) {
		apply(t, s, tablesOnly(t), importer.ApplyOptions{})
		if res := apply(t, s, readDocument(t), importer.ApplyOptions{}); res.Empty() {
			t.Error("the goals were taken for no change")
		}
		if goals, duties := count(t, s, "goals", "1=1"), count(t, s, "obligations", "kind = ?", models.Refinement); goals != 4 || duties != 1 {
			t.Errorf("%d goals and %d duties to refine; want 4 and 1", goals, duties)
		}
	})
}

func TestAUnitThatGetsItsCodeLaterStaysOneUnit(t *testing.T) {
	modelstest.Each(t, newYear(), func(t *testing.T, s *models.Store) {
		nameless := readDocument(t)
		nameless.Units[0].Code = ""
		apply(t, s, nameless, importer.ApplyOptions{})
		apply(t, s, readDocument(t), importer.ApplyOptions{})
		if n := count(t, s, "units", "1=1"); n != 1 {
			t.Errorf("%d units; want 1", n)
		}
		if n := count(t, s, "obligations", "kind = ?", models.Refinement); n != 1 {
			t.Errorf("%d duties to refine; want 1", n)
		}
	})
}

func TestARowInsertedAboveDoesNotInheritWhatWasReported(t *testing.T) {
	s := modelstest.Open(t, models.SQLite, newYear())
	apply(t, s, readDocument(t), importer.ApplyOptions{})
	var done models.Obligation
	if err := s.Read(t.Context()).Where("kind = ?", models.Completion).Order("id").Take(&done).Error; err != nil {
		t.Fatal(err)
	}
	if err := s.Tx(t.Context(), "tester", func(tx *models.Tx) error { return tx.ReportDone(done.ID, s.Today(), "已完成") }); err != nil {
		t.Fatal(err)
	}
	corrected := readDocument(t)
	for i := range corrected.Units[0].Projects {
		p := &corrected.Units[0].Projects[i]
		for j, in := range p.Indicators {
			if in.DueOn == done.DueOn && count(t, s, "projects", "id = ? AND code = ?", done.ProjectID, p.Code) == 1 {
				in.Description, in.Level3 = "另一项", "另一项"
				p.Indicators = append(p.Indicators[:j:j], append([]models.Indicator{in}, p.Indicators[j:]...)...)
				for k := range p.Indicators {
					p.Indicators[k].Sequence = k + 1
				}
				break
			}
		}
	}
	apply(t, s, corrected, importer.ApplyOptions{})
	var all []models.Obligation
	if err := s.Read(t.Context()).Where("kind = ? AND project_id = ? AND due_on = ?", models.Completion, done.ProjectID, done.DueOn).Find(&all).Error; err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 {
		t.Fatalf("%d duties; want 2", len(all))
	}
	for _, o := range all {
		if (o.Source == done.Source) != (o.DoneNote != "") {
			t.Errorf("%q has the report %q", o.Source, o.DoneNote)
		}
	}
}

func TestACorrectedPlanHasAllLightsOfTheProjectCheckedAgain(t *testing.T) {
	s := modelstest.Open(t, models.SQLite, newYear())
	apply(t, s, readDocument(t), importer.ApplyOptions{})
	quiet := func() {
		err := s.Tx(t.Context(), "tester", func(tx *models.Tx) error {
			due, err := tx.DueForCheck(s.Today(), 1000)
			for i := range due {
				due[i].NextCheckOn = s.Today().AddDays(300)
			}
			return errors.Join(err, tx.SaveChecked(due))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	quiet()
	corrected := readDocument(t)
	p := &corrected.Units[0].Projects[0]
	p.Targets[0].Percent++
	apply(t, s, corrected, importer.ApplyOptions{})
	if due := count(t, s, "obligations", "next_check_on = ?", s.Today()); due < int64(len(p.Targets)) {
		t.Errorf("%d duties are checked again; want all of the project", due)
	}
}
