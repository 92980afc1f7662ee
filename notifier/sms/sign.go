package sms

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// The three cloud signatures have one ancestor. Each makes a canonical request
// of the parts below, hashes it, and signs the hash; they differ in the headers,
// in the path, and in the key.

func hmacSHA256(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// canonicalQuery sorts and encodes parameters by RFC 3986, where a space is
// %20. A plus sign in a value has become %2B before.
func canonicalQuery(q url.Values) string {
	return strings.ReplaceAll(q.Encode(), "+", "%20")
}

// canonicalHeaders returns the named headers, one a line, and the list of
// names. The names are in lower case; host is the request's.
func canonicalHeaders(r *http.Request, names ...string) (lines, list string) {
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		b.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	return b.String(), strings.Join(names, ";")
}

// e164 is the form of a number that Tencent and Huawei want.
func e164(mobile string) string { return "+86" + mobile }
