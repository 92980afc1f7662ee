package importer

import (
	"fmt"
	"iter"
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
	for m := range d.measured() {
		if m.tooLong() != "" {
			return &Error{
				File: d.FileName, Line: m.line, Field: m.field, Value: shorten(m.value),
				Expected: fmt.Sprintf("不超过 %d 个字", m.limit), Code: ErrTextTooLong,
			}
		}
	}
	return nil
}

// measured goes through the texts of a draft that have a limit.
func (d *Draft) measured() iter.Seq[measured] {
	return func(yield func(measured) bool) {
		for _, u := range d.Units {
			limit := maxTitle
			if u.Code == "" {
				limit = maxCode // the name stands for the code
			}
			if !yield(measured{"预算单位编码", u.Code, maxCode, u.Line}) || !yield(measured{"预算单位", u.Name, limit, u.Line}) {
				return
			}
			for _, g := range u.Goals {
				if !yield(measured{"绩效目标标题", g.Title, maxTitle, g.SourceLine}) {
					return
				}
			}
			for i := range u.Projects {
				if !u.Projects[i].measured(yield) {
					return
				}
			}
		}
	}
}

func (p *ProjectDraft) measured(yield func(measured) bool) bool {
	if !yield(measured{"项目编码", p.Code, maxCode, p.SourceLine}) || !yield(measured{"项目名称", p.Name, maxTitle, p.SourceLine}) {
		return false
	}
	for _, t := range p.Targets {
		if !yield(measured{"资金支出计划", t.Label, maxCode, p.SourceLine}) {
			return false
		}
	}
	for i := range p.Indicators {
		in := &p.Indicators[i]
		for _, m := range [...]measured{
			{"一级指标", in.Level1, maxTitle, in.SourceLine},
			{"二级指标", in.Level2, maxTitle, in.SourceLine},
			{"三级指标", in.Level3, maxTitle, in.SourceLine},
			{"指标值", in.Number, maxCode, in.SourceLine},
			{"指标值", in.NumberUnit, maxTitle, in.SourceLine},
		} {
			if !yield(m) {
				return false
			}
		}
	}
	return true
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
