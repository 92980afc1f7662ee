package api

import (
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"duban/models"
	"duban/workflows"
)

// headers are on every response. The policy allows our stylesheet and images
// and nothing else: no script, no frame, no other site.
var headers = map[string]string{
	"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; " +
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), geolocation=(), microphone=()",
}

// requestID is the key under which observe keeps a request's id.
const requestID = "request_id"

// observe logs each request, and turns a panic into a page that says nothing
// but the id under which the log says everything.
func (s *server) observe(c *gin.Context) {
	id, began := rand.Text()[:8], s.Clock.Now()
	c.Set(requestID, id)
	defer func() {
		if cause := recover(); cause != nil {
			if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(cause) // net/http's own way to drop a connection
			}
			s.Logger.ErrorContext(c.Request.Context(), "panic", "request", id, "path", logged(c), "cause", cause)
			if !c.Writer.Written() {
				s.fail(c, errInternal)
			}
			c.Abort()
		}
		s.Logger.DebugContext(c.Request.Context(), "request", "request", id, "method", c.Request.Method,
			"path", logged(c), "status", c.Writer.Status(), "took", s.Clock.Since(began))
	}()
	c.Next()
}

// logged is the path of a request as logs may keep it: without the token of a
// link, which is a secret between its message and its person, or that of a
// provider, also if the request is one that nobody answers.
func logged(c *gin.Context) string {
	path := c.Request.URL.Path
	if c.Param("token") != "" {
		return c.FullPath()
	}
	for _, prefix := range []string{linksPrefix, receiptsPrefix, feedsPrefix} {
		if strings.HasPrefix(path, prefix) {
			return prefix + "…"
		}
	}
	return path
}

// linksPrefix begins the addresses of signed links.
const linksPrefix = "/links/"

// protect sets the headers, and refuses foreign host names and whatever
// another website makes a browser send.
func (s *server) protect(c *gin.Context) {
	for name, value := range headers {
		c.Header(name, value)
	}
	switch {
	case fromProvider(c.Request): // it says by a token who it is, and brings no cookie
	case !s.AllowRemote && !s.ownHost(c.Request.Host):
		s.fail(c, errHost)
		c.Abort()
	case s.cross.Check(c.Request) != nil:
		s.fail(c, errCrossSite)
		c.Abort()
	}
}

// ownOrigin tells our own pages from those of other websites: a POST from
// there carries a person's cookie, but not their intention.
func ownOrigin(baseURL string) *http.CrossOriginProtection {
	p := http.NewCrossOriginProtection()
	if u, err := url.Parse(baseURL); err == nil && u.Host != "" {
		_ = p.AddTrustedOrigin(u.Scheme + "://" + u.Host) // a proxy may have changed the host; a strange address trusts nobody
	}
	return p
}

// ownHost reports whether the console is meant to be called by that name.
func (s *server) ownHost(hostport string) bool {
	return loopback(hostport) || s.host != "" && strings.EqualFold(hostOf(hostport), s.host)
}

// loopback reports whether an address names this machine.
func loopback(hostport string) bool {
	host := hostOf(hostport)
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback()
}

// hostOf returns an address without its port.
func hostOf(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return strings.Trim(hostport, "[]")
	}
	return host
}

// pageError is an error that a page explains: a status, a text of the
// catalogue with its arguments, and the ways on from there.
type pageError struct {
	status int
	code   string // for programs; blank is the status's
	text   string
	args   []any
	ways   []way
}

func (e *pageError) Error() string { return e.text }

// way is a link that leads on from a failure.
type way struct{ path, text string }

var (
	errNoPage    = &pageError{status: http.StatusNotFound, text: "error.no_page"}
	errMethod    = &pageError{status: http.StatusMethodNotAllowed, text: "error.method"}
	errGetMethod = &pageError{status: http.StatusMethodNotAllowed, text: "error.get_method"}
	errHost      = &pageError{status: http.StatusMisdirectedRequest, text: "error.host"}
	errCrossSite = &pageError{status: http.StatusForbidden, text: "error.cross_site"}
	errInternal  = &pageError{status: http.StatusInternalServerError, text: "error.internal"}
)

// explain returns the error as a page tells it. What happened inside is logged
// and not told.
func (s *server) explain(c *gin.Context, language models.Language, err error) *pageError {
	var told *pageError
	if errors.As(err, &told) {
		return told
	}
	if refusal, ok := errors.AsType[*workflows.Error](err); ok {
		return refused(refusal, language)
	}
	if errors.Is(err, models.ErrNotFound) {
		return &pageError{status: http.StatusNotFound, text: "error.no_record"}
	}
	s.Logger.ErrorContext(c.Request.Context(), "page failed",
		"request", c.GetString(requestID), "path", logged(c), "error", err)
	return errInternal
}

// failure is the data of the error page.
type failure struct {
	Status  int
	Text    string
	Request string // the id in the log, for errors that the log explains
	Ways    []wayView
}

// wayView is a link on the error page.
type wayView struct{ Path, Text string }

// fail answers with the error page, or sends a stranger to log in.
func (s *server) fail(c *gin.Context, err error) {
	language, langErr := s.language(c)
	if langErr != nil {
		language = s.Language
	}
	if strings.HasPrefix(c.Request.URL.Path, apiPrefix) {
		s.failJSON(c, language, err)
		return
	}
	if errors.Is(err, errStranger) && (c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead) {
		s.redirect(c, link("/login", "", []any{"next", c.Request.URL.RequestURI()}))
		return
	}
	told := s.explain(c, language, err)
	f := failure{Status: told.status, Text: say(language, told.text, told.args...)}
	if told == errInternal {
		f.Request = c.GetString(requestID)
	}
	for _, w := range told.ways {
		f.Ways = append(f.Ways, wayView{w.path, say(language, w.text)})
	}
	s.render(c, told.status, language, "error", f)
}

// redirect leads on to another page of ours, in the same language.
func (s *server) redirect(c *gin.Context, path string) {
	if lang := c.Query("lang"); lang != "" {
		u, err := url.Parse(path)
		if err == nil && !u.Query().Has("lang") {
			query := u.Query()
			query.Set("lang", lang)
			u.RawQuery = query.Encode()
			path = u.String()
		}
	}
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, path)
}
