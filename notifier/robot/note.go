package robot

import (
	"bytes"
	"cmp"
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"duban/notifier"
)

// note is a message that is fit to be shown: valid, without control and
// direction characters, and with a mobile number or none.
type note struct {
	subject string // one line
	text    string
	mobile  string // eleven digits, or blank
}

// maxSubject bounds the title, in bytes. It is a line, not the message.
const maxSubject = 300

func newNote(m notifier.Message, mobile string) note {
	subject := strings.Join(strings.Fields(clean(m.Subject)), " ")
	digits, err := notifier.ParseMobile(mobile)
	if err != nil {
		digits = "" // then nobody is mentioned
	}
	return note{
		subject: cut(subject, maxSubject),
		text:    strings.TrimSpace(clean(cmp.Or(m.Brief, m.Text))),
		mobile:  digits,
	}
}

var (
	anyBreak  = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\t", " ")
	manyLines = regexp.MustCompile(`\n[ \n]*\n`)
)

func clean(s string) string {
	s = anyBreak.Replace(strings.ToValidUTF8(s, "�"))
	s = strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, s)
	return manyLines.ReplaceAllString(s, "\n\n")
}

const ellipsis = "…"

// head returns at most the first n bytes of s, up to a character's end.
func head(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n = max(0, n)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// cut shortens s to at most limit bytes, and shows that it did.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return head(s, limit-len(ellipsis)) + ellipsis
}

// encode writes JSON without the \u003c that would count six bytes for one.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // it is made of strings
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// within returns what build makes of as much text as the limit on the whole
// body leaves room for.
func within(limit int, build func(room int) []byte) []byte {
	room := limit
	for {
		body := build(room)
		if len(body) <= limit || room == 0 {
			return body
		}
		room = min(room-1, room*limit/len(body))
	}
}
