package importer

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

// TimeEffect is what a time-effect indicator (时效指标) demands: a day, a
// recurrence, or neither when its value is a plain quantity such as <24小时.
type TimeEffect struct {
	DueOn      calendar.Date // "…15日前" includes the 15th
	Recurrence models.Recurrence
}

// ErrNeedsDate means that a person must say which day a text stands for.
var ErrNeedsDate = errors.New("需要人工确定日期")

// ParseTimeEffect reads the value of a time-effect indicator. Dates without a
// year are dates of the fiscal year; the result may lie outside it. Text that
// names no single day is ErrNeedsDate, never a guess.
func ParseTimeEffect(text string, fiscalYear int) (TimeEffect, error) {
	needsDate := fmt.Errorf("时效 %q：%w", text, ErrNeedsDate)
	if len(text) > maxValueBytes {
		return TimeEffect{}, needsDate
	}
	t := money.Clean(text)
	dates, err := mentions(t, fiscalYear)
	if err != nil {
		return TimeEffect{}, needsDate
	}
	if m := recurring.FindStringSubmatchIndex(t); m != nil {
		r, ok := recurrenceOf(t[m[0]:m[1]], t[:m[0]]+t[m[1]:])
		if !ok || len(dates) > 0 {
			return TimeEffect{}, needsDate
		}
		return TimeEffect{Recurrence: r}, nil
	}
	if due, ok := deadline(t, dates); ok {
		return TimeEffect{DueOn: due}, nil
	}
	if len(dates) == 0 && isQuantity(text) {
		return TimeEffect{}, nil
	}
	return TimeEffect{}, needsDate
}

// deadline returns the one day that the text names. A bare month or quarter is
// over at its end, but "6月前" and "6月初" name a day within or before it.
func deadline(t string, dates []mention) (calendar.Date, bool) {
	if len(dates) == 2 && isRange(t[dates[0].end:dates[1].start]) {
		dates = dates[1:]
	}
	if len(dates) != 1 {
		return calendar.Date{}, false
	}
	after := t[dates[0].end:]
	if opensPeriod.MatchString(after) || dates[0].vague && notItsEnd.MatchString(after) {
		return calendar.Date{}, false
	}
	return dates[0].date, true
}

var (
	// opensPeriod is what makes a date the beginning of something.
	opensPeriod = regexp.MustCompile(`^(起|后|以后|之后|开始|开工|启动)`)
	// notItsEnd is what makes a month or a quarter mean another day.
	notItsEnd = regexp.MustCompile(`^(前|之前|以前|初|上旬|中旬|中)`)
	recurring = regexp.MustCompile(`(每个?|按|逐)(月|季)度?`)
	monthDay  = regexp.MustCompile(`(\d+)[日号]`)
)

// recurrenceOf reads 每月10日前, 按月发放, 每季度末: what recurs, and the other
// words of the text.
func recurrenceOf(period, rest string) (models.Recurrence, bool) {
	if recurring.MatchString(rest) || strings.ContainsAny(rest, "初旬首二两三四五六七八九十") ||
		strings.Contains(rest, "次月") || strings.Contains(rest, "工作日") {
		return models.NoRecurrence, false
	}
	monthly := strings.Contains(period, "月")
	if days := monthDay.FindAllStringSubmatch(rest, -1); len(days) == 1 && monthly {
		day, err := strconv.Atoi(days[0][1])
		others := strings.Replace(rest, days[0][0], "", 1)
		if err != nil || day < 1 || day > 31 || strings.ContainsAny(others, "0123456789") {
			return models.NoRecurrence, false
		}
		return models.MonthlyOn(day), true
	}
	atEnd := strings.ContainsAny(rest, "底末")
	if strings.ContainsAny(rest, "0123456789") || strings.Contains(rest, "前") && !atEnd {
		return models.NoRecurrence, false
	}
	if monthly {
		return models.MonthlyEnd, true
	}
	return models.QuarterlyEnd, true
}

// anchored is the end of a quantity that counts from, or up to, some day: 30日内
// needs a beginning, 10日前 a month.
var anchored = regexp.MustCompile(`^(日|号|月|年)|(内|前|后|底|末|初|止)$`)

// isQuantity reports whether the text is a plain number that means no day.
func isQuantity(text string) bool {
	v, ok := ParseValue(text)
	return ok && !anchored.MatchString(v.Unit)
}
