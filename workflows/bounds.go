package workflows

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"duban/models/calendar"
	"duban/models/money"
)

// less and more say on which side of a bound a value must not be.
func (f Field) less() string {
	switch f.Type {
	case FieldDate:
		return "不得早于 "
	case FieldText:
		return "不得少于 "
	default:
		return "不得小于 "
	}
}

func (f Field) more() string {
	switch f.Type {
	case FieldDate:
		return "不得晚于 "
	case FieldText:
		return "不得超过 "
	default:
		return "不得大于 "
	}
}

func (f Field) bound(s string, today calendar.Date) string {
	if f.Type == FieldDate && s == boundToday {
		return today.String()
	}
	return s
}

// boundToday as the lower bound of a date is the day of the action.
const boundToday = "today"

// compare compares a stored value with a bound; a text by its length.
func (f Field) compare(stored, bound string) int {
	switch f.Type {
	case FieldText:
		limit, _ := strconv.Atoi(bound) // validated with the definition
		return utf8.RuneCountInString(stored) - limit
	case FieldNumber, FieldMoney:
		a, _ := decimal.NewFromString(stored)
		b, _ := decimal.NewFromString(bound)
		return a.Cmp(b)
	default:
		return strings.Compare(stored, bound) // dates sort as text
	}
}

// show writes a bound for people.
func (f Field) show(bound string) string {
	switch {
	case f.Type == FieldText:
		return bound + " 个字"
	case f.Type == FieldMoney:
		n, _ := strconv.ParseInt(bound, 10, 64)
		return money.Fen(n).String() + " 元"
	case bound == boundToday:
		return "当天"
	}
	return bound
}

// compute sets the computed fields, and says which are out of their bounds.
func (d Definition) compute(form Form) []FieldProblem {
	var bad []FieldProblem
	for _, f := range d.Form {
		if !f.Computed() {
			continue
		}
		delete(form, f.Name)
		sum, ok := d.sum(f, form)
		if !ok {
			continue
		}
		form[f.Name] = sum
		if _, fits := f.canonical(sum); !fits {
			bad = append(bad, FieldProblem{f.Name, f.Label.Chinese + "：合计过大，无法保存"})
		} else if _, problem := f.read(sum, calendar.Date{}); problem != "" {
			bad = append(bad, FieldProblem{f.Name, f.Label.Chinese + "：" + problem})
		}
	}
	return bad
}

// sum adds up what stands in the column of a computed field. A table that is
// blank has no sum: blank is not zero.
func (d Definition) sum(f Field, form Form) (string, bool) {
	table, column, _ := d.summed(f)
	rows := table.Rows(form[table.Name])
	total := decimal.Zero
	for _, row := range rows {
		if n, err := decimal.NewFromString(table.Cell(row, column.Name)); err == nil { // "" is blank, and nothing else fails
			total = total.Add(n)
		}
	}
	return total.String(), len(rows) > 0
}
