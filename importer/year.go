package importer

import (
	"regexp"
	"strconv"
	"unicode/utf8"
)

// yearEvidence counts what in a document speaks for which fiscal year.
type yearEvidence struct {
	titles   yearVotes // 2025年度部门预算绩效目标
	text     yearVotes // 2025年，中心将…
	deadline yearVotes // 2025年12月31日
}

// yearVotes counts mentions by year.
type yearVotes map[int]int

var (
	anyYear   = regexp.MustCompile(`(20\d{2})\s*年`)
	thisYear  = regexp.MustCompile(`(20\d{2})\s*年(?:度|，|,)`)
	titleWord = regexp.MustCompile(`预算|绩效|目标`)
)

// line weighs a line outside the project tables. Only what is no part of a
// text can be a title.
func (e *yearEvidence) line(text string, free bool) {
	if free && utf8.RuneCountInString(text) <= 40 && titleWord.MatchString(text) {
		e.titles.add(anyYear, text)
		return
	}
	e.text.add(thisYear, text)
}

func (v *yearVotes) add(form *regexp.Regexp, text string) {
	for _, m := range form.FindAllStringSubmatch(text, -1) {
		year, err := strconv.Atoi(m[1])
		if err != nil {
			continue
		}
		if *v == nil {
			*v = yearVotes{}
		}
		(*v)[year]++
	}
}

// winner returns the year that more than half of the mentions name, or 0.
func (v yearVotes) winner() int {
	total, best := 0, 0
	for year, n := range v {
		total += n
		if n > v[best] {
			best = year
		}
	}
	if 2*v[best] > total {
		return best
	}
	return 0
}

// enoughDeadlines is how many deadlines may contradict what a title says. A
// few are a problem in the data, to be flagged; many mean a wrong title.
const enoughDeadlines = 3

// fiscalYear returns the year that the user stated, or else the document's.
func (d *document) fiscalYear(file string, stated int) (int, error) {
	if stated != 0 {
		return stated, nil
	}
	d.countDeadlines()
	unknown := func(found string) (int, error) {
		return 0, &Error{
			File: file, Code: ErrFiscalYearUnknown, Field: "预算年度", Value: found,
			Expected: "文件写明一个年度，如“2025年度”；或者用 --year 指定",
		}
	}
	titles, text, deadlines := d.years.titles.winner(), d.years.text.winner(), d.years.deadline.winner()
	switch {
	case len(d.years.titles) > 0 && titles == 0:
		return unknown("标题中的年度不一致")
	case titles != 0 && text != 0 && titles != text:
		return unknown(strconv.Itoa(titles) + "、" + strconv.Itoa(text))
	}
	year := titles
	if year == 0 {
		year = text
	}
	switch {
	case year == 0 && deadlines == 0:
		return unknown("")
	case year == 0:
		return deadlines, nil
	case deadlines != 0 && deadlines != year && d.years.deadline[deadlines] >= enoughDeadlines:
		return unknown(strconv.Itoa(year) + "，而多数时限在 " + strconv.Itoa(deadlines))
	}
	return year, nil
}

// countDeadlines weighs the years in plan headings and time-effect values.
func (d *document) countDeadlines() {
	for _, u := range d.units {
		for _, p := range u.projects {
			for _, c := range p.plan {
				d.years.deadline.add(anyYear, c.label)
			}
			for _, i := range p.indicators {
				if isTimeEffect(i) {
					if m := anyDateYear.FindStringSubmatch(i.ValueText); m != nil {
						d.years.deadline.add(anyDateYear, m[0])
					}
				}
			}
		}
	}
}

var anyDateYear = regexp.MustCompile(`(20\d{2})\s*[年./-]`)
