package importer

import (
	"fmt"
	"unicode/utf8"
)

// The longest texts that are stored, in characters. Purposes, goals and values
// have no such limit.
const (
	maxCode  = 64 // codes, accounts, voucher numbers, column headings
	maxTitle = 255
)

// measured is a text with the most characters that it may have.
type measured struct {
	field, value string
	limit        int
	line         int
}

// tooLong says what is wrong with a text that is longer than its limit, or "".
func (m measured) tooLong() string {
	if n := utf8.RuneCountInString(m.value); n > m.limit {
		return fmt.Sprintf("%s有 %d 个字，最多 %d 个", m.field, n, m.limit)
	}
	return ""
}

// fits refuses a draft with a code or a name that is too long to be stored:
// most often a cell that took in its neighbours.
func (d *Draft) fits() error {
	for _, m := range d.measured() {
		if m.tooLong() != "" {
			return &Error{
				File: d.FileName, Line: m.line, Field: m.field, Value: shorten(m.value),
				Expected: fmt.Sprintf("不超过 %d 个字", m.limit), Code: ErrTextTooLong,
			}
		}
	}
	return nil
}

func (d *Draft) measured() []measured {
	var all []measured
	for _, u := range d.Units {
		limit := maxTitle
		if u.Code == "" {
			limit = maxCode // the name stands for the code
		}
		all = append(all, measured{"预算单位编码", u.Code, maxCode, u.Line}, measured{"预算单位", u.Name, limit, u.Line})
		for _, g := range u.Goals {
			all = append(all, measured{"绩效目标标题", g.Title, maxTitle, g.SourceLine})
		}
		for _, p := range u.Projects {
			all = append(all, p.measured()...)
		}
	}
	return all
}

func (p ProjectDraft) measured() []measured {
	all := []measured{{"项目编码", p.Code, maxCode, p.SourceLine}, {"项目名称", p.Name, maxTitle, p.SourceLine}}
	for _, t := range p.Targets {
		all = append(all, measured{"资金支出计划", t.Label, maxCode, p.SourceLine})
	}
	for _, in := range p.Indicators {
		all = append(all,
			measured{"一级指标", in.Level1, maxTitle, in.SourceLine}, measured{"二级指标", in.Level2, maxTitle, in.SourceLine},
			measured{"三级指标", in.Level3, maxTitle, in.SourceLine}, measured{"指标值", in.Number, maxCode, in.SourceLine},
			measured{"指标值", in.NumberUnit, maxTitle, in.SourceLine})
	}
	return all
}

// tooLong returns the reasons for which a payment's texts cannot be stored.
func (p PaymentRow) tooLong() []string {
	return reasonsOf(measured{colVoucher, p.VoucherNo, maxCode, 0}, measured{colPayee, p.Payee, maxTitle, 0}, measured{colSummary, p.Summary, maxTitle, 0})
}

func (p PersonRow) tooLong() []string {
	return reasonsOf(measured{colAccount, p.Account, maxCode, 0}, measured{colPerson, p.Name, maxCode, 0}, measured{colEmail, p.Email, maxTitle, 0})
}

func reasonsOf(texts ...measured) []string {
	var reasons []string
	for _, m := range texts {
		if reason := m.tooLong(); reason != "" {
			reasons = append(reasons, reason)
		}
	}
	return reasons
}
