package importer

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"duban/models/calendar"
	"duban/models/money"
)

// PaymentSheet is what one list of payments (支出明细) says.
type PaymentSheet struct {
	FileName string
	SHA256   string // of the bytes, hexadecimal
	Header   []string
	Rows     []PaymentRow
	Rejected []Rejected
	AsOf     calendar.Date // up to which the file says it is complete (截至…), or zero
}

// PaymentRow is one payment. At least one of code and name is stated.
type PaymentRow struct {
	Line        int
	Cells       []string // as found
	FiscalYear  int      // as stated, else the option's, else the payment date's
	ProjectCode string
	ProjectName string
	PaidOn      calendar.Date
	Amount      money.Fen // negative for a refund or a correction
	VoucherNo   string
	Payee       string
	Summary     string
}

// The columns of the lists.
const (
	colCode    = "项目编码"
	colName    = "项目名称"
	colPaidOn  = "支付日期"
	colAmount  = "支付金额"
	colVoucher = "凭证号"
	colPayee   = "收款人"
	colSummary = "摘要"
	colYear    = "年度"
)

var paymentLayout = listLayout{
	sheet:    "支出明细",
	required: [][]string{{colCode, colName}, {colPaidOn}, {colAmount}, {colVoucher}},
	columns: []listColumn{
		{colCode, []string{"项目代码", "项目编号"}, "13020025P00000000001A", "与绩效目标表上的编码相同；没有编码时填项目名称"},
		{colName, []string{"项目"}, "会议费", "供核对；与项目编码至少填一项"},
		{colPaidOn, []string{"付款日期", "日期", "记账日期", "支出日期"}, "2025-03-20", "如 2025-03-20 或 2025年3月20日"},
		{colAmount, []string{"金额", "支出金额", "付款金额", "支出数"}, "1234.50", "单位为元；以万元填写时把表头写作“支付金额（万元）”；退款为负数"},
		{colVoucher, []string{"凭证编号", "凭证字号", "记账凭证号"}, "记-0012", "同一项目内不能重复；更正另用一个凭证号"},
		{colPayee, []string{"收款单位", "收款人名称", "收款方"}, "某某会议服务有限公司", "可以不填"},
		{colSummary, []string{"用途", "摘要用途"}, "一季度会议场地费", "可以不填"},
		{colYear, []string{"预算年度"}, "2025", "预算年度；不填时为支付日期的年份"},
	},
}

// ReadPayments reads a list of payments, as a workbook or as text. A row that
// cannot be read is rejected with the reason; the others stand.
func ReadPayments(name string, data []byte, opt Options) (*PaymentSheet, error) {
	found, err := paymentLayout.read(source{name, data})
	if err != nil {
		return nil, err
	}
	sheet := &PaymentSheet{FileName: name, SHA256: fingerprint(data), Header: found.header}
	unit := money.Yuan
	for _, title := range found.titles {
		if stated, _ := statedUnit(title); stated != 0 {
			unit = stated
		}
		if asOf, ok := completeUpTo(title); ok {
			sheet.AsOf = asOf
		}
	}
	vouchers := map[[2]string]PaymentRow{}
	for _, r := range found.records {
		p, reasons := r.payment(unit, opt.FiscalYear)
		if len(reasons) == 0 {
			reasons = repeatedVoucher(vouchers, p)
		}
		if len(reasons) > 0 {
			sheet.Rejected = append(sheet.Rejected, r.reject(reasons))
			continue
		}
		sheet.Rows = append(sheet.Rows, p)
	}
	return sheet, nil
}

// payment reads one record, or says why it cannot.
func (r record) payment(unit money.Unit, year int) (PaymentRow, []string) {
	p := PaymentRow{
		Line: r.line, Cells: texts(r.row), ProjectCode: r.text(colCode), ProjectName: r.text(colName),
		VoucherNo: r.text(colVoucher), Payee: r.text(colPayee), Summary: r.text(colSummary),
	}
	reasons := p.tooLong()
	if p.ProjectCode == "" && p.ProjectName == "" {
		reasons = append(reasons, "没有项目编码，也没有项目名称")
	}
	if p.VoucherNo == "" {
		reasons = append(reasons, "没有凭证号")
	}
	var ok bool
	if p.PaidOn, ok = paymentDate(r.get(colPaidOn)); !ok {
		reasons = append(reasons, fmt.Sprintf("支付日期“%s”不能读作日期，应如 2025-03-20", r.get(colPaidOn).text))
	}
	amount := r.get(colAmount)
	unit = firstUnit(writtenUnit(amount.text), r.columns[colAmount].unit, unit)
	var err error
	if p.Amount, err = money.Parse(amount.number(), unit); err != nil {
		reasons = append(reasons, fmt.Sprintf("支付金额“%s”不能读作金额，应为精确到分的数字", amount.text))
	}
	if p.FiscalYear, ok = yearIn(r.text(colYear), year, p.PaidOn.Year()); !ok {
		reasons = append(reasons, fmt.Sprintf("年度“%s”不能读作年度，应如 2025", r.text(colYear)))
	}
	return p, reasons
}

var yearForm = regexp.MustCompile(`^(20\d{2})(年|年度)?$`)

// yearIn reads a stated year, or takes the first fallback that is one.
func yearIn(text string, fallbacks ...int) (int, bool) {
	if money.IsBlank(text) {
		for _, y := range fallbacks {
			if y != 0 {
				return y, true
			}
		}
		return 0, true
	}
	m := yearForm.FindStringSubmatch(money.Clean(text))
	if m == nil {
		return 0, false
	}
	year, err := strconv.Atoi(m[1])
	return year, err == nil
}

// repeatedVoucher notes a payment by project and voucher, and says which
// earlier row has used both.
func repeatedVoucher(seen map[[2]string]PaymentRow, p PaymentRow) []string {
	project := p.ProjectCode
	if project == "" {
		project = p.ProjectName
	}
	key := [2]string{project, p.VoucherNo}
	first, used := seen[key]
	if !used {
		seen[key] = p
		return nil
	}
	if slices.Equal(p.Cells, first.Cells) {
		return []string{fmt.Sprintf("与第 %d 行完全相同，重复", first.Line)}
	}
	return []string{fmt.Sprintf("凭证号“%s”在第 %d 行已经用于同一项目", p.VoucherNo, first.Line)}
}

var (
	writtenDate  = regexp.MustCompile(`^(20\d{2})(?:年|[./-])(\d{1,2})(?:月|[./-])(\d{1,2})日?$`)
	compactDate  = regexp.MustCompile(`^(20\d{2})(\d{2})(\d{2})$`)
	serialNumber = regexp.MustCompile(`^[3-7]\d{4}(\.\d+)?$`) // 1982 to 2119
)

// paymentDate reads a date as written, with or without a time of day, or as
// the serial number that a worksheet stores.
func paymentDate(c cell) (calendar.Date, bool) {
	candidates := []string{money.Clean(c.text)}
	if day, _, found := strings.Cut(c.text, " "); found {
		candidates = append(candidates, money.Clean(day))
	}
	for _, text := range candidates {
		for _, form := range []*regexp.Regexp{writtenDate, compactDate} {
			if m := form.FindStringSubmatch(text); m != nil {
				return dateOf(m[1], m[2], m[3])
			}
		}
	}
	for _, text := range []string{c.exact, candidates[0]} {
		if serialNumber.MatchString(text) {
			serial, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return calendar.Date{}, false
			}
			at, err := excelize.ExcelDateToTime(serial, false)
			if err != nil {
				return calendar.Date{}, false
			}
			date, err := calendar.NewDate(at.Year(), at.Month(), at.Day())
			return date, err == nil
		}
	}
	return calendar.Date{}, false
}

func dateOf(year, month, day string) (calendar.Date, bool) {
	y, _ := strconv.Atoi(year)
	m, _ := strconv.Atoi(month)
	d, _ := strconv.Atoi(day)
	date, err := calendar.NewDate(y, time.Month(m), d)
	return date, err == nil
}

// completeUpTo finds 截至2025年9月30日 in a title.
func completeUpTo(title string) (calendar.Date, bool) {
	t := money.Clean(title)
	if len(t) > 2*maxLabelBytes || !strings.Contains(t, "截至") && !strings.Contains(t, "截止") {
		return calendar.Date{}, false
	}
	found, err := mentions(t, 0)
	if err != nil || len(found) == 0 {
		return calendar.Date{}, false
	}
	last := found[len(found)-1]
	return last.date, !last.vague
}
