package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"duban/models"
	"duban/notifier"
)

// mountWordings adds the pages on which administrators put messages into other
// words (消息模板).
func (s *server) mountWordings(r *gin.Engine, get func(string, gin.HandlerFunc)) {
	if s.Library == nil {
		return
	}
	get("/templates", s.page("wordings", personal(s.wordings)))
	get("/templates/:name", s.answer(known(s.wordingPage)))
	r.POST("/templates/:name", s.answer(known(s.changeWording)))
	r.POST("/templates/:name/restore", s.answer(known(s.restoreWording)))
}

// wordingsData is the list of templates.
type wordingsData struct {
	Columns []wordingKind
	Rows    []wordingRow
}

// wordingKind is a language and a form, which have words of their own.
type wordingKind struct {
	Language models.Language
	Form     models.WordingForm
}

// wordingRow is a template and, for each kind, what is in force.
type wordingRow struct {
	Name  string
	Cells []models.Wording // without a number: nothing was ever published
}

func wordingKinds() []wordingKind {
	var kinds []wordingKind
	for _, language := range notifier.Languages {
		for _, form := range models.WordingForms {
			kinds = append(kinds, wordingKind{language, form})
		}
	}
	return kinds
}

func (s *server) wordings(ctx context.Context, r *request) (any, error) {
	if !r.person.Has(models.RoleAdmin) {
		return nil, errNotYours
	}
	list, err := s.Store.Wordings(ctx)
	if err != nil {
		return nil, err
	}
	type key struct {
		name string
		wordingKind
	}
	newest := map[key]models.Wording{}
	for _, w := range list {
		newest[key{w.Template, wordingKind{w.Language, w.Form}}] = w
	}
	data := wordingsData{Columns: wordingKinds()}
	for _, name := range notifier.TemplateNames() {
		row := wordingRow{Name: name}
		for _, kind := range data.Columns {
			w := newest[key{name, kind}]
			w.Language, w.Form = kind.Language, kind.Form
			row.Cells = append(row.Cells, w)
		}
		data.Rows = append(data.Rows, row)
	}
	return data, nil
}

// historyLimit is how many versions of a wording are listed.
const historyLimit = 50

// wordingData is the page on which one wording is changed.
type wordingData struct {
	wordingKind
	Name     string
	Kinds    []wordingKind
	InForce  models.Wording // without a number: nothing was ever published
	Seen     int            // the version that the page knows
	Source   string
	Loaded   int // the old version that was put into the editor, 0 for none
	Builtin  string
	History  []models.Wording
	Facts    []describedName
	TestBy   models.Channel // how a test reaches the administrator, "" if it cannot
	Problems []problemView
	Flaw     string // why it was not done, in words
	Did      string // what was done, in words
	Preview  *previewView
}

// describedName is a variable or a fact, with what it says.
type describedName struct{ Name, About string }

// problemView is a problem of a wording, in words.
type problemView struct {
	Line int
	Text string
}

// wordingOf reads which wording a request is about.
func (s *server) wordingOf(c *gin.Context, r *request) (models.Wording, error) {
	of := models.Wording{Template: c.Param("name")}
	if !r.person.Has(models.RoleAdmin) {
		return of, errNotYours
	}
	var err error
	if of.Language, err = choice(r.query, "language", models.Chinese, notifier.Languages...); err != nil {
		return of, err
	}
	if of.Form, err = choice(r.query, "form", models.WordingText, models.WordingForms...); err != nil {
		return of, err
	}
	if _, ok := s.Library.Builtin().Builtin(of); !ok {
		return of, errNoPage
	}
	return of, nil
}

// wordingPage shows a wording as it is in force, or as an old version was.
func (s *server) wordingPage(c *gin.Context, r *request) error {
	ctx := c.Request.Context()
	of, err := s.wordingOf(c, r)
	if err != nil {
		return err
	}
	number, err := number(r.query, "number")
	if err != nil {
		return err
	}
	data, err := s.wordingData(ctx, r, of)
	if err != nil {
		return err
	}
	if data.Source = data.InForce.Source; data.Source == "" {
		data.Source = data.Builtin
	}
	if number != 0 {
		of.Number = int(number)
		old, err := s.Store.Wording(ctx, of)
		if err != nil {
			return err
		}
		if data.Loaded = old.Number; old.Source != "" {
			data.Source = old.Source
		} else {
			data.Source = data.Builtin
		}
	}
	switch done, err := choice(r.query, "done", "", "published", "restored"); {
	case err != nil:
		return err
	case done != "":
		data.Did = say(r.language, "reworded."+done, data.InForce.Number)
	}
	s.render(c, http.StatusOK, r.language, "wording", data)
	return nil
}

// wordingData reads what the page shows around the editor.
func (s *server) wordingData(ctx context.Context, r *request, of models.Wording) (wordingData, error) {
	data := wordingData{wordingKind: wordingKind{of.Language, of.Form}, Name: of.Template, Kinds: wordingKinds()}
	data.Builtin, _ = s.Library.Builtin().Builtin(of)
	if o := s.testOutlet(r.person, of.Form); o != nil {
		data.TestBy = o.Name
	}
	var err error
	if data.History, err = s.Store.WordingHistory(ctx, of, historyLimit); err != nil {
		return data, err
	}
	if len(data.History) > 0 {
		data.InForce = data.History[0]
	}
	data.Seen = data.InForce.Number
	if of.Form == models.WordingSMS {
		for _, f := range notifier.Facts(of.Template) {
			data.Facts = append(data.Facts, describedName{"${" + f.Name + "}", f.About.In(r.language)})
		}
		return data, nil
	}
	for _, v := range notifier.Variables(of.Template) {
		data.Facts = append(data.Facts, describedName{"{{" + v.Name + "}}", v.About.In(r.language)})
	}
	return data, nil
}

// testOutlet returns how a test reaches the administrator: by text message if
// it is about those, and else by a channel that nobody else reads. It is nil if
// there is none.
func (s *server) testOutlet(person models.User, form models.WordingForm) *Outlet {
	for _, c := range append(s.Engine.Routing.Route(person, models.Normal, true), s.Engine.Routing.Configured...) {
		i := slices.IndexFunc(s.Outlets, func(o Outlet) bool { return o.Name == c })
		if i >= 0 && notifier.FormOf(c) == form && !c.Public() && person.Reachable(c) {
			return &s.Outlets[i]
		}
	}
	return nil
}
