package importer

import (
	"errors"
	"strings"
	"time"

	"duban/models/calendar"
	"duban/models/money"
)

var errNoCheckpoint = errors.New("栏目没有写明日期")

// checkpointDate returns the day by which a plan column's share is to be paid:
// 3月底, 9月30日, 一季度, 2025年6月底, 上半年, 1—6月, 全年.
func checkpointDate(heading string, year int) (calendar.Date, error) {
	text := money.Clean(heading)
	if m := remark.FindStringSubmatch(text); m != nil {
		text = m[1]
	}
	found, err := mentions(text, year)
	switch {
	case err != nil:
		return calendar.Date{}, err
	case len(found) == 1:
		return found[0].date, nil
	case len(found) == 2 && isRange(text[found[0].end:found[1].start]):
		return found[1].date, nil
	case len(found) == 0 && strings.Contains(text, "全年"):
		return calendar.EndOfMonth(year, time.December), nil
	}
	return calendar.Date{}, errNoCheckpoint
}

// maxHeadingBytes is more than any column heading that is a date takes.
const maxHeadingBytes = 60

// isCheckpoint reports whether a cell is a plan column's heading. The year
// does not matter, but must be a leap year for 2月29日.
func isCheckpoint(text string) bool {
	if text == "" || len(text) > maxHeadingBytes {
		return false
	}
	_, err := checkpointDate(text, 2024)
	return err == nil
}

// isRange reports whether the words between two dates make them one period.
func isRange(between string) bool {
	switch between {
	case "至", "到", "-", "—", "——", "–", "~", "～":
		return true
	}
	return false
}
