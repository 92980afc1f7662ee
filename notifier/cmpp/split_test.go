package cmpp

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"duban/notifier"
)

// joined puts parts together as a telephone does.
func joined(t *testing.T, parts []part) string {
	t.Helper()
	var units []uint16
	for _, p := range parts {
		content := p.content
		if p.total > 1 {
			content = content[6:]
		}
		for ; len(content) > 0; content = content[2:] {
			units = append(units, binary.BigEndian.Uint16(content))
		}
	}
	return string(utf16.Decode(units))
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		name  string
		text  string
		parts []int // octets of each
	}{
		{"one letter", "a", []int{2}},
		{"exactly one", strings.Repeat("办", 70), []int{140}},
		{"one too many", strings.Repeat("办", 71), []int{140, 14}},
		{"exactly two", strings.Repeat("办", 134), []int{140, 140}},
		{"three", strings.Repeat("办", 135), []int{140, 140, 8}},
		{"35 pairs", strings.Repeat("😀", 35), []int{140}},
		{"pair across the seam", strings.Repeat("办", 66) + "😀" + strings.Repeat("办", 3), []int{138, 16}},
		{"pairs only", strings.Repeat("😀", 70), []int{138, 138, 22}},
		{"ten", strings.Repeat("办", 670), []int{140, 140, 140, 140, 140, 140, 140, 140, 140, 140}},
	} {
		t.Run(c.name, func(t *testing.T) {
			parts, failure := split(c.text, 0xab, 10)
			if failure != nil {
				t.Fatal(failure)
			}
			if len(parts) != len(c.parts) {
				t.Fatalf("%d parts, want %d", len(parts), len(c.parts))
			}
			for i, p := range parts {
				if len(p.content) != c.parts[i] || int(p.total) != len(parts) || int(p.number) != i+1 {
					t.Errorf("part %d is %d/%d with %d octets", i, p.number, p.total, len(p.content))
				}
				header := []byte{5, 0, 3, 0xab, p.total, p.number}
				if len(parts) > 1 && !bytes.HasPrefix(p.content, header) {
					t.Errorf("part %d begins with % x", i, p.content[:6])
				}
			}
			if got := joined(t, parts); got != c.text {
				t.Errorf("together they are %q", got)
			}
		})
	}
}

func TestSplitRefuses(t *testing.T) {
	for text, code := range map[string]string{
		"":                           "cmpp_no_text",
		"\xff":                       "cmpp_bad_text",
		strings.Repeat("办", 671):     "cmpp_too_long",
		strings.Repeat("😀", 10*33+1): "cmpp_too_long",
	} {
		_, failure := split(text, 0, 10)
		if failure == nil || failure.Code != code || failure.Class != notifier.Reject || !failure.Local {
			t.Errorf("%q…: %v", text[:min(3, len(text))], failure)
		}
	}
}

func TestSubmitRefusedKnowsEveryResult(t *testing.T) {
	for result, want := range map[uint32]notifier.Class{
		1: notifier.Down, 2: notifier.Down, 3: notifier.Retry, 4: notifier.Reject, 5: notifier.Down,
		6: notifier.Reject, 7: notifier.Down, 8: notifier.Retry, 9: notifier.Reject, 10: notifier.Down,
		11: notifier.Down, 12: notifier.Down, 13: notifier.Reject, 14: notifier.Retry, 199: notifier.Retry,
	} {
		if got := submitRefused(V30, result); got.Class != want || got.Detail == "" {
			t.Errorf("%d: %v, %v", result, got.Class, got)
		}
	}
	if got := submitRefused(V20, 9); got.Class != notifier.Retry {
		t.Errorf("9 in 2.0: %v", got.Class)
	}
}

func TestVerdict(t *testing.T) {
	retry, reject := unsent(errClosed), refused("no")
	for _, c := range []struct {
		ids      []string
		failures []*notifier.SendError
		accepted int
		code     string
	}{
		{[]string{"1", "2"}, []*notifier.SendError{nil, nil}, 2, ""},
		{[]string{"", ""}, []*notifier.SendError{retry, nil}, 0, "cmpp_unsent"},
		{[]string{"1", "", ""}, []*notifier.SendError{nil, retry, retry}, 1, "cmpp_partial: 1/3, cmpp_unsent"},
		{[]string{"1", "", ""}, []*notifier.SendError{nil, retry, reject}, 1, "no"},
	} {
		ids, err := verdict(c.ids, c.failures)
		code := ""
		if err != nil {
			code = err.Error()
		}
		if len(ids) != c.accepted || code != c.code {
			t.Errorf("%v: %v, %q", c.ids, ids, code)
		}
	}
}

// Any text is whole again when its parts are put together, and none is too big.
func FuzzSplit(f *testing.F) {
	f.Add("办", 71, uint8(3))
	f.Add("a😀", 64, uint8(200))
	f.Fuzz(func(t *testing.T, piece string, times int, ref uint8) {
		if len(piece) == 0 || len(piece) > 4096 || times < 0 || times > 300 {
			return
		}
		text := strings.Repeat(piece, times)
		parts, failure := split(text, ref, 255)
		if failure != nil {
			if utf8.ValidString(text) && text != "" && len([]rune(text)) < 255*33 {
				t.Fatal(failure)
			}
			return
		}
		if joined(t, parts) != text {
			t.Fatal("not the same text")
		}
		for _, p := range parts {
			if len(p.content) > 140 || p.total > 1 && !utf8.ValidString(joined(t, []part{p})) {
				t.Fatalf("part %d/%d is not whole", p.number, p.total)
			}
			if strings.ContainsRune(joined(t, []part{p}), utf8.RuneError) && !strings.ContainsRune(text, utf8.RuneError) {
				t.Fatalf("part %d/%d has half a pair", p.number, p.total)
			}
		}
	})
}
