package importer

import (
	"strconv"
	"strings"

	"duban/models"
	"duban/models/money"
)

// amounts reads 预算数 and the two parts that make it up.
func (t *tableInterpreter) amounts(p *models.Project, fallback money.Unit) error {
	f := t.found
	stated := 0
	for _, a := range []struct {
		field field
		into  *money.Fen
	}{{f.budget, &p.Budget}, {f.fiscal, &p.Fiscal}, {f.other, &p.Other}} {
		ok, err := t.amount(a.field, fallback, a.into)
		if err != nil {
			return err
		}
		if ok {
			stated++
		}
	}
	if money.IsBlank(f.budget.value.text) {
		t.flag(max(f.budget.line, f.line), FlagAmountMissing, "预算数", f.budget.value.text, "没有写明预算数；应为一个金额")
	}
	if stated == 3 && p.Budget != p.Fiscal+p.Other {
		t.flag(f.budget.line, FlagBudgetSum, "预算数", f.budget.value.text, "预算数 "+p.Budget.String()+
			" 元应等于财政资金 "+p.Fiscal.String()+" 元与其他资金 "+p.Other.String()+" 元之和")
	}
	return nil
}

// amount reads one amount, and reports whether the table states it legibly.
func (t *tableInterpreter) amount(f field, fallback money.Unit, into *money.Fen) (bool, error) {
	if money.IsBlank(f.value.text) {
		return false, nil
	}
	unit := firstUnit(writtenUnit(f.value.text), f.unit, t.found.amountUnit, fallback)
	if unit == 0 {
		return false, &Error{
			File: t.file, Sheet: f.sheet, Line: f.line, Code: ErrAmountUnitMissing, Field: tidy(f.text),
			Value: f.value.text, Expected: "表上写明“单位：万元”或“单位：元”",
		}
	}
	amount, err := money.Parse(f.value.number(), unit)
	if err != nil || amount < 0 {
		t.flag(f.line, FlagAmountUnreadable, tidy(f.text), f.value.text, "“"+f.value.text+"”不能读作金额；应为不小于 0 的数字，精确到分")
		return false, nil //nolint:nilerr // flagged, and the rest goes on
	}
	*into = amount
	return true, nil
}

// writtenUnit returns the unit that is written behind a figure, or 0.
func writtenUnit(text string) money.Unit {
	return unitNamed(strings.TrimLeft(money.Clean(text), "0123456789.,+-¥￥"))
}

func firstUnit(units ...money.Unit) money.Unit {
	for _, u := range units {
		if u != 0 {
			return u
		}
	}
	return 0
}

func yearText(year int) string { return strconv.Itoa(year) + "年" }
