package api

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"duban/models/calendar"
)

// calendarDay is an all-day event of a calendar (RFC 5545).
type calendarDay struct {
	UID         string // the same for ever, so that a program knows it again
	Sequence    int64
	ChangedAt   time.Time
	Day         calendar.Date
	Summary     string
	Description string
	URL         string // "" for none
	Category    string // "" for none
}

// encodeCalendar writes a calendar that programs fetch again each hour.
func encodeCalendar(name, description string, days []calendarDay) []byte {
	var c calendarText
	c.line("BEGIN", "VCALENDAR")
	c.line("VERSION", "2.0")
	c.line("PRODID", "-//duban//duban//ZH")
	c.line("CALSCALE", "GREGORIAN")
	c.line("METHOD", "PUBLISH")
	c.text("X-WR-CALNAME", name)
	c.text("X-WR-CALDESC", description)
	c.line("X-WR-TIMEZONE", calendar.Shanghai.String())
	c.line("REFRESH-INTERVAL;VALUE=DURATION", "PT1H")
	c.line("X-PUBLISHED-TTL", "PT1H")
	for _, d := range days {
		c.line("BEGIN", "VEVENT")
		c.text("UID", d.UID)
		c.line("DTSTAMP", d.ChangedAt.UTC().Format("20060102T150405Z"))
		c.line("SEQUENCE", strconv.FormatInt(d.Sequence, 10))
		c.line("DTSTART;VALUE=DATE", strings.ReplaceAll(d.Day.String(), "-", ""))
		c.text("SUMMARY", d.Summary)
		c.text("DESCRIPTION", d.Description)
		if d.URL != "" {
			c.line("URL", d.URL)
		}
		if d.Category != "" {
			c.text("CATEGORIES", d.Category)
		}
		c.line("TRANSP", "TRANSPARENT") // a due date does not make anybody busy
		c.line("END", "VEVENT")
	}
	c.line("END", "VCALENDAR")
	return c.buf.Bytes()
}

// calendarText is a calendar that is being written.
type calendarText struct{ buf bytes.Buffer }

// foldAt is the most octets of a line.
const foldAt = 75

// line writes a content line, folded between characters. The value must be
// free of control characters.
func (c *calendarText) line(name, value string) {
	rest := name + ":" + value
	for room := foldAt; len(rest) > room; room = foldAt - 1 { // the next ones begin with a space
		cut := room
		for !utf8.RuneStart(rest[cut]) {
			cut--
		}
		c.buf.WriteString(rest[:cut] + "\r\n ")
		rest = rest[cut:]
	}
	c.buf.WriteString(rest + "\r\n")
}

// text writes a line whose value is free text.
func (c *calendarText) text(name, value string) { c.line(name, escapeText(value)) }

var textEscapes = strings.NewReplacer("\r\n", `\n`, "\n", `\n`, `\`, `\\`, ";", `\;`, ",", `\,`)

// escapeText writes free text as a calendar holds it. What is no character, and
// what could end a line, goes.
func escapeText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, textEscapes.Replace(strings.ToValidUTF8(s, "\uFFFD")))
}
