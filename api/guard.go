package api

import (
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/gin-gonic/gin"

	"duban/models"
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
			s.Logger.ErrorContext(c.Request.Context(), "panic", "request", id, "path", c.Request.URL.Path, "cause", cause)
			if !c.Writer.Written() {
				s.fail(c, errInternal)
			}
			c.Abort()
		}
		s.Logger.DebugContext(c.Request.Context(), "request", "request", id, "method", c.Request.Method,
			"path", c.Request.URL.Path, "status", c.Writer.Status(), "took", s.Clock.Since(began))
	}()
	c.Next()
}

// protect sets the headers and refuses foreign host names.
func (s *server) protect(c *gin.Context) {
	for name, value := range headers {
		c.Header(name, value)
	}
	if !s.AllowRemote && !s.ownHost(c.Request.Host) {
		s.fail(c, errHost)
		c.Abort()
	}
}

// ownHost reports whether the console is meant to be called by that name.
func (s *server) ownHost(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	if strings.EqualFold(host, "localhost") || s.host != "" && strings.EqualFold(host, s.host) {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// pageError is an error that a page explains: a status, and a text of the
// catalogue with its arguments.
type pageError struct {
	status int
	text   string
	args   []any
}

func (e *pageError) Error() string { return e.text }

var (
	errNoPage   = &pageError{status: http.StatusNotFound, text: "error.no_page"}
	errMethod   = &pageError{status: http.StatusMethodNotAllowed, text: "error.method"}
	errHost     = &pageError{status: http.StatusMisdirectedRequest, text: "error.host"}
	errInternal = &pageError{status: http.StatusInternalServerError, text: "error.internal"}
)

// explain returns the error as a page tells it. What happened inside is logged
// and not told.
func (s *server) explain(c *gin.Context, err error) *pageError {
	var told *pageError
	switch {
	case errors.As(err, &told):
		return told
	case errors.Is(err, models.ErrNotFound):
		return &pageError{status: http.StatusNotFound, text: "error.no_record"}
	}
	s.Logger.ErrorContext(c.Request.Context(), "page failed",
		"request", c.GetString(requestID), "path", c.Request.URL.Path, "error", err)
	return errInternal
}

// failure is the data of the error page.
type failure struct {
	Status  int
	Text    string
	Request string // the id in the log, for errors that the log explains
}

// fail answers with the error page.
func (s *server) fail(c *gin.Context, err error) {
	language, langErr := s.language(c)
	if langErr != nil {
		language = s.Language
	}
	told := s.explain(c, err)
	f := failure{Status: told.status, Text: say(language, told.text, told.args...)}
	if told == errInternal {
		f.Request = c.GetString(requestID)
	}
	s.render(c, told.status, language, "error", f)
}
