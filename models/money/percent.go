package money

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/shopspring/decimal"
)

// Percent is an exact percentage in units of 0.0001 %, so 50 % is 500000. No
// published plan states more than four decimals; one that does is refused.
type Percent int64

// percentScale is the number of Percent units in one per cent.
const percentScale = 10_000

// Whole is 100 %.
const Whole Percent = 100 * percentScale

// PercentOf returns n % as a Percent.
func PercentOf(n int64) Percent { return Percent(n * percentScale) }

// ParsePercent reads "50%", "50", "100 %", "82.5％". The sign may be missing
// because many templates put it into the heading. It returns ErrNotNumber,
// ErrInexact (more than four decimals) or ErrRange.
func ParsePercent(s string) (Percent, error) {
	d, err := parseDecimal(strings.TrimSuffix(Clean(s), "%"))
	if err != nil {
		return 0, fmt.Errorf("百分比 %q：%w", s, err)
	}
	v, err := scaled(d, percentScale)
	if err != nil {
		return 0, fmt.Errorf("百分比 %q：%w", s, err)
	}
	return Percent(v), nil
}

// String returns the percentage without needless zeros, as "82.5%".
func (p Percent) String() string {
	return decimal.New(int64(p), -4).String() + "%"
}

// Of returns the part of amount that p makes, rounded half away from zero to
// the 分. Use Share to decide whether a target is reached: it does not round.
func (p Percent) Of(amount Fen) Fen {
	n := new(big.Int).Mul(big.NewInt(int64(p)), big.NewInt(int64(amount)))
	half := big.NewInt(int64(Whole) / 2)
	if n.Sign() < 0 {
		half.Neg(half)
	}
	return Fen(n.Add(n, half).Quo(n, big.NewInt(int64(Whole))).Int64())
}

// Share is an executed share (支出进度): what has been paid of a budget. It is
// kept as the two amounts so that comparisons are exact.
type Share struct {
	Paid   Fen
	Budget Fen
}

// Defined reports whether there is a share at all: a budget of zero has none.
func (s Share) Defined() bool { return s.Budget > 0 }

// Reaches reports whether the share is at least p, exactly. Without a budget
// nothing is required, so every target is reached.
func (s Share) Reaches(p Percent) bool {
	if !s.Defined() {
		return true
	}
	return s.cmp(p) >= 0
}

// Behind reports whether the share lies more than tolerance percentage points
// (百分点) below plan, exactly.
func (s Share) Behind(plan, tolerance Percent) bool {
	return s.Defined() && s.cmp(plan-tolerance) < 0
}

// cmp compares Paid/Budget with p/Whole by cross-multiplication.
func (s Share) cmp(p Percent) int {
	paid := new(big.Int).Mul(big.NewInt(int64(s.Paid)), big.NewInt(int64(Whole)))
	want := new(big.Int).Mul(big.NewInt(int64(p)), big.NewInt(int64(s.Budget)))
	return paid.Cmp(want)
}

// Percent returns the share for display, cut off (never rounded up) at 0.01 %,
// so that 99.999 % is never shown as 100 %. Without a budget it is zero.
func (s Share) Percent() Percent {
	if !s.Defined() {
		return 0
	}
	n := new(big.Int).Mul(big.NewInt(int64(s.Paid)), big.NewInt(int64(Whole/100)))
	return Percent(n.Quo(n, big.NewInt(int64(s.Budget))).Int64() * 100)
}

// Missing returns what must still be paid to reach p, rounded up to the 分, so
// that paying it is enough; it is negative if more than that is paid.
func (s Share) Missing(p Percent) Fen {
	want := p.Of(s.Budget)
	if !(Share{Paid: want, Budget: s.Budget}).Reaches(p) {
		want++
	}
	return want - s.Paid
}
