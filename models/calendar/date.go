// Package calendar holds civil dates and the working-day calendar of the
// People's Republic: the State Council's holidays (法定节假日) and make-up
// workdays (调休), with years and local days that administrators add.
package calendar

import (
	"database/sql/driver"
	"fmt"
	"time"
	_ "time/tzdata" // a bureau's server may have no zone files
)

// Shanghai is the zone in which duban shows times and decides what day it is.
var Shanghai = mustLoad("Asia/Shanghai")

func mustLoad(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // impossible: the zone database is linked in
	}
	return loc
}

// Date is a civil date without a time or a zone. Its zero value means "no
// date" and is stored as NULL. Dates compare with ==.
type Date struct {
	year  int16
	month uint8
	day   uint8
}

// layout is how a Date is written in the database, in JSON and on screen.
const layout = time.DateOnly

// NewDate returns the given date, or an error if there is no such day.
func NewDate(year int, month time.Month, day int) (Date, error) {
	t := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	if t.Year() != year || t.Month() != month || t.Day() != day || year < 1 || year > 9999 {
		return Date{}, fmt.Errorf("没有 %d年%d月%d日 这一天", year, month, day)
	}
	return fromUTC(t), nil
}

// MustDate is NewDate for dates known to exist, such as those in tests and
// rules; it panics otherwise.
func MustDate(year int, month time.Month, day int) Date {
	d, err := NewDate(year, month, day)
	if err != nil {
		panic(err)
	}
	return d
}

// ParseDate reads a date written as 2006-01-02.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(layout, s)
	if err != nil {
		return Date{}, fmt.Errorf("日期 %q 的格式不对，应为 年-月-日，如 2025-06-30", s)
	}
	return NewDate(t.Year(), t.Month(), t.Day())
}

// DateOf returns the civil date of an instant in Shanghai.
func DateOf(t time.Time) Date { return fromUTC(t.In(Shanghai)) }

// fromUTC takes the date fields of t as they stand in its own zone.
func fromUTC(t time.Time) Date {
	y, m, d := t.Date()
	return Date{int16(y), uint8(m), uint8(d)} //nolint:gosec // a civil date's fields fit
}

// EndOfMonth returns the last day of the given month (月底).
func EndOfMonth(year int, month time.Month) Date {
	return fromUTC(time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC))
}

// Year returns the year.
func (d Date) Year() int { return int(d.year) }

// Month returns the month.
func (d Date) Month() time.Month { return time.Month(d.month) }

// Day returns the day of the month.
func (d Date) Day() int { return int(d.day) }

// IsZero reports whether d is "no date".
func (d Date) IsZero() bool { return d == Date{} }

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

func (d Date) utc() time.Time {
	return time.Date(int(d.year), time.Month(d.month), int(d.day), 0, 0, 0, 0, time.UTC)
}

// At returns the instant at which the given wall-clock time falls on d in
// Shanghai.
func (d Date) At(hour, minute int) time.Time {
	return time.Date(int(d.year), time.Month(d.month), int(d.day), hour, minute, 0, 0, Shanghai)
}

// AddDays returns the date n days later, or earlier if n is negative.
func (d Date) AddDays(n int) Date { return fromUTC(d.utc().AddDate(0, 0, n)) }

// DaysUntil returns the number of days from d to e, negative if e is earlier.
func (d Date) DaysUntil(e Date) int { return int(e.utc().Sub(d.utc()).Hours() / 24) }

// Compare returns -1, 0 or +1 as d is before, on or after e.
func (d Date) Compare(e Date) int { return d.utc().Compare(e.utc()) }

// Before reports whether d is earlier than e.
func (d Date) Before(e Date) bool { return d.Compare(e) < 0 }

// After reports whether d is later than e.
func (d Date) After(e Date) bool { return d.Compare(e) > 0 }

// String returns the date as 2025-06-30, or "" for no date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.utc().Format(layout)
}

// Chinese returns the date as 2025年6月30日.
func (d Date) Chinese() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%d年%d月%d日", d.year, d.month, d.day)
}

// MarshalText implements encoding.TextMarshaler.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. Empty text is no date.
func (d *Date) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = Date{}
		return nil
	}
	parsed, err := ParseDate(string(b))
	if err == nil {
		*d = parsed
	}
	return err
}

// Value implements driver.Valuer.
func (d Date) Value() (driver.Value, error) {
	if d.IsZero() {
		return nil, nil
	}
	return d.String(), nil
}

// Scan implements sql.Scanner. Engines differ in what they return for a DATE:
// a time, a string, or bytes.
func (d *Date) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*d = Date{}
		return nil
	case time.Time:
		*d = fromUTC(v)
		return nil
	case []byte:
		return d.Scan(string(v))
	case string:
		if len(v) > len(layout) {
			v = v[:len(layout)]
		}
		return d.UnmarshalText([]byte(v))
	}
	return fmt.Errorf("calendar: cannot scan %T into a Date", src)
}

// GormDataType tells gorm that the column is a DATE.
func (Date) GormDataType() string { return "date" }
