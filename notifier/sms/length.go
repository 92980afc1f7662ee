package sms

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"

	"duban/models/money"
)

// Parts is the length of a text as carriers count and bill it.
type Parts struct {
	Chars int // 字数, in UTF-16 units
	Parts int // 计费条数
}

// A text of up to 70 characters goes as one message. A longer one is cut into
// pieces of 67, because each then carries three characters' worth of header.
const (
	singlePart = 70
	longPart   = 67
)

// Count measures a text, its 【签名】 included. Carriers send UCS-2 even for a
// text in plain English, and bill by its units: a Chinese character, a letter
// and a space count one, an emoji two.
func Count(text string) Parts {
	p := Parts{Chars: len(utf16.Encode([]rune(text)))}
	switch {
	case p.Chars == 0:
	case p.Chars <= singlePart:
		p.Parts = 1
	default:
		p.Parts = (p.Chars + longPart - 1) / longPart
	}
	return p
}

// MilliFen is an amount in thousandths of a 分. Providers price a part down to
// 0.0325 元, which is no whole number of 分, nor of 厘.
type MilliFen int64

const milliFenPerFen = 1000

// Cost is the price of so many parts, exactly.
func Cost(parts int, pricePerPart MilliFen) MilliFen { return MilliFen(parts) * pricePerPart }

// Fen returns the amount in whole 分, rounded up: an estimate must not be
// below the bill.
func (m MilliFen) Fen() money.Fen {
	f := money.Fen(m / milliFenPerFen)
	if m%milliFenPerFen > 0 {
		f++
	}
	return f
}

// ErrPrice means that a price is not written as 0.045.
var ErrPrice = errors.New("短信单价应为不超过五位小数的元数，例如 0.045")

// price bounds the value so that no sum of costs overflows.
var price = regexp.MustCompile(`^([0-9]{1,4})(?:\.([0-9]{1,5}))?$`)

// ParsePrice reads the price of a part in 元: "0.045".
func ParsePrice(s string) (MilliFen, error) {
	m := price.FindStringSubmatch(s)
	if m == nil {
		return 0, ErrPrice
	}
	// 元 to five decimals is a whole number of MilliFen.
	n, err := strconv.ParseInt(m[1]+m[2]+strings.Repeat("0", 5-len(m[2])), 10, 64)
	if err != nil {
		return 0, ErrPrice
	}
	return MilliFen(n), nil
}
