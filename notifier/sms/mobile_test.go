package sms_test

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"duban/notifier/sms"
)

func TestParseMobile(t *testing.T) {
	for in, want := range map[string]string{
		"13800138000":        mobile,
		" 138 0013 8000 ":    mobile,
		"138-0013-8000":      mobile,
		"+86 13800138000":    mobile,
		"+8613800138000":     mobile,
		"8613800138000":      mobile,
		"008613800138000":    mobile,
		"（+86）138 0013 8000": mobile,
		"＋８６１３８００１３８０００":               mobile,
		"１３８　００１３　８０００":                mobile,
		"\u202a13800138000\u202c":      mobile, // as copied from an address book
		"138\u00a00013\u20118000":      mobile,
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
		got, err := sms.ParseMobile(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		mobile: "138****8000", "+86 " + mobile: "138****8000", "": "****", "1234567": "****", "手机号码手机号码": "手机号****手机号码",
	} {
		if got := sms.Mask(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestNumbersStayOutOfLogs(t *testing.T) {
	m := named()
	m.Mobile = mobile
	sent := sms.Sent{ID: "1", Key: key, Mobile: mobile}
	receipt := sms.Receipt{Key: key, Mobile: mobile, State: sms.Failed}
	var b strings.Builder
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "m", m, "s", sent, "r", receipt)
	fmt.Fprintf(&b, "%v %+v %s %v %v", m, m, m, sent, []sms.Receipt{receipt})
	if got := b.String(); strings.Contains(got, mobile) || strings.Contains(got, "道路") || !strings.Contains(got, "138****8000") {
		t.Error(got)
	}
}

func FuzzParseMobile(f *testing.F) {
	for _, s := range []string{"13800138000", "+86 138-0013-8000", "＋８６１３８", "\u202a1", "86861380013800", "\xff"} {
		f.Add(s)
	}
	valid := regexp.MustCompile(`^1[3-9][0-9]{9}$`)
	f.Fuzz(func(t *testing.T, s string) {
		got, err := sms.ParseMobile(s)
		if err != nil {
			if got != "" || !errors.Is(err, sms.ErrMobile) || err.Error() != sms.ErrMobile.Error() {
				t.Errorf("%q: %q, %v", s, got, err)
			}
			return
		}
		if !valid.MatchString(got) {
			t.Errorf("%q became %q", s, got)
		}
		if again, err := sms.ParseMobile(got); again != got || err != nil {
			t.Errorf("%q became %q, %v", got, again, err)
		}
		if masked := sms.Mask(s); len(s) >= 8 && strings.Contains(masked, got) {
			t.Errorf("%q is masked as %q", s, masked)
		}
	})
}
