package api

import (
	"errors"
	"strings"

	"duban/models"
	"duban/notifier"
)

// advices are what to do about failures, by how their codes look. The first
// that is right counts.
var advices = []struct{ contains, key string }{
	{"cmpp_not_authentic", "advice.cmpp_trust"},
	{"signaturedoesnotmatch", "advice.credentials"},
	{"accesskey", "advice.credentials"},
	{"template", "advice.template"},
	{"value_missing", "advice.template"},
	{"render", "advice.template"},
	{"sign", "advice.template"},
	{"amount_not_enough", "advice.balance"},
	{"balance", "advice.balance"},
	{"out_of_service", "advice.balance"},
	{"mobile", "advice.mobile"},
	{"address", "advice.address"},
	{"recipient", "advice.address"},
	{"smtp_rcpt", "advice.address"},
	{"certificate", "advice.certificate"},
	{"forbidden", "advice.forbidden"},
	{"auth", "advice.credentials"},
	{"http_401", "advice.credentials"},
	{"http_403", "advice.credentials"},
	{"kannel_refused", "advice.credentials"},
	{"cmpp_connect", "advice.credentials"},
	{"cmpp_login", "advice.credentials"},
	{"file_write", "advice.disk"},
	{"unreachable", "advice.network"},
	{"timeout", "advice.network"},
	{"connection_lost", "advice.network"},
	{"unsent", "advice.network"},
	{"rate_limited", "advice.limit"},
	{"limit", "advice.limit"},
	{"http_429", "advice.limit"},
	{"http_404", "advice.endpoint"},
	{"http_405", "advice.endpoint"},
}

// Advice says in plain words what somebody can do about a message that was not
// sent.
func Advice(language models.Language, err error) string {
	failure, ok := errors.AsType[*notifier.SendError](err)
	if !ok {
		return say(language, "advice.unknown")
	}
	for _, a := range advices {
		if strings.Contains(strings.ToLower(failure.Code), a.contains) {
			return say(language, a.key)
		}
	}
	return say(language, "advice."+failure.Class.String())
}
