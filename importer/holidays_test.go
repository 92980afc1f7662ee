package importer_test

import (
	"bytes"
	"testing"

	"duban/importer"
	"duban/models"
	"duban/models/calendar"
	"duban/models/modelstest"
)

func holidays(t *testing.T, s *models.Store, csv string) *importer.ListResult {
	t.Helper()
	sheet, err := importer.ReadHolidays("h.csv", []byte(csv))
	if err != nil {
		t.Fatal(err)
	}
	res, err := importer.ApplyHolidays(t.Context(), s, "tester", sheet, importer.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestAYearsHolidaysAreAddedAndChanged(t *testing.T) {
	modelstest.Each(t, newYear(), func(t *testing.T, s *models.Store) {
		const notice = "日期,类型,名称\n2027-01-01,放假,元旦\n2027年1月3日,上班,元旦调休\n"
		if res := holidays(t, s, notice); res.Added != 2 || len(res.Rejected) != 0 {
			t.Fatalf("%+v", res)
		}
		if res := holidays(t, s, notice); res.Unchanged != 2 || res.Added+res.Changed != 0 {
			t.Errorf("again: %+v", res)
		}
		if res := holidays(t, s, "日期,类型,名称\n2027-01-01,放假,元旦节\n"); res.Changed != 1 {
			t.Errorf("renamed: %+v", res)
		}
		cal, err := s.Calendar(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if cal.IsWorkday(calendar.MustDate(2027, 1, 1)) || !cal.IsWorkday(calendar.MustDate(2027, 1, 3)) {
			t.Error("the calendar does not know the new year")
		}
	})
}

func TestHolidaysThatCannotBeReadAreRejected(t *testing.T) {
	s := modelstest.Open(t, models.SQLite, newYear())
	res := holidays(t, s, "日期,类型\n2027-02-30,放假\n2027-01-02,加班\n2027-01-01,放假\n2027-01-01,上班\n")
	if len(res.Rejected) != 3 || count(t, s, "calendar_days", "day >= '2027-01-01'") != 0 {
		t.Errorf("%+v", res)
	}
}

func TestTheHolidayTemplateIsRecognised(t *testing.T) {
	var out bytes.Buffer
	if err := importer.Template("holidays", &out); err != nil {
		t.Fatal(err)
	}
	if kind, err := importer.Kind("h.xlsx", out.Bytes()); err != nil || kind != models.ImportHolidays {
		t.Errorf("the template is taken for %q, %v", kind, err)
	}
}

func TestANewHolidayMovesRemindersAtTheNextCheck(t *testing.T) {
	s := modelstest.Open(t, models.SQLite, newYear())
	withSample(t, s)
	holidays(t, s, "日期,类型\n2025-06-16,放假\n")
	if n := count(t, s, "obligations", "next_check_on <> ?", s.Today()); n != 0 {
		t.Errorf("%d duties are not checked again", n)
	}
}
