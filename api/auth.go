package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"duban/models"
)

// The cookies: a session, and a login that waits for its code.
const (
	sessionCookie = "duban_session"
	loginCookie   = "duban_login"
)

// personKey is the key under which a request's person is kept.
const personKey = "person"

// errStranger is returned where only a known person may go on. A page is asked
// for again after the login; what a form carried is still in the browser.
var errStranger = &pageError{status: http.StatusUnauthorized, text: "error.stranger", ways: []way{{"/login", "login"}}}

// person returns whose session the request belongs to, the zero user for a
// stranger. It asks the database once.
func (s *server) person(c *gin.Context) (models.User, error) {
	if known, ok := c.Get(personKey); ok {
		return known.(models.User), nil //nolint:forcetypeassert // nothing else is kept there
	}
	var person models.User
	if secret, err := c.Cookie(sessionCookie); err == nil && s.workflows() {
		u, ok, err := s.Store.SessionUser(c.Request.Context(), secret)
		if err != nil {
			return person, err
		}
		if ok {
			person = u
		}
	}
	c.Set(personKey, person)
	return person, nil
}

// readers lets those read who sit at this machine, and from elsewhere only
// those who have logged in.
func (s *server) readers(c *gin.Context) {
	if !s.workflows() || s.local(c.Request) {
		return
	}
	person, err := s.person(c)
	if err == nil && person.ID == 0 {
		err = errStranger
	}
	if err != nil {
		s.fail(c, err)
		c.Abort()
	}
}

// local reports whether a request comes from this machine, and not through a
// proxy that stands on it. Where people reach the console by another name, it
// may always be a proxy, whatever headers it sets.
func (s *server) local(r *http.Request) bool {
	if s.host != "" && !loopback(s.host) {
		return false
	}
	for _, header := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "Via"} {
		if r.Header.Get(header) != "" {
			return false
		}
	}
	return loopback(r.Host) && loopback(r.RemoteAddr)
}

// known refuses strangers before a handler runs.
func known(h handler) handler {
	return func(c *gin.Context, r *request) error {
		if r.person.ID == 0 {
			return errStranger
		}
		return h(c, r)
	}
}

// personal is known for pages.
func personal(load loader) loader {
	return func(ctx context.Context, r *request) (any, error) {
		if r.person.ID == 0 {
			return nil, errStranger
		}
		return load(ctx, r)
	}
}

// setCookie sets a cookie that scripts cannot read and other websites cannot
// send with a POST. A blank value takes it away.
func (s *server) setCookie(c *gin.Context, name, value string, life time.Duration) {
	age := int(life.Seconds())
	if value == "" {
		age = -1
	}
	http.SetCookie(c.Writer, &http.Cookie{ //nolint:gosec // Secure wherever people come by https
		Name: name, Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(s.BaseURL, "https://"),
	})
}

// letIn gives the browser a session that was started, for this answer too.
func (s *server) letIn(c *gin.Context, person models.User, secret string) {
	s.setCookie(c, sessionCookie, secret, models.SessionLife)
	c.Set(personKey, person)
}

// localPath returns where to go after a login: a page of ours, and never
// another website, however the address is written. Browsers take a backslash
// for a slash and drop tabs and newlines.
func localPath(path string) string {
	const home = "/tasks"
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsFunc(path, strange) {
		return home
	}
	if u, err := url.Parse(path); err != nil || u.Host != "" || u.Scheme != "" {
		return home
	}
	return path
}

func strange(r rune) bool { return r == '\\' || r < ' ' || r == 0x7f }
