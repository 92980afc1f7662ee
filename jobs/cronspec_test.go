package jobs_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"duban/jobs"
)

func TestCronExpressionsThatCannotWorkAreExplained(t *testing.T) {
	for expression, want := range map[string]string{
		"":                                     "五段",
		"30 8 * *":                             "五段",
		"0 30 8 * * *":                         "五段",
		"TZ=Asia/Shanghai":                     "时区",
		"CRON_TZ=Asia/Shanghai ":               "时区",
		"0 9 L * *":                            "不支持 L",
		"0 9 ? * 1#2":                          "不支持 L",
		"61 8 * * *":                           "无法识别",
		"0 9 30 2 *":                           "永远不会到来",
		"@sometimes":                           "无法识别",
		strings.Repeat("1,", 99) + "1 8 * * *": "过长",
	} {
		_, err := jobs.ParseCron(expression, "Asia/Shanghai")
		var bad *jobs.CronError
		if !errors.As(err, &bad) || !strings.Contains(bad.Problem, want) {
			t.Errorf("ParseCron(%q) = %v; want a *CronError about %s", expression, err, want)
		}
	}
	for _, zone := range []string{"", "Asia/Tangshan"} {
		if _, err := jobs.ParseCron("30 8 * * *", zone); err == nil {
			t.Errorf("zone %q was accepted", zone)
		}
	}
}

func TestNamesOfMonthsAndDaysAreNotMistakenForL(t *testing.T) {
	if _, err := jobs.ParseCron("0 9 * JUL WED", "Asia/Shanghai"); err != nil {
		t.Error(err)
	}
}

func TestFiresAreComputedInTheSchedulesZone(t *testing.T) {
	spec, err := jobs.ParseCron("30 8 * * *", "Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2025, 6, 20, 0, 29, 0, 0, time.UTC) // 8:29 in Shanghai
	if got, want := spec.Next(now), time.Date(2025, 6, 20, 0, 30, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("Next = %s; want %s", got, want)
	}
	if got, want := spec.Latest(now), time.Date(2025, 6, 19, 0, 30, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("Latest = %s; want %s", got, want)
	}
	if got := spec.Latest(now.Add(time.Minute)); !got.Equal(now.Add(time.Minute)) {
		t.Errorf("a fire at the very moment counts: got %s", got)
	}
	if fires := spec.Preview(now, 5); len(fires) != 5 || fires[4].Format("01-02 15:04") != "06-24 08:30" {
		t.Errorf("Preview = %v", fires)
	}
	yearly, err := jobs.ParseCron("0 9 31 12 *", "Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	if got := yearly.Latest(now).In(time.UTC).Year(); got != 2024 {
		t.Errorf("the last fire of a yearly schedule was in %d; want 2024", got)
	}
}

func TestADayAndAWeekdayTogetherAreWarnedOf(t *testing.T) {
	for expression, want := range map[string]bool{"0 9 31 * 1": true, "0 9 31 * *": false, "0 9 * * 1": false} {
		spec, err := jobs.ParseCron(expression, "Asia/Shanghai")
		if err != nil || (spec.Warning() != "") != want {
			t.Errorf("%q: warning %q, %v; want one: %v", expression, spec.Warning(), err, want)
		}
	}
}

func FuzzParseCron(f *testing.F) {
	for _, s := range []string{"30 8 * * *", "TZ=Asia/Shanghai", "*/5 0-23/2 1,15 JAN-DEC MON", "@every 1h", "@daily", "0 0 31 2 *", "@every -1s", "CRON_TZ= * * * * *"} {
		f.Add(s)
	}
	now := time.Date(2025, 6, 20, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		spec, err := jobs.ParseCron(s, "Asia/Shanghai")
		if err != nil {
			return
		}
		next := spec.Next(now)
		if next.IsZero() || !next.After(now) {
			t.Fatalf("%q was accepted but next fires at %v", s, next)
		}
		if latest := spec.Latest(now); latest.After(now) {
			t.Fatalf("%q: latest fire %v lies in the future", s, latest)
		}
	})
}
