package sms_test

import (
	"strings"
	"testing"

	"duban/models/money"
	"duban/notifier"
	"duban/notifier/sms"
)

func TestCount(t *testing.T) {
	for _, tc := range []struct {
		text         string
		chars, parts int
	}{
		{"", 0, 0},
		{"a", 1, 1},
		{"【督办】到期", 6, 1},
		{strings.Repeat("字", 70), 70, 1},
		{strings.Repeat("字", 71), 71, 2},
		{strings.Repeat("a", 71), 71, 2}, // plain English is no cheaper
		{strings.Repeat("字", 134), 134, 2},
		{strings.Repeat("字", 135), 135, 3},
		{strings.Repeat("字", 201), 201, 3},
		{strings.Repeat("😀", 35), 70, 1},
		{strings.Repeat("😀", 36), 72, 2},
		{"e\u0301", 2, 1}, // a letter and its accent
		{"一行\n二行", 5, 1},
	} {
		if got := sms.Count(tc.text); got != (sms.Parts{Chars: tc.chars, Parts: tc.parts}) {
			t.Errorf("%.10q…: got %+v, want %d and %d", tc.text, got, tc.chars, tc.parts)
		}
	}
}

// The signature counts as well: it is part of what is sent.
func TestTextIncludesTheSignature(t *testing.T) {
	m := named()
	if got, want := m.Text(), `【督办平台】您负责的道路 & 桥梁+"养护"=100%还有7天到期。`; got != want {
		t.Errorf("got %s", got)
	}
	m.Template.Body = strings.Repeat("字", 64) + "${days}"
	if p := sms.Count(m.Text()); p.Chars != 71 || p.Parts != 2 {
		t.Errorf("got %+v", p)
	}
}

// A value that looks like a place is a value.
func TestValuesAreNotTemplates(t *testing.T) {
	m := named()
	m.Facts["title"] = "${days}$1"
	if got, want := m.Text(), "【督办平台】您负责的${days}$1还有7天到期。"; got != want {
		t.Errorf("got %s", got)
	}
}

func TestCost(t *testing.T) {
	for text, want := range map[string]sms.MilliFen{
		"0.045": 4500, "0.0325": 3250, "0.00001": 1, "1": 100_000, "0": 0, "9999.99999": 999_999_999,
	} {
		if got, err := sms.ParsePrice(text); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", ".5", "1.", "-1", "0.045元", "0.000001", "1e3", "１", "10000", "0.0 5"} {
		if got, err := sms.ParsePrice(text); err == nil {
			t.Errorf("%q was read as %d", text, got)
		}
	}
	for _, tc := range []struct {
		parts int
		price sms.MilliFen
		want  sms.MilliFen
		fen   money.Fen
	}{
		{0, 4500, 0, 0}, {1, 4500, 4500, 5}, {2, 4500, 9000, 9}, {3, 3250, 9750, 10}, {1_000_000, 3250, 3_250_000_000, 3_250_000},
	} {
		if got := sms.Cost(tc.parts, tc.price); got != tc.want || got.Fen() != tc.fen {
			t.Errorf("%d parts of %d: got %d, %d 分", tc.parts, tc.price, got, got.Fen())
		}
	}
}

func TestTemplatesAreChecked(t *testing.T) {
	good := named().Template
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*sms.Template){
		"brackets in the signature": func(x *sms.Template) { x.Signature = "【督办】" },
		"no signature":              func(x *sms.Template) { x.Signature = "" },
		"a place without a value":   func(x *sms.Template) { x.Body += "${more}" },
		"a value without a place":   func(x *sms.Template) { x.Body = "${days}" },
		"the same variable twice":   func(x *sms.Template) { x.Vars = append(x.Vars[:1:1], x.Vars[0]); x.Body = "${project}" },
		"no words":                  func(x *sms.Template) { x.Body, x.Vars = " ", nil },
		"no fact":                   func(x *sms.Template) { x.Vars = []notifier.SMSVar{{Name: "days"}}; x.Body = "${days}" },
	} {
		bad := named().Template
		spoil(&bad)
		if bad.Validate() == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
