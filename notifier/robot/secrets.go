package robot

import (
	"net/url"
	"path"
	"strings"

	"duban/notifier"
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

// hidden makes a platform's words fit to be stored: without secrets, and as
// [notifier.Redacted].
func (s *secrets) hidden(words string) string { return notifier.Redacted(s.replace.Replace(words)) }
