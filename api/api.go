// Package api answers what a person may see and do through a browser: routes,
// console pages, and the two probes for whoever keeps the server running.
//
// A page is three things: a handler that reads its data through the store
// (overview.go, projects.go, ...), a template of the same name, and words from
// the catalogue, which has every text in every language. Pages are plain HTML
// and one stylesheet; they need no script, so the content security policy
// allows none, and a published text that contains markup stays text.
//
// The pages about projects, duties and messages only read. Everybody on this
// machine may; whoever comes from another one has to log in. Those about
// workflows need a person: somebody with a session (auth.go), or with a signed
// link and its code (links.go). What
// they write, they write through the workflow engine, which decides what is
// allowed. A GET never changes anything.
//
// Unless Options.AllowRemote says that something in front of the server keeps
// strangers out, requests under a foreign host name are refused: otherwise a
// website that an administrator visits could read the console by pointing its
// own name at 127.0.0.1. A POST must come from one of our own pages.
package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/notifier"
	"duban/notifier/sms"
	"duban/workflows"
)

// Options are what the console needs. Store, Clock and Logger are required.
type Options struct {
	Store    *models.Store
	Clock    clockwork.Clock
	Logger   *slog.Logger
	Library  *notifier.Library // words messages; without it no text is shown
	Language models.Language   // of pages that name none; Chinese if ""
	Version  string
	Notice   string // a banner on every page, such as 演示模式：时钟停在 2025-06-20

	// BaseURL is how people reach the console, "" if only on this machine.
	BaseURL string
	// AllowRemote accepts requests under any host name.
	AllowRemote bool

	// Engine runs the workflows. Without it, or without the key that signs
	// links, there are no pages about them and nobody can log in.
	Engine  *workflows.Engine
	LinkKey models.LinkKey
	// Demo lets everybody in as anybody, without a code.
	Demo bool
	// Outlets are the channels by which this server sends, for the page on
	// which they are tried out.
	Outlets []Outlet
	// Receivers take what providers of text messages report, by the name that
	// the address has.
	Receivers map[string]*sms.Receiver
	// Wake is called after a message was put into the outbox that somebody
	// waits for, if it is set.
	Wake func()
	// Patience is for how long a message may fail by one channel before it falls
	// back on the next. Without it, pages name no time.
	Patience func(models.Urgency) time.Duration
}

// server holds what the handlers share.
type server struct {
	Options
	host  string // of BaseURL
	cross *http.CrossOriginProtection
	views map[models.Language]views
	tests rests
	style asset
	icon  asset
}

// New returns the console. It panics if a page that is built in is broken,
// which every test would notice.
func New(opt Options) http.Handler {
	if opt.Language == "" {
		opt.Language = models.Chinese
	}
	s := &server{Options: opt, cross: ownOrigin(opt.BaseURL), style: loadAsset("style.css"), icon: loadAsset("icon.svg")}
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

	read := func(path string, h gin.HandlerFunc) {
		r.Match([]string{http.MethodGet, http.MethodHead}, path, s.readers, h)
	}
	read("/", s.page("overview", overview))
	read("/projects", s.page("projects", projects))
	read("/projects/:id", s.page("project", project))
	read("/obligations", s.page("obligations", obligations))
	read("/obligations/:id", s.page("obligation", obligation))
	read("/messages", s.page("messages", messages))
	read("/messages/:id", s.page("message", message))
	read("/problems", s.page("problems", problems))

	s.mountReceipts(r)
	if s.workflows() {
		s.mountWorkflows(r, get)
	}

	r.NoRoute(func(c *gin.Context) { s.fail(c, errNoPage) })
	r.NoMethod(s.wrongMethod)
	return r
}

// workflows reports whether the console has pages about workflows.
func (s *server) workflows() bool { return s.Engine != nil && len(s.LinkKey) > 0 }

// mountWorkflows adds the pages that need a person.
func (s *server) mountWorkflows(r *gin.Engine, get func(string, gin.HandlerFunc)) {
	get("/login", s.page("login", s.loginPage))
	r.POST("/login", s.answer(s.askForCode))
	get("/login/code", s.answer(s.codePage))
	r.POST("/login/code", s.answer(s.enterCode))
	if s.Demo {
		r.POST("/login/as", s.answer(s.enterAs))
	}
	r.POST("/logout", s.answer(s.leave))

	get(linksPrefix+":token", s.answer(s.link))
	r.POST(linksPrefix+":token", s.answer(s.decideByLink))

	for _, b := range boxPaths {
		get(b.path, s.page("tasks", personal(s.box(b.box))))
	}
	r.POST("/tasks/approve", s.answer(known(s.approveAll)))

	get("/instances/:id", s.page("instance", personal(s.instance)))
	r.POST("/instances/:id/actions", s.answer(known(s.act)))
	get("/instances/:id/graph.svg", s.answer(known(s.graph)))
	get("/obligations/:id/begin/:workflow", s.answer(known(s.beginForm)))
	r.POST("/obligations/:id/begin/:workflow", s.answer(known(s.begin)))
	get("/attachments/:id", s.answer(known(s.attachment)))

	get("/delegations", s.page("delegations", personal(s.delegations)))
	r.POST("/delegations", s.answer(known(s.lend)))
	r.POST("/delegations/:id/revoke", s.answer(known(s.revoke)))
	get("/handover", s.page("handover", personal(s.handOver)))
	r.POST("/handover", s.answer(known(s.giveOver)))
	r.POST("/messages/:id/resend", s.answer(known(s.resend)))
	s.mountChannels(r, get)
	s.mountPeople(r, get)
	s.mountWordings(r, get)
	s.mountAudit(get)
	s.mountAPI(r, get)
}

// wrongMethod says that a page can only be read, or only be reached by a button.
func (s *server) wrongMethod(c *gin.Context) {
	if c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead {
		s.fail(c, errGetMethod)
		return
	}
	s.fail(c, errMethod)
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
