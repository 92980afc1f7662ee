package notifier_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"duban/notifier"
)

func TestParseMobile(t *testing.T) {
	for in, want := range map[string]string{
		"13800138000":        "13800138000",
		" 138 0013 8000 ":    "13800138000",
		"138-0013-8000":      "13800138000",
		"+86 13800138000":    "13800138000",
		"+8613800138000":     "13800138000",
		"8613800138000":      "13800138000",
		"008613800138000":    "13800138000",
		"（+86）138 0013 8000": "13800138000",
		"＋８６１３８００１３８０００":               "13800138000",
		"１３８　００１３　８０００":                "13800138000",
		"\u202a13800138000\u202c":      "13800138000", // as copied from an address book
		"138\u00a00013\u20118000":      "13800138000",
		"19912345678":                  "19912345678",
		"":                             "",
		"1380013800":                   "", // ten digits
		"138001380000":                 "", // twelve
		"12800138000":                  "", // no such range
		"10086":                        "",
		"010-12345678":                 "", // a landline
		"+852 9123 4567":               "", // 香港
		"+86+8613800138000":            "",
		"1380013800O":                  "", // the letter
		"13800138000,13800138001":      "",
		"13800138000;DROP TABLE users": "",
		"١٣٨٠٠١٣٨٠٠٠":                  "", // digits, but not ours
	} {
		got, err := notifier.ParseMobile(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"13800138000": "138****8000", "+86 " + "13800138000": "138****8000", "": "****", "1234567": "****", "手机号码手机号码": "手机号****手机号码",
	} {
		if got := notifier.Mask(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestWordsOfOthersAreKeptWithoutNumbersAndAddresses(t *testing.T) {
	for in, want := range map[string]string{
		"no such user 13800138000":               "no such user 138****8000",
		"138 0013 8000, 138-0013-8000: rejected": "138****8000, 138****8000: rejected",
		"1380013 8000 and +8613800138000":        "138****8000 and 138****8000",
		"<a@b.cn> unknown at 2025-11-14 08:30":   "<[address]> unknown at 2025-11-14 08:30",
	} {
		if got := notifier.Redacted(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzParseMobile(f *testing.F) {
	for _, s := range []string{"13800138000", "+86 138-0013-8000", "＋８６１３８", "\u202a1", "86861380013800", "\xff"} {
		f.Add(s)
	}
	valid := regexp.MustCompile(`^1[3-9][0-9]{9}$`)
	f.Fuzz(func(t *testing.T, s string) {
		got, err := notifier.ParseMobile(s)
		if err != nil {
			if got != "" || !errors.Is(err, notifier.ErrMobile) || err.Error() != notifier.ErrMobile.Error() {
				t.Errorf("%q: %q, %v", s, got, err)
			}
			return
		}
		if !valid.MatchString(got) {
			t.Errorf("%q became %q", s, got)
		}
		if again, err := notifier.ParseMobile(got); again != got || err != nil {
			t.Errorf("%q became %q, %v", got, again, err)
		}
		if masked := notifier.Mask(s); len(s) >= 8 && strings.Contains(masked, got) {
			t.Errorf("%q is masked as %q", s, masked)
		}
	})
}
