package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"duban/models"
)

// feedsData is the page of calendar feeds (日历订阅).
type feedsData struct {
	Tabs  []tab
	Feeds []feedView
	Units []models.Unit // whose duties the person may subscribe to
	New   *feedAddress  // of the feed that was made just now, shown once
	Flaws []flaw
}

// feedView is a feed as its owner sees it.
type feedView struct {
	models.FeedRow
	Over bool // of a unit whose duties the person may not see any more
}

// feedAddress is where a feed can be read.
type feedAddress struct {
	Web      string
	Calendar template.URL // opens a calendar program
}

func (s *server) feeds(ctx context.Context, r *request) (any, error) { return s.feedsPage(ctx, r) }

func (s *server) feedsPage(ctx context.Context, r *request) (feedsData, error) {
	data := feedsData{Tabs: ownTabs(r.person)}
	units, err := s.Store.Units(ctx)
	if err != nil {
		return data, err
	}
	for _, u := range units {
		if mayFollow(r.person, u.ID) {
			data.Units = append(data.Units, u)
		}
	}
	feeds, err := s.Store.FeedsOf(ctx, r.person.ID)
	for _, f := range feeds {
		data.Feeds = append(data.Feeds, feedView{f, f.UnitID != 0 && !mayFollow(r.person, f.UnitID)})
	}
	return data, err
}

// addFeed makes a feed and shows its address, which nobody can see again.
func (s *server) addFeed(c *gin.Context, r *request) error {
	ctx := c.Request.Context()
	e, err := readEntry(c)
	if err != nil {
		return err
	}
	unit := e.number("unit")
	if unit != 0 {
		if !mayFollow(r.person, unit) {
			return errNotYours
		}
		if _, err := s.unit(ctx, unit); err != nil {
			return err
		}
	}
	var token string
	err = s.Store.Tx(ctx, r.person.Account, func(tx *models.Tx) (err error) {
		token, err = tx.AddFeed(r.person.ID, unit)
		return err
	})
	full := errors.Is(err, models.ErrTooManyFeeds)
	if err != nil && !full {
		return err
	}
	data, err := s.feedsPage(ctx, r)
	if err != nil {
		return err
	}
	if full {
		data.Flaws = []flaw{{Text: say(r.language, "error.too_many_feeds", models.MaxFeeds)}}
		s.render(c, http.StatusUnprocessableEntity, r.language, "feeds", data)
		return nil
	}
	data.New = s.feedAddress(c, token)
	s.render(c, http.StatusOK, r.language, "feeds", data)
	return nil
}

// feedAddress returns where the feed with a token can be read.
func (s *server) feedAddress(c *gin.Context, token string) *feedAddress {
	path := feedsPrefix + token + feedSuffix
	web := s.absolute(path)
	if web == "" { // people reach the console on this machine only
		web = "http://" + c.Request.Host + path
	}
	_, rest, _ := strings.Cut(web, "://")
	return &feedAddress{web, template.URL("webcal://" + rest)} //nolint:gosec // our own address, configured or asked for
}

// revokeFeed makes a feed worthless.
func (s *server) revokeFeed(c *gin.Context, r *request) error {
	err := s.Store.Tx(c.Request.Context(), r.person.Account, func(tx *models.Tx) error { return tx.RevokeFeed(r.id, r.person.ID) })
	if err == nil {
		s.redirect(c, "/feeds")
	}
	return err
}

// feedsPrefix begins the addresses of calendars, each a secret of its person.
const feedsPrefix = "/feeds/"

// feedSuffix ends a feed's address, by which some programs tell what it is.
const feedSuffix = ".ics"

// calendarFeed answers a calendar program, which has no session: the token in
// the address is its proof. When it was read last is recorded, the one thing
// that a GET changes, so that its owner can see which feeds are still in use;
// nobody decides anything by it.
func (s *server) calendarFeed(c *gin.Context, r *request) error {
	ctx := c.Request.Context()
	token, ok := strings.CutSuffix(c.Param("token"), feedSuffix)
	if !ok {
		return errNoPage
	}
	f, owner, ok, err := s.Store.FeedByToken(ctx, token)
	switch {
	case err != nil:
		return err
	case !ok:
		return errNoPage
	}
	body, err := s.feedCalendar(ctx, r, f, owner)
	if err != nil {
		return err
	}
	if err := s.Store.FeedUsed(ctx, f); err != nil { // the calendar is right all the same
		s.Logger.WarnContext(ctx, "record the use of a calendar feed", "feed", f.ID, "error", err)
	}
	c.Header("Content-Type", "text/calendar; charset=utf-8")
	c.Header("Cache-Control", "private, max-age=900")
	c.Header("ETag", fmt.Sprintf(`"%.16x"`, sha256.Sum256(body)))
	http.ServeContent(c.Writer, c.Request, "", time.Time{}, bytes.NewReader(body))
	return nil
}
