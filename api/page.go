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

	"github.com/gin-gonic/gin"

	"duban/models"
	"duban/models/calendar"
	"duban/notifier"
)

//go:embed templates static
var files embed.FS

// views are the parsed pages of one language, by name.
type views map[string]*template.Template

// pageNames are the pages, each a file beside layout.html and parts.html.
var pageNames = []string{
	"overview", "projects", "project", "obligations", "obligation", "messages", "message", "problems", "error",
}

func parseViews(s *server) map[models.Language]views {
	all := map[models.Language]views{}
	for _, language := range []models.Language{models.Chinese, models.English} {
		v := views{}
		base := template.Must(template.New("layout.html").Funcs(s.functions(language)).
			ParseFS(files, "templates/layout.html", "templates/parts.html"))
		for _, name := range pageNames {
			v[name] = template.Must(template.Must(base.Clone()).ParseFS(files, "templates/"+name+".html"))
		}
		all[language] = v
	}
	return all
}

// request is what a page knows about the request that it answers.
type request struct {
	store     *models.Store
	templates *notifier.Templates
	today     calendar.Date
	query     url.Values
	id        int64 // of the record that the path names, 0 if it names none
}

// page returns the handler that answers with the named page. load reads the
// page's data; its error decides between 400, 404 and 500.
func (s *server) page(name string, load func(context.Context, *request) (any, error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		language, err := s.language(c)
		if err != nil {
			s.fail(c, err)
			return
		}
		id, err := pathID(c)
		if err != nil {
			s.fail(c, err)
			return
		}
		data, err := load(c.Request.Context(), &request{
			store: s.Store, templates: s.Templates,
			today: calendar.DateOf(s.Clock.Now()), query: c.Request.URL.Query(), id: id,
		})
		if err != nil {
			s.fail(c, err)
			return
		}
		s.render(c, http.StatusOK, language, name, data)
	}
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
	Data    any
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
	var out bytes.Buffer
	err := s.views[language][name].Execute(&out, layout{
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
