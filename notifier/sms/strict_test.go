package sms_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/notifier/sms"
)

// The servers here verify signatures by the providers' documentation, from the
// bytes that came over the wire. They share nothing with the signers.

// now is 08:30 in Beijing.
var now = time.Date(2026, 3, 2, 0, 30, 0, 0, time.UTC)

const (
	testKey    = "AKtest"
	testSecret = "SKtest+/="
)

// call is a request that passed the checks.
type call struct {
	action string
	query  url.Values
	form   url.Values
	body   string
}

// strictServer answers requests that are signed well, and refuses others as
// the provider does.
type strictServer struct {
	*httptest.Server
	t     *testing.T
	mu    sync.Mutex
	calls []call
	// respond answers the call; the default is the zero answer of 200.
	respond func(c call) (status int, body string)
}

func startStrict(t *testing.T, verify func(r *http.Request, body string) (call, string)) *strictServer {
	t.Helper()
	s := &strictServer{t: t}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		c, wrong := verify(r, string(body))
		if wrong != "" {
			t.Errorf("bad request: %s", wrong)
			w.WriteHeader(http.StatusForbidden)
			return
		}
		s.mu.Lock()
		s.calls = append(s.calls, c)
		s.mu.Unlock()
		status, answer := s.respond(c)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *strictServer) options() sms.Options {
	return sms.Options{Endpoint: s.URL, Timeout: 5 * time.Second, Clock: clockwork.NewFakeClockAt(now)}
}

// only returns the single call so far.
func (s *strictServer) only() call {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.calls) != 1 {
		s.t.Fatalf("%d calls, want 1", len(s.calls))
	}
	return s.calls[0]
}

func sum(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }

func mac(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	_, _ = io.WriteString(h, text)
	return string(h.Sum(nil))
}

// rfc3986 encodes by hand: everything but A-Z a-z 0-9 - _ . ~
func rfc3986(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

func sortedQuery(q url.Values) string {
	var pairs []string
	for k, vs := range q {
		for _, v := range vs {
			pairs = append(pairs, rfc3986(k)+"="+rfc3986(v))
		}
	}
	sort.Strings(pairs)
	return strings.Join(pairs, "&")
}

// headerLines are the canonical headers of the list, which must be sorted.
func headerLines(r *http.Request, list string) (string, bool) {
	names := strings.Split(list, ";")
	var b strings.Builder
	for _, n := range names {
		v := r.Header.Get(n)
		if n == "host" {
			v = r.Host
		}
		fmt.Fprintf(&b, "%s:%s\n", n, strings.TrimSpace(v))
	}
	return b.String(), sort.StringsAreSorted(names)
}

var (
	acs3   = regexp.MustCompile(`^ACS3-HMAC-SHA256 Credential=(\w+),SignedHeaders=([a-z0-9;-]+),Signature=([0-9a-f]{64})$`)
	tc3    = regexp.MustCompile(`^TC3-HMAC-SHA256 Credential=(\w+)/(\d{4}-\d\d-\d\d)/sms/tc3_request, SignedHeaders=([a-z;-]+), Signature=([0-9a-f]{64})$`)
	sdkMAC = regexp.MustCompile(`^SDK-HMAC-SHA256 Access=(\w+), SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$`)
)

var nonces sync.Map

// verifyAliyun follows "V3版本请求体&签名机制".
func verifyAliyun(r *http.Request, body string) (call, string) {
	m := acs3.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil || m[1] != testKey {
		return call{}, "authorization " + r.Header.Get("Authorization")
	}
	for _, name := range []string{"host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"} {
		if !strings.Contains(";"+m[2]+";", ";"+name+";") {
			return call{}, name + " is not signed"
		}
	}
	lines, sorted := headerLines(r, m[2])
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), sortedQuery(r.URL.Query()), lines, m[2], sum(body)}, "\n")
	date, err := time.Parse(time.RFC3339, r.Header.Get("X-Acs-Date"))
	_, replayed := nonces.LoadOrStore(r.Header.Get("X-Acs-Signature-Nonce"), true)
	switch {
	case !sorted || fmt.Sprintf("%x", mac(testSecret, "ACS3-HMAC-SHA256\n"+sum(canonical))) != m[3]:
		return call{}, "signature of\n" + canonical
	case r.Header.Get("X-Acs-Content-Sha256") != sum(body):
		return call{}, "hash of the body"
	case err != nil || date.Before(now) || date.Sub(now) > 2*time.Hour:
		return call{}, "date " + r.Header.Get("X-Acs-Date")
	case replayed:
		return call{}, "nonce was used"
	case r.Header.Get("X-Acs-Version") != "2017-05-25" || r.Method != http.MethodPost:
		return call{}, "version or method"
	}
	return call{action: r.Header.Get("X-Acs-Action"), query: r.URL.Query(), body: body}, ""
}

// verifyTencent follows "签名方法 v3".
func verifyTencent(r *http.Request, body string) (call, string) {
	m := tc3.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil || m[1] != testKey || m[2] != "2026-03-02" {
		return call{}, "authorization " + r.Header.Get("Authorization")
	}
	if m[3] != "content-type;host;x-tc-action" {
		return call{}, "signed headers " + m[3]
	}
	canonical := fmt.Sprintf("%s\n/\n%s\ncontent-type:%s\nhost:%s\nx-tc-action:%s\n\n%s\n%s", r.Method, r.URL.RawQuery,
		r.Header.Get("Content-Type"), r.Host, strings.ToLower(r.Header.Get("X-TC-Action")), m[3], sum(body))
	text := fmt.Sprintf("TC3-HMAC-SHA256\n%s\n%s/sms/tc3_request\n%s", r.Header.Get("X-TC-Timestamp"), m[2], sum(canonical))
	key := mac(mac(mac("TC3"+testSecret, m[2]), "sms"), "tc3_request")
	switch {
	case fmt.Sprintf("%x", mac(key, text)) != m[4]:
		return call{}, "signature of\n" + canonical
	case r.Header.Get("X-TC-Timestamp") != "1772411400":
		return call{}, "timestamp"
	case r.Header.Get("Content-Type") != "application/json; charset=utf-8" || r.Method != http.MethodPost:
		return call{}, "content type or method"
	case r.Header.Get("X-TC-Version") != "2021-01-11" || r.Header.Get("X-TC-Region") == "":
		return call{}, "version or region"
	}
	return call{action: r.Header.Get("X-TC-Action"), body: body}, ""
}

// verifyHuawei follows "API 签名算法" of the API 签名指南.
func verifyHuawei(r *http.Request, body string) (call, string) {
	m := sdkMAC.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil || m[1] != testKey {
		return call{}, "authorization " + r.Header.Get("Authorization")
	}
	lines, sorted := headerLines(r, m[2])
	uri := r.URL.EscapedPath()
	if !strings.HasSuffix(uri, "/") {
		uri += "/"
	}
	canonical := strings.Join([]string{r.Method, uri, sortedQuery(r.URL.Query()), lines, m[2], sum(body)}, "\n")
	form, err := url.ParseQuery(body)
	switch {
	case !sorted || fmt.Sprintf("%x", mac(testSecret, "SDK-HMAC-SHA256\n"+r.Header.Get("X-Sdk-Date")+"\n"+sum(canonical))) != m[3]:
		return call{}, "signature of\n" + canonical
	case !strings.Contains(m[2], "x-sdk-date") || !strings.Contains(m[2], "host"):
		return call{}, "signed headers " + m[2]
	case r.Header.Get("X-Sdk-Date") != "20260302T003000Z":
		return call{}, "date " + r.Header.Get("X-Sdk-Date")
	case r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || err != nil:
		return call{}, "form"
	case r.Method != http.MethodPost || r.URL.Path != "/sms/batchSendSms/v1":
		return call{}, "method or path"
	}
	return call{form: form, body: body}, ""
}
