package importer

import (
	"context"
	"fmt"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

// HolidaySheet is what one list of holidays and make-up workdays (节假日与调休)
// says, as the State Council's yearly notice or a local one arranges them.
type HolidaySheet struct {
	FileName string
	SHA256   string // of the bytes, hexadecimal
	Header   []string
	Rows     []HolidayRow
	Rejected []Rejected
}

// HolidayRow is one special day.
type HolidayRow struct {
	Line  int
	Cells []string // as found
	calendar.Day
}

const (
	colDay     = "日期"
	colDayKind = "类型"
	colHoliday = "名称"
)

var holidayLayout = listLayout{
	sheet:    "节假日安排",
	required: [][]string{{colDay}, {colDayKind}},
	columns: []listColumn{
		{colDay, nil, "2027-01-01", "每天一行；不必列出普通的周末"},
		{colDayKind, []string{"安排"}, "放假", "放假，或上班（周末调休上班）"},
		{colHoliday, []string{"节日", "说明"}, "元旦", "可以不填"},
	},
}

// dayKinds say whether people work on a special day.
var dayKinds = map[string]bool{"放假": false, "休": false, "休息": false, "上班": true, "班": true, "调休上班": true}

// ReadHolidays reads a list of holidays and make-up workdays. A row that
// cannot be read is rejected with the reason; the others stand.
func ReadHolidays(name string, data []byte) (*HolidaySheet, error) {
	found, err := holidayLayout.read(source{name, data})
	if err != nil {
		return nil, err
	}
	sheet := &HolidaySheet{FileName: name, SHA256: fingerprint(data), Header: found.header}
	seen := map[calendar.Date]int{}
	for _, r := range found.records {
		day, reasons := r.holiday()
		if first, used := seen[day.Date]; used && !day.Date.IsZero() {
			reasons = append(reasons, fmt.Sprintf("日期 %s 在第 %d 行已经有了", day.Date, first))
		}
		if len(reasons) > 0 {
			sheet.Rejected = append(sheet.Rejected, r.reject(reasons))
			continue
		}
		seen[day.Date] = r.line
		sheet.Rows = append(sheet.Rows, HolidayRow{Line: r.line, Cells: texts(r.row), Day: day})
	}
	return sheet, nil
}

// holiday reads one record, or says why it cannot.
func (r record) holiday() (calendar.Day, []string) {
	day := calendar.Day{Name: r.text(colHoliday)}
	reasons := reasonsOf(measured{colHoliday, day.Name, maxCode, 0})
	var ok bool
	if day.Date, ok = paymentDate(r.get(colDay)); !ok {
		reasons = append(reasons, fmt.Sprintf("日期“%s”不能读作日期，应如 2027-01-01", r.get(colDay).text))
	}
	if day.Work, ok = dayKinds[money.Clean(r.text(colDayKind))]; !ok {
		reasons = append(reasons, fmt.Sprintf("类型“%s”应为放假或上班", r.text(colDayKind)))
	}
	return day, reasons
}

// ApplyHolidays adds the days of a list to the working-day calendar, or changes
// those that are there. Days that the list does not name stay as they are.
func ApplyHolidays(ctx context.Context, store *models.Store, actor string, sheet *HolidaySheet, opt ListOptions) (*ListResult, error) {
	batch := models.ImportBatch{Kind: models.ImportHolidays, FileName: sheet.FileName, SHA256: sheet.SHA256}
	return applyList(ctx, store, actor, opt, batch, sheet.Header, sheet.Rejected, func(tx *models.Tx, _ int64, res *ListResult) error {
		stored, err := tx.CalendarDays()
		if err != nil {
			return err
		}
		var changed []models.CalendarDay
		for _, row := range sheet.Rows {
			have, ok := stored[row.Date]
			differs := ok && (have.Work != row.Work || have.Name != row.Name)
			res.count(!ok, differs)
			if !ok || differs {
				changed = append(changed, models.CalendarDay{Day: row.Date, Work: row.Work, Name: row.Name, Source: actor})
			}
		}
		return tx.SaveCalendarDays(changed)
	})
}
