package money_test

import (
	"errors"
	"strings"
	"testing"

	"duban/models/money"
)

func TestAmountsAreReadAsTablesWriteThem(t *testing.T) {
	for _, c := range []struct {
		text string
		unit money.Unit
		want money.Fen
	}{
		{"58.50", money.TenThousand, 58_500_000},
		{" 1,234.5 ", money.Yuan, 123_450},
		{"５８．５０", money.TenThousand, 58_500_000},
		{"58.50\u00a0", money.Yuan, 5_850},
		{"1 234.00", money.Yuan, 123_400},
		{"-0.01", money.Yuan, -1},
		{"−3", money.Yuan, -300},
		{"0", money.TenThousand, 0},
		{"595.2925", money.TenThousand, 595_292_500},
		{"¥12", money.Yuan, 1_200},
		{"58.5万元", money.Yuan, 58_500_000},
		{"115亿元", money.TenThousand, 1_150_000_000_000},
		{"120元", money.TenThousand, 12_000},
	} {
		got, err := money.Parse(c.text, c.unit)
		if err != nil || got != c.want {
			t.Errorf("Parse(%q, %v) = %d, %v; want %d", c.text, c.unit, got, err, c.want)
		}
	}
}

func TestAmountsThatCannotBeKeptExactlyAreRefused(t *testing.T) {
	for text, want := range map[string]error{
		"":                        money.ErrNotNumber,
		"约50":                     money.ErrNotNumber,
		"1e9":                     money.ErrNotNumber,
		"12,34":                   money.ErrNotNumber,
		"1.2.3":                   money.ErrNotNumber,
		"NaN":                     money.ErrNotNumber,
		"0.001":                   money.ErrInexact,
		"99999999999999":          money.ErrRange,
		strings.Repeat("9", 4000): money.ErrNotNumber,
	} {
		if _, err := money.Parse(text, money.Yuan); !errors.Is(err, want) {
			t.Errorf("Parse(%.20q) = %v; want %v", text, err, want)
		}
	}
}

func TestBlankIsNotZero(t *testing.T) {
	for _, s := range []string{"", " ", "\u00a0", "　", "-", "—", "——", "－", "/", "无"} {
		if !money.IsBlank(s) {
			t.Errorf("IsBlank(%q) = false", s)
		}
	}
	for _, s := range []string{"0", "0%", "0.00", "-1"} {
		if money.IsBlank(s) {
			t.Errorf("IsBlank(%q) = true", s)
		}
	}
}

func TestAmountsAreShownExactly(t *testing.T) {
	for _, c := range []struct {
		fen  money.Fen
		unit money.Unit
		want string
	}{
		{595_292_500, money.TenThousand, "595.2925"},
		{774_850_000, money.TenThousand, "774.85"},
		{200_000_000, money.TenThousand, "200.00"},
		{1, money.TenThousand, "0.000001"},
		{-1, money.Yuan, "-0.01"},
		{123_450, money.Yuan, "1234.50"},
		{1_150_000_000_000, money.HundredMil, "115.00"},
	} {
		if got := c.fen.In(c.unit); got != c.want {
			t.Errorf("%d.In(%v) = %s; want %s", c.fen, c.unit, got, c.want)
		}
	}
	if got := money.Fen(58_500_000).String(); got != "585000.00" {
		t.Errorf("String() = %s", got)
	}
}

func TestPercentagesAreExact(t *testing.T) {
	for text, want := range map[string]money.Percent{
		"50%": 500_000, "100 %": 1_000_000, "82.5％": 825_000, "３５": 350_000, "0%": 0, "33.3333%": 333_333, "-5%": -50_000,
	} {
		got, err := money.ParsePercent(text)
		if err != nil || got != want {
			t.Errorf("ParsePercent(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for text, want := range map[string]error{
		"": money.ErrNotNumber, "%": money.ErrNotNumber, "五成": money.ErrNotNumber, "33.33333%": money.ErrInexact,
	} {
		if _, err := money.ParsePercent(text); !errors.Is(err, want) {
			t.Errorf("ParsePercent(%q) = %v; want %v", text, err, want)
		}
	}
	if got := money.Percent(825_000).String(); got != "82.5%" {
		t.Errorf("String() = %s", got)
	}
	if got := money.Percent(333_333).Of(100); got != 33 {
		t.Errorf("33.3333%% of 1.00 = %d 分; want 33", got)
	}
	if got := money.PercentOf(50).Of(3); got != 2 {
		t.Errorf("50%% of 0.03 = %d 分; want 2 (half away from zero)", got)
	}
}

func TestSharesAreComparedWithoutRounding(t *testing.T) {
	justShort := money.Share{Paid: 33_333_332, Budget: 100_000_000}
	if justShort.Reaches(333_333 + 1) {
		t.Error("33.333332 % must not reach 33.3334 %")
	}
	if justShort.Reaches(333_334) || !justShort.Reaches(333_333) {
		t.Error("33.333332 % must reach 33.3333 % and not 33.3334 %")
	}
	tenBehind := money.Share{Paid: 40, Budget: 100}
	if tenBehind.Behind(money.PercentOf(50), money.PercentOf(10)) {
		t.Error("exactly 10 points behind is not more than 10")
	}
	if !(money.Share{Paid: 39_999, Budget: 100_000}).Behind(money.PercentOf(50), money.PercentOf(10)) {
		t.Error("10.001 points behind is more than 10")
	}
	if got := (money.Share{Paid: 99_999, Budget: 100_000}).Percent().String(); got != "99.99%" {
		t.Errorf("99.999 %% is shown as %s", got)
	}
	huge := money.Share{Paid: 900_000_000_000_000, Budget: 1_000_000_000_000_000}
	if !huge.Reaches(money.PercentOf(90)) || huge.Reaches(money.PercentOf(90)+1) {
		t.Error("shares of large budgets must not overflow")
	}
	none := money.Share{}
	if none.Defined() || !none.Reaches(money.Whole) || none.Behind(money.Whole, 0) {
		t.Error("a zero budget has no share and requires nothing")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"58.50", "1,234.5", "５８．５０", "-0.01", "1e9", "115亿元", "¥3", "—"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		fen, err := money.Parse(s, money.TenThousand)
		if err != nil {
			return
		}
		back, err := money.Parse(fen.In(money.TenThousand), money.TenThousand)
		if err != nil || back != fen {
			t.Fatalf("%q read as %d, written as %s, read back as %d (%v)", s, fen, fen.In(money.TenThousand), back, err)
		}
		if _, err := money.ParsePercent(s); err == nil && !strings.ContainsAny(money.Clean(s), "0123456789") {
			t.Fatalf("%q has no digit but is a percentage", s)
		}
	})
}
