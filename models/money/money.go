// Package money holds duban's exact quantities: amounts in 分, percentages to
// four decimals, and the comparison of an executed share with a planned one.
//
// Nothing here is ever a float. Text is parsed to an exact decimal at the
// edge, and a value that cannot be held exactly is refused, never rounded.
package money

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/shopspring/decimal"
	"golang.org/x/text/width"
)

// Fen is an amount of money in 分 (1/100 元). It may be negative: refunds and
// corrections of a payment are.
type Fen int64

// Unit says what a figure in a published table counts: its value is the number
// of 分 in one such unit.
type Unit int64

// The units in which tables state amounts.
const (
	Yuan        Unit = 100                  // 元
	TenThousand Unit = 10_000 * Yuan        // 万元
	HundredMil  Unit = 10_000 * TenThousand // 亿元
)

// String returns the Chinese name of the unit.
func (u Unit) String() string {
	switch u {
	case Yuan:
		return "元"
	case TenThousand:
		return "万元"
	case HundredMil:
		return "亿元"
	}
	return fmt.Sprintf("%d分", int64(u))
}

// Errors that Parse and ParsePercent return, wrapped with the offending text.
var (
	// ErrNotNumber means that the text is not a plain decimal number.
	ErrNotNumber = errors.New("不是数字")
	// ErrInexact means that the value has more decimals than can be kept.
	ErrInexact = errors.New("小数位过多，无法精确保存")
	// ErrRange means that the value is too large to keep.
	ErrRange = errors.New("数值超出范围")
)

// maxMagnitude bounds every value so that sums over a whole province still fit
// into an int64: 10 万亿元 in 分.
const maxMagnitude = 1_000_000_000_000_000

// number accepts 1234.5, 1,234.50 and 12,34,567 is refused: a thousands
// separator stands before groups of exactly three digits.
var number = regexp.MustCompile(`^[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?$`)

// Clean folds the ways in which published tables write a figure into one:
// full-width digits and signs become half-width, and every kind of space,
// NBSP included, is dropped.
func Clean(s string) string {
	s = width.Fold.String(s)
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff' {
			return -1
		}
		switch r {
		case '−', '﹣':
			return '-'
		case '﹪':
			return '%'
		}
		return r
	}, s)
}

// IsBlank reports whether a cell states nothing: empty, spaces, or a dash.
// Blank is "not stated", which is neither zero nor an error.
func IsBlank(s string) bool {
	switch Clean(s) {
	case "", "-", "--", "—", "——", "–", "/", "无":
		return true
	}
	return false
}

// Parse reads an amount stated in unit, as "58.50", "1,234.5" or "５８．５０",
// and also accepts a unit written after the figure ("58.50万元"), which then
// wins over unit. It returns ErrNotNumber, ErrInexact (a fraction of a 分) or
// ErrRange.
func Parse(s string, unit Unit) (Fen, error) {
	t := Clean(s)
	for _, u := range []Unit{HundredMil, TenThousand, Yuan} {
		if rest, ok := strings.CutSuffix(t, u.String()); ok {
			t, unit = rest, u
			break
		}
	}
	d, err := parseDecimal(strings.TrimLeft(t, "¥￥"))
	if err != nil {
		return 0, fmt.Errorf("金额 %q：%w", s, err)
	}
	v, err := scaled(d, int64(unit))
	if err != nil {
		return 0, fmt.Errorf("金额 %q：%w", s, err)
	}
	return Fen(v), nil
}

// parseDecimal refuses everything but plain decimal notation, so that an
// exponent such as 1e999999999 never reaches the decimal library.
func parseDecimal(s string) (decimal.Decimal, error) {
	if len(s) > 40 || !number.MatchString(s) {
		return decimal.Decimal{}, ErrNotNumber
	}
	d, err := decimal.NewFromString(strings.ReplaceAll(s, ",", ""))
	if err != nil {
		return decimal.Decimal{}, ErrNotNumber
	}
	return d, nil
}

func scaled(d decimal.Decimal, by int64) (int64, error) {
	d = d.Mul(decimal.NewFromInt(by))
	if !d.IsInteger() {
		return 0, ErrInexact
	}
	if d.Abs().GreaterThan(decimal.NewFromInt(maxMagnitude)) {
		return 0, ErrRange
	}
	return d.IntPart(), nil
}

// String returns the amount in 元 with two decimals, as 585000.00.
func (f Fen) String() string { return decimal.New(int64(f), -2).StringFixed(2) }

// In returns the amount in the given unit, exactly: with two decimals, or as
// many more as it needs (595.2925 for 5952925 元 in 万元).
func (f Fen) In(u Unit) string {
	places := int32(len(strconv.FormatInt(int64(u), 10)) - 1) //nolint:gosec // units are powers of ten
	s := decimal.New(int64(f), -places).StringFixed(places)
	for extra := places - 2; extra > 0 && strings.HasSuffix(s, "0"); extra-- {
		s = s[:len(s)-1]
	}
	return s
}
