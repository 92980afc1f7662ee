package importer

import (
	"fmt"
	"strings"
)

// Problem is something odd in data that could be read (数据核查). It is a flag
// for a person; it never blocks an import and nothing is repaired.
type Problem struct {
	Code        string // one of the Flag constants
	UnitCode    string
	ProjectCode string // "" if it concerns the unit
	Field       string // the published label
	Value       string // as published
	Message     string // what is wrong and what was expected, in Chinese
	Line        int
	Sheet       string // the worksheet, in workbooks
}

// The codes of problems.
const (
	FlagPlanFalls           = "plan_falls"
	FlagPlanOver100         = "plan_over_100"
	FlagPlanNotFull         = "plan_not_full"
	FlagPlanMissing         = "plan_missing"
	FlagPercentUnreadable   = "percent_unreadable"
	FlagCheckpointRepeated  = "checkpoint_repeated"
	FlagBudgetSum           = "budget_sum"
	FlagAmountMissing       = "amount_missing"
	FlagAmountUnreadable    = "amount_unreadable"
	FlagDeadlineOutsideYear = "deadline_outside_year"
	FlagDeadlineNeedsDate   = "deadline_needs_date"
	FlagValueMissing        = "value_missing"
	FlagDuplicateCode       = "duplicate_code"
	FlagNameMismatch        = "name_mismatch"
	FlagUnitCodeMissing     = "unit_code_missing"
)

// Error says why a file cannot be read, where, and what was expected.
type Error struct {
	File     string
	Sheet    string // the worksheet, in workbooks
	Line     int    // 0 if the whole file is meant
	Field    string
	Value    string // as found, "" if nothing was
	Expected string
	Code     string // one of the Err constants
}

// The codes of errors.
const (
	ErrUnsupportedFormat    = "unsupported_format"
	ErrUnsupportedLayout    = "unsupported_layout"
	ErrTruncated            = "truncated"
	ErrTooLarge             = "too_large"
	ErrTextTooLong          = "text_too_long"
	ErrCellCount            = "cell_count"
	ErrRepeatedTable        = "repeated_table"
	ErrRepeatedDocument     = "repeated_document"
	ErrFiscalYearUnknown    = "fiscal_year_unknown"
	ErrAmountUnitMissing    = "amount_unit_missing"
	ErrProjectCodeMissing   = "project_code_missing"
	ErrCheckpointUnreadable = "checkpoint_unreadable"
	ErrHeaderMissing        = "header_missing"
)

// reasons says in Chinese what each code means.
var reasons = map[string]string{
	ErrUnsupportedFormat:    "文件格式不支持",
	ErrUnsupportedLayout:    "表格样式不支持",
	ErrTruncated:            "文件不完整",
	ErrTooLarge:             "文件超出可读取的大小",
	ErrTextTooLong:          "文字过长",
	ErrCellCount:            "一行的格数与表头不符",
	ErrRepeatedTable:        "同一张项目表出现了两次",
	ErrRepeatedDocument:     "全文内容重复了两遍",
	ErrFiscalYearUnknown:    "不能确定预算年度",
	ErrAmountUnitMissing:    "没有说明金额单位",
	ErrProjectCodeMissing:   "没有项目编码",
	ErrCheckpointUnreadable: "资金支出计划的栏目看不出日期",
	ErrHeaderMissing:        "没有找到完整的表头",
}

// Error implements error, in Chinese.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Sheet != "" {
		fmt.Fprintf(&b, " 工作表“%s”", e.Sheet)
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, " 第 %d 行", e.Line)
	}
	b.WriteString("：" + reasons[e.Code])
	if e.Field != "" {
		b.WriteString("；" + e.Field)
	}
	if e.Value != "" {
		fmt.Fprintf(&b, "“%s”", e.Value)
	}
	if e.Expected != "" {
		b.WriteString("；应为：" + e.Expected)
	}
	return b.String()
}
