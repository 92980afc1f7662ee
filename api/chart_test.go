package api

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

func day(month time.Month, d int) calendar.Date { return calendar.MustDate(2025, month, d) }

func TestChartsAreDrawnFromAnything(t *testing.T) {
	number := regexp.MustCompile(`-?\d+\.\d`)
	huge := money.Fen(1_000_000_000_000_000)
	for name, c := range map[string]curve{
		"nothing at all":         {},
		"no budget":              {Year: 2025, Today: day(6, 20)},
		"one 分":                  {Year: 2025, Today: day(6, 20), Budget: 1, Plan: []models.AmountOn{{Day: day(3, 31), Amount: 1}}},
		"a province":             {Year: 2025, Today: day(6, 20), Budget: huge, Paid: []models.AmountOn{{Day: day(1, 2), Amount: huge}}},
		"a refund only":          {Year: 2025, Today: day(6, 20), Budget: 100, Paid: []models.AmountOn{{Day: day(1, 2), Amount: -500_000}}},
		"days outside the year":  {Year: 2025, Today: calendar.MustDate(2026, 3, 1), Budget: 500, Paid: []models.AmountOn{{Day: calendar.MustDate(2024, 12, 1), Amount: 5}, {Day: calendar.MustDate(2026, 2, 1), Amount: 9}}},
		"a year that is to come": {Year: 2025, Today: calendar.MustDate(2024, 3, 1), Budget: 500},
		"more than the budget":   {Year: 2025, Today: day(12, 31), Budget: 500, Paid: []models.AmountOn{{Day: day(1, 1), Amount: 5_000_000}}},
		"a plan that falls":      {Year: 2025, Today: day(6, 20), Budget: 500, Plan: []models.AmountOn{{Day: day(3, 31), Amount: 400}, {Day: day(6, 30), Amount: 300}}},
	} {
		if name == "nothing at all" {
			c.Year, c.Today = 2025, day(1, 1)
		}
		for _, d := range draw(c) {
			if len(d.Levels) < 2 || len(d.Levels) > 8 {
				t.Errorf("%s: %d levels", name, len(d.Levels))
			}
			all := fmt.Sprintf("%s %s %s %.1f %.1f %.1f", d.PlanPath, d.PaidPath, d.PaidArea, d.BudgetY, d.TodayX, d.Now.Y)
			if strings.Contains(all, "NaN") || strings.Contains(all, "Inf") {
				t.Errorf("%s: %s", name, all)
			}
			for _, n := range number.FindAllString(all, -1) {
				var v float64
				if _, err := fmt.Sscan(n, &v); err != nil || v < 0 || v > float64(d.Width) {
					t.Errorf("%s: %s lies outside of the %s picture: %s", name, n, d.Size, all)
				}
			}
		}
	}
}

func TestAPlanIsNeverInterpolated(t *testing.T) {
	d := draw(curve{Year: 2025, Today: day(6, 20), Budget: 100, Plan: []models.AmountOn{{Day: day(3, 31), Amount: 20}, {Day: day(12, 31), Amount: 100}}})[0]
	if strings.ContainsAny(d.PlanPath, "LlCcQq") || strings.Count(d.PlanPath, "V") != 2 {
		t.Errorf("the plan is drawn as %s", d.PlanPath)
	}
}

func TestSharesOfAPlanAreRoundedUpForDisplay(t *testing.T) {
	for _, c := range []struct {
		paid, budget money.Fen
		want         string
	}{
		{0, 0, "0%"},
		{0, 3, "0%"},
		{1, 3, "33.34%"},
		{2, 3, "66.67%"},
		{3, 3, "100%"},
		{50, 100, "50%"},
		{99_999, 100_000, "100%"},
		{4, 3, "133.34%"},
		{825, 1000, "82.5%"},
	} {
		if got := planned(money.Share{Paid: c.paid, Budget: c.budget}).String(); got != c.want {
			t.Errorf("%d of %d is shown as %s; want %s", c.paid, c.budget, got, c.want)
		}
	}
}

func TestAmountsAreGroupedAndExact(t *testing.T) {
	for fen, want := range map[money.Fen]string{
		0: "0.00", 1: "0.000001", -1: "−0.000001", 1_234_567_890_000: "1,234,567.89", 100_000_000: "100.00", 1_000_000_000: "1,000.00", -1_000_000_000: "−1,000.00",
	} {
		if got := wan(fen); got != want {
			t.Errorf("%d is shown as %s; want %s", fen, got, want)
		}
	}
}

func TestWhatIsStillToPayIsNeverNothingWhileTheTargetIsMissed(t *testing.T) {
	d := dutyView{Duty: models.Duty{Obligation: models.Obligation{Percent: 333_333, Amount: money.Percent(333_333).Of(100)}, Budget: 100, Paid: 33}}
	if d.Share().Reaches(d.Percent) || d.Missing() != 1 {
		t.Errorf("33 of 100 misses 33.3333 %%, yet %d is missing", d.Missing())
	}
}
