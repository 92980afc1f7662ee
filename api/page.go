package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"path"
	"time"

	"github.com/gin-gonic/gin"

	"duban/models"
	"duban/models/calendar"
	"duban/notifier"
	"duban/workflows"
)

//go:embed templates static
var files embed.FS

// views are the parsed pages of one language, by name.
type views map[string]*template.Template

// partFiles are what pages share.
var partFiles = []string{"templates/layout.html", "templates/parts.html", "templates/form_parts.html", "templates/workflow_parts.html", "templates/people_parts.html"}

// pageNames are the pages, each a file beside layout.html and parts.html.
var pageNames = []string{
	"overview", "projects", "project", "obligations", "obligation", "messages", "message", "problems", "error",
	"login", "login_code", "link", "tasks", "approved", "instance", "begin", "delegations", "handover", "channels",
	"settings", "silences", "silence", "feeds", "wordings", "wording", "why", "gaps",
}

func parseViews(s *server) map[models.Language]views {
	all := map[models.Language]views{}
	for _, language := range []models.Language{models.Chinese, models.English} {
		v := views{}
		base := template.Must(template.New("layout.html").Funcs(s.functions(language)).
			ParseFS(files, partFiles...))
		for _, name := range pageNames {
			v[name] = template.Must(template.Must(base.Clone()).ParseFS(files, "templates/"+name+".html"))
		}
		all[language] = v
	}
	return all
}

// request is what a handler knows about the request that it answers.
type request struct {
	store    *models.Store
	engine   *workflows.Engine // nil where there are no workflows
	library  *notifier.Library // nil where no message is put into words
	language models.Language
	now      time.Time
	today    calendar.Date // in Shanghai
	query    url.Values
	id       int64       // of the record that the path names, 0 if it names none
	person   models.User // who asks; a stranger has the id 0
}

// request reads what every handler has to know.
func (s *server) request(c *gin.Context) (*request, error) {
	language, err := s.language(c)
	if err != nil {
		return nil, err
	}
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	person, err := s.person(c)
	now := s.Clock.Now()
	return &request{
		store: s.Store, engine: s.Engine, library: s.Library, language: language,
		now: now, today: calendar.DateOf(now), query: c.Request.URL.Query(), id: id, person: person,
	}, err
}

// handler answers a request, or returns why it did not.
type handler func(*gin.Context, *request) error

// loader reads the data of a page.
type loader func(context.Context, *request) (any, error)

// answer makes a route of a handler: its error becomes a page that explains it.
func (s *server) answer(h handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		r, err := s.request(c)
		if err == nil {
			err = h(c, r)
		}
		if err != nil {
			s.fail(c, err)
		}
	}
}

// page answers with the named page, whose data load reads.
func (s *server) page(name string, load loader) gin.HandlerFunc {
	return s.answer(func(c *gin.Context, r *request) error {
		data, err := load(c.Request.Context(), r)
		if err == nil {
			s.render(c, http.StatusOK, r.language, name, data)
		}
		return err
	})
}

// language returns the language that the request asks for.
func (s *server) language(c *gin.Context) (models.Language, error) {
	return choice(c.Request.URL.Query(), "lang", s.Language, models.Chinese, models.English)
}

// layout is what layout.html shows around a page.
type layout struct {
	Page    string
	Today   calendar.Date
	Notice  string
	Version string
	Other   string // the same page in the other language
	Style   string
	Icon    string
	Login   bool        // whether anybody can log in here
	Person  models.User // who looks, with the id 0 if that is not known
	Waiting int         // how many tasks wait for that person
	Data    any
}

// maxWaiting is how many of the tasks that wait are listed.
const maxWaiting = 100

// waiting counts a person's open tasks for the head of each page. A page is
// shown without the number rather than not at all.
func (s *server) waiting(c *gin.Context, person models.User) int {
	if person.ID == 0 {
		return 0
	}
	n, err := s.Engine.Waiting(c.Request.Context(), person.ID)
	if err != nil {
		s.Logger.WarnContext(c.Request.Context(), "count the waiting tasks", "error", err)
	}
	return n
}

// render executes a page into memory first, so that a failure half-way is an
// error page and not half a page.
func (s *server) render(c *gin.Context, status int, language models.Language, name string, data any) {
	other := models.English
	if language == models.English {
		other = models.Chinese
	}
	query := c.Request.URL.Query()
	query.Set("lang", string(other))
	if other == s.Language {
		query.Del("lang")
	}
	person, err := s.person(c)
	if err != nil { // the page has failed for the same reason, or will be asked for again
		person = models.User{}
	}
	var out bytes.Buffer
	err = s.views[language][name].Execute(&out, layout{
		Login: s.workflows(), Person: person, Waiting: s.waiting(c, person),
		Page: name, Today: calendar.DateOf(s.Clock.Now()), Notice: s.Notice, Version: s.Version,
		Other: (&url.URL{Path: c.Request.URL.Path, RawQuery: query.Encode()}).String(),
		Style: s.style.path, Icon: s.icon.path, Data: data,
	})
	if err != nil && name != "error" {
		s.fail(c, fmt.Errorf("render %s: %w", name, err))
		return
	}
	c.Header("Cache-Control", "no-store") // names and amounts, and always of today
	c.Data(status, "text/html; charset=utf-8", out.Bytes())
}

// asset is a static file under a path that changes with its content, so that
// browsers may keep it for ever.
type asset struct {
	path, contentType string
	content           []byte
}

func loadAsset(name string) asset {
	content, err := files.ReadFile("static/" + name)
	if err != nil {
		panic(err) // impossible: the file is built in
	}
	ext := path.Ext(name)
	return asset{
		path:        fmt.Sprintf("/static/%s.%.6x%s", name[:len(name)-len(ext)], sha256.Sum256(content), ext),
		contentType: mime.TypeByExtension(ext),
		content:     content,
	}
}

func (a asset) serve(c *gin.Context) {
	c.Header("Cache-Control", "public, max-age=31536000, immutable")
	c.Data(http.StatusOK, a.contentType, a.content)
}
