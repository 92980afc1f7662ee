package importer

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"duban/models/calendar"
)

// mention is a date that a cleaned text states, and where in it.
type mention struct {
	date       calendar.Date
	start, end int
	vague      bool // only a month, a quarter or a half-year, not its end
}

// The forms of a date. Each ends with a group that is set when its end is
// meant in so many words; a year is optional except in the first.
var dateForms = []struct {
	form *regexp.Regexp
	date func(g []string, year int) (calendar.Date, error)
}{
	{regexp.MustCompile(`(20\d{2})(?:年|[./-])(\d{1,2})(?:月|[./-])(\d{1,2})([日号]?)`), fullDate},
	{regexp.MustCompile(`(?:(20\d{2})年)?(\d{1,2})月(\d{1,2})([日号])`), fullDate},
	{regexp.MustCompile(`(?:(20\d{2})年)?(\d{1,2})月份?([底末]?)`), monthEnd},
	{regexp.MustCompile(`(?:(20\d{2})年)?第?([一二三四1-4])季度([底末]?)`), quarterEnd},
	{regexp.MustCompile(`(?:(20\d{2})年)?([上下])半年([底末]?)`), halfEnd},
	{regexp.MustCompile(`(?:(20\d{2})年)?()年([底末终])`), yearEnd},
	{regexp.MustCompile(`(20\d{2})()年度?([底末终内])`), yearEnd},
}

var errNoYear = errors.New("日期没有年份")

func fullDate(g []string, year int) (calendar.Date, error) {
	month, _ := strconv.Atoi(g[2])
	day, _ := strconv.Atoi(g[3])
	return calendar.NewDate(year, time.Month(month), day)
}

func monthEnd(g []string, year int) (calendar.Date, error) {
	month, _ := strconv.Atoi(g[2])
	if _, err := calendar.NewDate(year, time.Month(month), 1); err != nil {
		return calendar.Date{}, err
	}
	return calendar.EndOfMonth(year, time.Month(month)), nil
}

func quarterEnd(g []string, year int) (calendar.Date, error) {
	quarter := strings.Index("一二三四", g[2])/len("一") + 1
	if n, err := strconv.Atoi(g[2]); err == nil {
		quarter = n
	}
	return calendar.EndOfMonth(year, time.Month(3*quarter)), nil
}

func halfEnd(g []string, year int) (calendar.Date, error) {
	if g[2] == "上" {
		return calendar.EndOfMonth(year, time.June), nil
	}
	return calendar.EndOfMonth(year, time.December), nil
}

func yearEnd(_ []string, year int) (calendar.Date, error) {
	return calendar.EndOfMonth(year, time.December), nil
}

// mentions finds the dates in a cleaned text, in order. A date without a year
// is one of the given year. It fails on a day that does not exist.
func mentions(text string, year int) ([]mention, error) {
	var found []mention
	for pos := 0; pos < len(text); {
		m, ok, err := firstMention(text, pos, year)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		found = append(found, m)
		pos = m.end
	}
	return found, nil
}

// firstMention returns the earliest date from pos on; of two forms that begin
// at the same place the fuller one comes first in the list.
func firstMention(text string, pos, year int) (mention, bool, error) {
	best := mention{start: len(text)}
	var failure error
	for _, f := range dateForms {
		at := f.form.FindStringSubmatchIndex(text[pos:])
		if at == nil || pos+at[0] >= best.start || cutsNumber(text, pos+at[0]) || cutsNumber(text, pos+at[1]) {
			continue
		}
		groups := make([]string, len(at)/2)
		for i := range groups {
			if at[2*i] >= 0 {
				groups[i] = text[pos+at[2*i] : pos+at[2*i+1]]
			}
		}
		in := year
		if groups[1] != "" {
			in, _ = strconv.Atoi(groups[1])
		}
		best = mention{start: pos + at[0], end: pos + at[1], vague: groups[3] == ""}
		if in < 1 || in > 9999 {
			failure = errNoYear
			continue
		}
		best.date, failure = f.date(groups, in)
	}
	return best, best.start < len(text), failure
}

// cutsNumber reports whether the boundary at i lies inside a longer number.
func cutsNumber(text string, i int) bool {
	digit := func(j int) bool { return j >= 0 && j < len(text) && text[j] >= '0' && text[j] <= '9' }
	return digit(i) && (digit(i-1) || i > 0 && text[i-1] == '.')
}
