package notifier

import (
	"errors"
	"regexp"
	"strings"
	"unicode"
)

// ErrMobile means that a text is no mainland mobile number. It does not repeat
// the text, which may be a number with one digit too many.
var ErrMobile = errors.New("不是有效的手机号码")

var mainland = regexp.MustCompile(`^1[3-9][0-9]{9}$`)

// ParseMobile reads a mainland mobile number as people write it, and returns
// its eleven digits: spaces, hyphens, full-width digits and the country code
// in any form (+86, 0086, 86) are fine.
func ParseMobile(s string) (string, error) {
	digits := strings.Map(plainDigit, s)
	for _, code := range []string{"+86", "0086", "86"} {
		if rest, ok := strings.CutPrefix(digits, code); ok {
			digits = rest
			break
		}
	}
	if !mainland.MatchString(digits) {
		return "", ErrMobile
	}
	return digits, nil
}

// plainDigit folds full-width characters and drops what separates digits,
// among it the invisible marks that a number copied from an address book or a
// chat brings along.
func plainDigit(r rune) rune {
	if r >= '！' && r <= '～' {
		r -= '！' - '!'
	}
	switch {
	case unicode.IsSpace(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Pd, r), r == '(', r == ')', r == '.':
		return -1
	}
	return r
}

// Mask makes a number fit for a log: 138****8000.
func Mask(mobile string) string {
	if digits, err := ParseMobile(mobile); err == nil {
		mobile = digits
	}
	r := []rune(mobile)
	if len(r) < 8 {
		return "****"
	}
	return string(r[:3]) + "****" + string(r[len(r)-4:])
}
