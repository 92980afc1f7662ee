// Package api answers what a person may see and do through a browser: routes,
// console pages, and the two probes for whoever keeps the server running.
//
// A page is three things: a handler that reads its data through the store
// (overview.go, projects.go, ...), a template of the same name, and words from
// the catalogue, which has every text in every language. Pages are plain HTML
// and one stylesheet; they need no script, so the content security policy
// allows none, and a published text that contains markup stays text.
//
// Nobody logs in yet. So pages only read, and unless Options.AllowRemote says
// that something in front of the server keeps strangers out, requests under a
// foreign host name are refused: otherwise a website that an administrator
// visits could read the console by pointing its own name at 127.0.0.1.
package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"
	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/notifier"
)

// Options are what the console needs. Store, Clock and Logger are required.
type Options struct {
	Store     *models.Store
	Clock     clockwork.Clock
	Logger    *slog.Logger
	Templates *notifier.Templates // words messages; without them no text is shown
	Language  models.Language     // of pages that name none; Chinese if ""
	Version   string
	Notice    string // a banner on every page, such as 演示模式：时钟停在 2025-06-20

	// BaseURL is how people reach the console, "" if only on this machine.
	BaseURL string
	// AllowRemote accepts requests under any host name.
	AllowRemote bool
}

// server holds what the handlers share.
type server struct {
	Options
	host  string // of BaseURL
	views map[models.Language]views
	style asset
	icon  asset
}

// New returns the console. It panics if a page that is built in is broken,
// which every test would notice.
func New(opt Options) http.Handler {
	if opt.Language == "" {
		opt.Language = models.Chinese
	}
	s := &server{Options: opt, style: loadAsset("style.css"), icon: loadAsset("icon.svg")}
	if u, err := url.Parse(opt.BaseURL); err == nil {
		s.host = u.Hostname()
	}
	s.views = parseViews(s)

	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.HandleMethodNotAllowed = true
	r.RedirectTrailingSlash = false
	r.Use(s.observe, s.protect)
	get := func(path string, h gin.HandlerFunc) { r.Match([]string{http.MethodGet, http.MethodHead}, path, h) }

	get("/healthz", s.healthz)
	get("/readyz", s.readyz)
	get(s.style.path, s.style.serve)
	get(s.icon.path, s.icon.serve)

	get("/", s.page("overview", overview))
	get("/projects", s.page("projects", projects))
	get("/projects/:id", s.page("project", project))
	get("/obligations", s.page("obligations", obligations))
	get("/obligations/:id", s.page("obligation", obligation))
	get("/messages", s.page("messages", messages))
	get("/messages/:id", s.page("message", message))
	get("/problems", s.page("problems", problems))

	r.NoRoute(func(c *gin.Context) { s.fail(c, errNoPage) })
	r.NoMethod(func(c *gin.Context) { s.fail(c, errMethod) })
	return r
}

// healthz answers as long as the process can answer at all.
func (s *server) healthz(c *gin.Context) { c.String(http.StatusOK, "ok\n") }

// readyz answers 503 while the database does not, or while its schema is not
// the one that this program was written for.
func (s *server) readyz(c *gin.Context) {
	stored, known, err := s.Store.SchemaVersion(c.Request.Context())
	if err != nil {
		s.Logger.WarnContext(c.Request.Context(), "not ready", "error", err)
		c.String(http.StatusServiceUnavailable, "database does not answer\n")
		return
	}
	if stored != known {
		c.String(http.StatusServiceUnavailable, fmt.Sprintf("schema is at version %d, needs %d\n", stored, known))
		return
	}
	c.String(http.StatusOK, "ok\n")
}
