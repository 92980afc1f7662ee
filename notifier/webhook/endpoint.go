package webhook

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"duban/notifier"
)

// endpoint checks the receiver's address. Its errors do not repeat it, for it
// may carry a key.
func endpoint(raw string, a allowed) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	switch {
	case raw == "":
		return nil, errors.New("未设置 Webhook 地址")
	case err != nil || u.Hostname() == "" || u.User != nil:
		return nil, errors.New("webhook 地址无效")
	case u.Scheme != "https" && (u.Scheme != "http" || !notifier.IsLoopback(u.Hostname())):
		return nil, errors.New("webhook 地址应以 https:// 开头（本机除外）")
	case !a.names(u.Hostname()):
		return nil, fmt.Errorf("webhook 主机 %s 不在允许列表中", u.Hostname())
	}
	// Found here rather than at every message.
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && !a.permits(addr) {
		return nil, fmt.Errorf("webhook 地址 %s 不是公网地址，须把它的网段列入允许列表", addr)
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// maxHeader bounds the head of an answer.
const maxHeader = 64 << 10

// newClient returns a client that only goes where the list lets it: it asks
// the guard before each connection, follows no redirect, and knows no proxy,
// behind which the guard would see the proxy's address.
func newClient(resolver *net.Resolver, a allowed, roots *x509.CertPool) *http.Client {
	dialer := &net.Dialer{Resolver: resolver, Control: a.guard}
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			MaxIdleConns:           2,
			IdleConnTimeout:        15 * time.Second,
			MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
