package robot

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"duban/notifier"
)

// endpoint checks the webhook's address. A typing error must not send the
// group's messages, with the names in them, to a stranger's host.
func endpoint(raw string, p platform, allowHost string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	switch {
	case raw == "":
		return nil, fmt.Errorf("未设置%s群机器人的 Webhook 地址", p.name)
	case err != nil || u.Host == "" || u.User != nil:
		// The parser's error repeats the address.
		return nil, fmt.Errorf("%s群机器人的 Webhook 地址无效", p.name)
	case u.Scheme != "https" && (u.Scheme != "http" || !notifier.IsLoopback(u.Hostname())):
		return nil, fmt.Errorf("%s群机器人的 Webhook 地址应以 https:// 开头", p.name)
	case !slices.Contains(p.hosts, strings.ToLower(u.Host)) && (allowHost == "" || !strings.EqualFold(u.Host, allowHost)):
		return nil, fmt.Errorf("%s群机器人的 Webhook 地址应在 %s", p.name, strings.Join(p.hosts, " 或 "))
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// maxHeader bounds the head of an answer.
const maxHeader = 64 << 10

// newClient returns a client that does not follow redirects: they could lead
// the message, and the secret in the address, anywhere.
func newClient(given *http.Client) *http.Client {
	client := &http.Client{}
	if given != nil {
		*client = *given
	} else {
		client.Transport = &http.Transport{
			Proxy:             http.ProxyFromEnvironment,
			DialContext:       (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext,
			TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2: true,
			MaxIdleConns:      2,
			// Shorter than the platforms keep a connection: a message on one that
			// they are closing may have arrived or not.
			IdleConnTimeout:        15 * time.Second,
			MaxResponseHeaderBytes: maxHeader,
		}
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}
