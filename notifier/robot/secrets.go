package robot

import (
	"net/url"
	"path"
	"regexp"
	"strings"
	"unicode"
)

// secrets are what no error may tell.
type secrets struct{ replace *strings.Replacer }

// minSecret keeps short values, such as a version, from being blotted out of
// every word.
const minSecret = 6

// newSecrets collects the webhook, what identifies the robot in it, and the
// signing secret.
func newSecrets(u *url.URL, secret string) *secrets {
	// The longest first: a replacer takes the first that matches.
	values := []string{u.String(), u.RawQuery}
	for _, v := range u.Query() {
		values = append(values, v...)
	}
	values = append(values, path.Base(u.Path), secret)
	var pairs []string
	for _, v := range values {
		if len(v) >= minSecret {
			pairs = append(pairs, v, "[secret]")
		}
	}
	return &secrets{strings.NewReplacer(pairs...)}
}

// maxDetail bounds the detail of an error, in characters.
const maxDetail = 200

// personal is how people are reached: mobile numbers and e-mail addresses.
var personal = regexp.MustCompile(`\d{11,}|[^\s<>:,;"'()\[\]]+@[^\s<>:,;"'()\[\]]+`)

// hidden makes a platform's words fit to be stored: one line, bounded, and
// without secrets and people.
func (s *secrets) hidden(words string) string {
	words = personal.ReplaceAllString(s.replace.Replace(words), "[hidden]")
	words = strings.Join(strings.FieldsFunc(words, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	if r := []rune(words); len(r) > maxDetail {
		words = string(r[:maxDetail]) + "…"
	}
	return strings.ToValidUTF8(words, "�")
}
