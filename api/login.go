package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"duban/models"
	"duban/models/money"
	"duban/notifier"
)

// loginsPerHour bounds the codes for one person; each may be guessed at five
// times.
const loginsPerHour = 6

// loginData is the page that asks who somebody is.
type loginData struct {
	Next   string
	People []models.User // in the demonstration, where anybody can be anybody
}

func (s *server) loginPage(ctx context.Context, r *request) (any, error) {
	data := loginData{Next: r.query.Get("next")}
	if !s.Demo {
		return data, nil
	}
	users, err := r.store.Users(ctx)
	for _, u := range users {
		if u.Active {
			data.People = append(data.People, u)
		}
	}
	return data, err
}

// askForCode sends a code to the person with the account. What the browser
// sees is the same whether or not there is one.
func (s *server) askForCode(c *gin.Context, r *request) error {
	e, err := readEntry(c)
	if err != nil {
		return err
	}
	token, err := s.startLogin(c, strings.TrimSpace(e.Get("account")))
	if err != nil {
		return err
	}
	s.setCookie(c, loginCookie, seal(s.LinkKey, token), models.LoginLife)
	s.redirect(c, link("/login/code", "", []any{"next", r.query.Get("next")}))
	return nil
}

// startLogin returns the token of a login that waits for its code: a new one,
// or the one that the browser has if a code was sent a moment ago. Whoever may
// have no code gets a token for nobody, which no code fits.
func (s *server) startLogin(c *gin.Context, account string) (string, error) {
	ctx, now := c.Request.Context(), s.Clock.Now()
	l := models.LoginLink(0, now)
	u, ok, err := s.Store.UserByAccount(ctx, account)
	if err != nil {
		return "", err
	}
	if !ok || !u.Active {
		return s.LinkKey.Token(l), nil
	}
	l.UserID = u.ID
	sent, err := s.sendCode(ctx, u, l)
	if err != nil {
		return "", err
	}
	if sent {
		return s.LinkKey.Token(l), nil
	}
	if token, pending, err := s.pendingLogin(c); err == nil && pending.UserID == u.ID {
		return token, nil
	}
	l.UserID = 0
	return s.LinkKey.Token(l), nil
}

// sendCode puts the code into the outbox and reports whether it did: at most
// one a minute for one person, so that a mailbox cannot be flooded, and few in
// an hour, so that codes cannot be guessed.
func (s *server) sendCode(ctx context.Context, u models.User, l models.Link) (bool, error) {
	now := s.Clock.Now()
	var recent int64
	err := s.Store.Read(ctx).Model(&models.Notification{}).
		Where("day >= ? AND template = ? AND recipient_id = ? AND created_at > ?",
			s.Store.Today().AddDays(-1), notifier.LoginCode, u.ID, now.Add(-time.Hour).UTC()).Count(&recent).Error
	if err != nil || recent >= loginsPerHour {
		return false, err
	}
	m := models.Notification{
		DedupKey: fmt.Sprintf("login|%d|%s", u.ID, now.UTC().Format("2006-01-02T15:04")),
		Day:      s.Store.Today(), Template: notifier.LoginCode, Payload: models.Reminder{Login: &models.Login{Link: l}},
		Urgency: models.Instant, State: models.NotificationPending, NextAttemptAt: now.UTC(),
	}
	s.Engine.Routing.Address(&m, u, true)
	var added int
	err = s.Store.Tx(ctx, u.Account, func(tx *models.Tx) (err error) {
		added, err = tx.Enqueue([]models.Notification{m})
		return err
	})
	if err == nil && added > 0 && s.Wake != nil {
		s.Wake()
	}
	return added > 0, err
}

// pendingLogin returns the login that waits for its code in this browser.
func (s *server) pendingLogin(c *gin.Context) (token string, l models.Link, err error) {
	sealed, err := c.Cookie(loginCookie)
	if err != nil {
		return "", l, models.ErrLinkExpired
	}
	token = unseal(s.LinkKey, sealed)
	l, err = s.LinkKey.Open(token, s.Clock.Now())
	return token, l, err
}

// codeData is the page that asks for the code of a login.
type codeData struct {
	Next    string
	Problem string
}

func (s *server) codePage(c *gin.Context, r *request) error {
	if token, _, _ := s.pendingLogin(c); token == "" { // an old one says so when its code is entered
		s.redirect(c, link("/login", "", []any{"next", r.query.Get("next")}))
		return nil
	}
	s.render(c, http.StatusOK, r.language, "login_code", codeData{Next: r.query.Get("next")})
	return nil
}

// enterCode lets the person in whose code was entered.
func (s *server) enterCode(c *gin.Context, r *request) error {
	e, err := readEntry(c)
	if err != nil {
		return err
	}
	token, l, err := s.pendingLogin(c)
	if err == nil {
		err = s.admit(c, token, l, e.code())
	}
	if errors.Is(err, models.ErrWrongCode) {
		s.render(c, http.StatusUnprocessableEntity, r.language, "login_code",
			codeData{Next: r.query.Get("next"), Problem: say(r.language, "link.wrong_code")})
		return nil
	}
	if aboutLink(err) {
		return &pageError{status: http.StatusGone, text: "error.login_over", ways: []way{{"/login", "login.again"}}}
	}
	if err != nil {
		return err
	}
	s.setCookie(c, loginCookie, "", 0)
	s.redirect(c, localPath(r.query.Get("next")))
	return nil
}

// code returns the code of a message, however it was typed.
func (e *entry) code() string { return money.Clean(e.Get("code")) }

// admit starts a session for the person of a link if the code is its own. The
// link has then done its work.
func (s *server) admit(c *gin.Context, token string, l models.Link, code string) error {
	ctx := c.Request.Context()
	if err := s.Store.CheckCode(ctx, s.LinkKey, token, code, l.ExpiresAt); err != nil {
		return err
	}
	u, err := s.active(ctx, l.UserID)
	if err != nil {
		return err
	}
	var secret string
	err = s.Store.Tx(ctx, u.Account, func(tx *models.Tx) (err error) {
		if err := tx.UseLink(token, l.ExpiresAt); err != nil {
			return err
		}
		secret, err = tx.StartSession(u.ID)
		return err
	})
	if err == nil {
		s.letIn(c, u, secret)
	}
	return err
}

// active returns a person who can come in. No code fits anybody else.
func (s *server) active(ctx context.Context, id int64) (models.User, error) {
	users, err := s.Store.UsersByID(ctx, []int64{id})
	if u := users[id]; err != nil || u.Active {
		return u, err
	}
	return models.User{}, models.ErrWrongCode
}

// enterAs lets anybody in as anybody: in the demonstration only.
func (s *server) enterAs(c *gin.Context, r *request) error {
	e, err := readEntry(c)
	if err != nil {
		return err
	}
	u, err := s.active(c.Request.Context(), e.number("user"))
	if err != nil {
		return badValue("user", e.Get("user"), "1, 2, 3, …")
	}
	var secret string
	err = s.Store.Tx(c.Request.Context(), u.Account, func(tx *models.Tx) (err error) {
		secret, err = tx.StartSession(u.ID)
		return err
	})
	if err != nil {
		return err
	}
	s.letIn(c, u, secret)
	s.redirect(c, localPath(r.query.Get("next")))
	return nil
}

// leave ends the session.
func (s *server) leave(c *gin.Context, r *request) error {
	if secret, err := c.Cookie(sessionCookie); err == nil && r.person.ID != 0 {
		if err := s.Store.EndSession(c.Request.Context(), r.person.Account, secret); err != nil {
			return err
		}
	}
	s.setCookie(c, sessionCookie, "", 0)
	s.redirect(c, "/login")
	return nil
}
