package calendar_test

import (
	"encoding/json"
	"testing"
	"time"

	"duban/models/calendar"
)

func on(month time.Month, day int) calendar.Date { return calendar.MustDate(2025, month, day) }

func TestTheStateCouncilsArrangementsAreKnown(t *testing.T) {
	c := calendar.New(calendar.Seed(2024))
	for _, tc := range []struct {
		name string
		day  calendar.Date
		work bool
	}{
		{"an ordinary Monday", on(6, 16), true},
		{"an ordinary Saturday", on(6, 21), false},
		{"the first day of 春节", on(1, 29), false},
		{"a Sunday worked for 春节 (调休)", on(1, 26), true},
		{"a Saturday worked for 春节 (调休)", on(2, 8), true},
		{"国庆节 on a Wednesday", on(10, 1), false},
		{"a Sunday worked for 国庆节 (调休)", on(9, 28), true},
	} {
		if got := c.IsWorkday(tc.day); got != tc.work {
			t.Errorf("%s, %s: workday %v; want %v", tc.name, tc.day, got, tc.work)
		}
	}
	if name, ok := c.Holiday(on(10, 1)); !ok || name == "" {
		t.Errorf("1 October is %q, %v", name, ok)
	}
	if _, ok := c.Holiday(on(9, 28)); ok {
		t.Error("a make-up workday is no holiday")
	}
}

func TestWorkingDaysAreCountedAroundHolidays(t *testing.T) {
	c := calendar.New(calendar.Seed(2024))
	for _, tc := range []struct {
		from calendar.Date
		n    int
		want calendar.Date
	}{
		{on(9, 30), 1, on(10, 9)},                      // the holidays are 1 to 8 October
		{on(10, 9), -1, on(9, 30)},                     //
		{on(9, 26), 1, on(9, 28)},                      // a Sunday that is worked
		{on(6, 20), 10, on(7, 4)},                      //
		{on(6, 21), 0, on(6, 21)},                      // zero is the day itself
		{on(12, 31), 1, calendar.MustDate(2026, 1, 4)}, // 元旦 to 3 January, Sunday the 4th is worked
	} {
		if got := c.AddWorkdays(tc.from, tc.n); got != tc.want {
			t.Errorf("%d workdays after %s = %s; want %s", tc.n, tc.from, got, tc.want)
		}
	}
	if got := c.WorkdayOnOrBefore(on(10, 5)); got != on(9, 30) {
		t.Errorf("the last working day up to 5 October = %s", got)
	}
	if got := c.WorkdayOnOrAfter(on(10, 5)); got != on(10, 9) {
		t.Errorf("the first working day from 5 October = %s", got)
	}
}

func TestLocalDaysOverrideTheSeed(t *testing.T) {
	days := append(calendar.Seed(2025), calendar.Day{Date: on(6, 16), Name: "本地放假"}, calendar.Day{Date: on(10, 1), Work: true, Name: "值班"})
	c := calendar.New(days)
	if c.IsWorkday(on(6, 16)) || !c.IsWorkday(on(10, 1)) {
		t.Error("an administrator's days must win")
	}
}

func TestAMissingYearIsToldInGoodTime(t *testing.T) {
	c := calendar.New([]calendar.Day{{Date: on(1, 1)}, {Date: on(10, 1)}, {Date: calendar.MustDate(2026, 7, 1), Name: "本地放假"}})
	for day, want := range map[calendar.Date]int{
		on(6, 1): 0, on(10, 31): 0, on(11, 1): 2026, calendar.MustDate(2026, 3, 1): 2026,
	} {
		if got := c.MissingYear(day); got != want {
			t.Errorf("on %s the missing year is %d; want %d", day, got, want)
		}
	}
}

func TestACalendarOfNothingButHolidaysDoesNotHang(t *testing.T) {
	var days []calendar.Day
	for d := on(1, 1); d.Year() < 2028; d = d.AddDays(1) {
		days = append(days, calendar.Day{Date: d})
	}
	if got := calendar.New(days).WorkdayOnOrAfter(on(1, 1)); got != on(1, 1) {
		t.Errorf("got %s", got)
	}
}

func TestDates(t *testing.T) {
	if _, err := calendar.NewDate(2025, 2, 29); err == nil {
		t.Error("29 February 2025 was accepted")
	}
	if got := calendar.EndOfMonth(2024, 2); got != calendar.MustDate(2024, 2, 29) {
		t.Errorf("the end of February 2024 = %s", got)
	}
	if got := calendar.EndOfMonth(2025, 0); got != calendar.MustDate(2024, 12, 31) {
		t.Errorf("the month before January ends on %s", got)
	}
	if got := on(3, 1).DaysUntil(on(12, 31)); got != 305 {
		t.Errorf("from 1 March to 31 December are %d days", got)
	}
	late := time.Date(2025, 6, 20, 16, 30, 0, 0, time.UTC) // half past midnight in Shanghai
	if got := calendar.DateOf(late); got != on(6, 21) {
		t.Errorf("the date in Shanghai = %s", got)
	}
	if got := on(6, 30).Chinese(); got != "2025年6月30日" {
		t.Errorf("Chinese() = %s", got)
	}
}

func TestDatesSurviveJSONAndTheDatabase(t *testing.T) {
	for _, d := range []calendar.Date{{}, on(6, 30)} {
		b, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var back calendar.Date
		if err := json.Unmarshal(b, &back); err != nil || back != d {
			t.Errorf("%s came back from JSON as %s, %v", d, back, err)
		}
		v, err := d.Value()
		if err != nil {
			t.Fatal(err)
		}
		if err := back.Scan(v); err != nil || back != d {
			t.Errorf("%s came back from the database as %s, %v", d, back, err)
		}
	}
	var d calendar.Date
	for _, src := range []any{time.Date(2025, 6, 30, 0, 0, 0, 0, time.UTC), []byte("2025-06-30"), "2025-06-30 00:00:00+00:00"} {
		if err := d.Scan(src); err != nil || d != on(6, 30) {
			t.Errorf("Scan(%v) = %s, %v", src, d, err)
		}
	}
	if err := d.Scan(42); err == nil {
		t.Error("a number was taken for a date")
	}
}

func FuzzParseDate(f *testing.F) {
	for _, s := range []string{"2025-06-30", "2025-02-29", "0000-00-00", "9999-12-31", "２０２５-06-30"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := calendar.ParseDate(s)
		if err == nil && d.String() != s {
			t.Fatalf("%q was read as %s", s, d)
		}
	})
}
