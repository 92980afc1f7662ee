package api

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"duban/models/calendar"
)

// unfold reads content lines as RFC 5545 has them, and complains of what a
// strict program would not take.
func unfold(t *testing.T, text string) map[string]string {
	t.Helper()
	if !strings.HasSuffix(text, "\r\n") || strings.ContainsAny(strings.ReplaceAll(text, "\r\n", ""), "\r\n") {
		t.Fatalf("line ends: %q", text)
	}
	var lines []string
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if len(line) > 75 || !utf8.ValidString(line) {
			t.Fatalf("%d octets, characters whole: %v in %q", len(line), utf8.ValidString(line), line)
		}
		if continued, ok := strings.CutPrefix(line, " "); ok && len(lines) > 0 {
			lines[len(lines)-1] += continued
			continue
		}
		lines = append(lines, line)
	}
	values := map[string]string{}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			t.Fatalf("no property: %q", line)
		}
		values[name] = value
	}
	return values
}

// unescape reads free text back, character by character.
func unescape(t *testing.T, s string) string {
	t.Helper()
	var b strings.Builder
	for escaped := false; s != ""; {
		r, size := utf8.DecodeRuneInString(s)
		s = s[size:]
		switch {
		case escaped && (r == 'n' || r == 'N'):
			b.WriteByte('\n')
		case escaped && strings.ContainsRune(`\;,`, r):
			b.WriteRune(r)
		case escaped:
			t.Fatalf("%q is no escape", r)
		case r == ';' || r == ',':
			t.Fatalf("%q is not escaped", r)
		case r != '\\':
			b.WriteRune(r)
		}
		escaped = !escaped && r == '\\'
	}
	return b.String()
}

// FuzzCalendarText writes any text into a calendar and reads it back.
func FuzzCalendarText(f *testing.F) {
	for _, s := range []string{
		"", "6月底支出进度达到50%", `a;b,c\d`, "行一\n行二\r\n行三\r四", strings.Repeat("支", 200), strings.Repeat("x", 75), strings.Repeat("😀", 40),
		"\xff\xfe", "END:VEVENT\r\nBEGIN:VALARM", `\n`, "\x00\x1b\x7f\t", strings.Repeat("é", 60) + ";",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		day := calendarDay{UID: "obligation-1@duban", ChangedAt: time.Unix(0, 0), Day: calendar.MustDate(2025, 6, 30), Summary: s, Description: s}
		values := unfold(t, string(encodeCalendar(s, s, []calendarDay{day})))
		want := strings.Map(func(r rune) rune {
			if r < ' ' && r != '\t' && r != '\n' || r == 0x7f {
				return -1
			}
			return r
		}, strings.ToValidUTF8(strings.ReplaceAll(s, "\r\n", "\n"), "\uFFFD"))
		for _, name := range []string{"X-WR-CALNAME", "X-WR-CALDESC", "SUMMARY", "DESCRIPTION"} {
			if got := unescape(t, values[name]); got != want {
				t.Errorf("%s: %q; want %q", name, got, want)
			}
		}
		if values["UID"] != "obligation-1@duban" || values["DTSTART;VALUE=DATE"] != "20250630" || values["DTSTAMP"] != "19700101T000000Z" {
			t.Errorf("%v", values)
		}
	})
}
