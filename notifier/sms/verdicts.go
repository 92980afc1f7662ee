package sms

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"duban/notifier"
)

// verdicts says what a provider's error codes mean for what is still to be
// sent. A key that ends in "*" stands for every code that begins like it; the
// longest key wins.
//
// Retry is for one number, one template or one moment, Reject for what this message says or
// whom it is for, Down for whatever meets every message: the account, its
// balance, its keys, its total quota, its signature. Unknown is
// for a provider that lost its own answer.
type verdicts map[string]notifier.Class

// of judges a code. A code that is not listed is still a refusal: the message
// was not taken, and may be tried again.
func (v verdicts) of(code string) notifier.Class {
	if class, ok := v[code]; ok {
		return class
	}
	class, length := notifier.Retry, -1
	for key, c := range v {
		prefix, open := strings.CutSuffix(key, "*")
		if open && len(prefix) > length && strings.HasPrefix(code, prefix) {
			class, length = c, len(prefix)
		}
	}
	return class
}

var safeCode = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)

// refusal is the error for a code that the provider answered with.
func (v verdicts) refusal(k Kind, code, words string) *notifier.SendError {
	class := v.of(code)
	if !safeCode.MatchString(code) {
		code = "unreadable"
	}
	return &notifier.SendError{Class: class, Code: "sms_" + string(k) + "_" + code, Detail: notifier.Redacted(words)}
}

// statusFailure judges an answer that has no code of the provider's, such as
// one from a proxy in between.
func statusFailure(k Kind, a answer) *notifier.SendError {
	e := &notifier.SendError{Class: notifier.Reject, Code: "sms_" + string(k) + "_http_" + strconv.Itoa(a.status), Detail: notifier.Redacted(string(a.body))}
	switch s := a.status; {
	case s < 300: // it says yes, but not to what
		e.Class, e.Code = notifier.Unknown, "sms_"+string(k)+"_unreadable"
	case s < 400: // not followed: the message, or its signature, would go elsewhere
		e.Class = notifier.Down
	case s == http.StatusUnauthorized, s == http.StatusForbidden, s == http.StatusNotFound,
		s == http.StatusMethodNotAllowed, s == http.StatusProxyAuthRequired, s == http.StatusTooManyRequests:
		e.Class = notifier.Down
	case s == http.StatusRequestTimeout, s == http.StatusServiceUnavailable:
		// The only ones that say that the request was not dealt with.
		e.Class = notifier.Retry
	case s >= 500:
		e.Class = notifier.Unknown
	}
	return e
}
