package api

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"duban/models"
	"duban/notifier"
	"duban/notifier/sms"
)

// CheckWording lists what is wrong with a wording, text messages measured as
// carriers do.
func CheckWording(t *notifier.Templates, w models.Wording) []notifier.Problem {
	return t.Check(w, func(text string) int { return sms.Count(text).Parts })
}

// What the buttons of the editor do.
const (
	doPreview = "preview"
	doHTML    = "html" // the e-mail as a page of its own
	doPublish = "publish"
	doTest    = "test"
)

// changeWording previews, tests or publishes what is in the editor. Whatever
// happens, the text comes back.
func (s *server) changeWording(c *gin.Context, r *request) error {
	of, err := s.wordingOf(c, r)
	if err != nil {
		return err
	}
	e, err := readEntry(c)
	if err != nil {
		return err
	}
	data, err := s.wordingData(c.Request.Context(), r, of)
	if err != nil {
		return err
	}
	data.Source = strings.ReplaceAll(e.Get("source"), "\r\n", "\n") // as browsers send lines
	seen := int(e.number("seen"))
	of.Source, of.Number = data.Source, seen+1
	for _, p := range CheckWording(s.Library.Builtin(), of) {
		data.Problems = append(data.Problems, problemView{p.Line, p.In(r.language)})
	}
	if len(data.Problems) > 0 {
		data.Seen = seen
		s.render(c, http.StatusUnprocessableEntity, r.language, "wording", data)
		return nil
	}
	switch do := e.Get("do"); do {
	case doPublish:
		return s.publishWording(c, r, of, seen, data)
	case doHTML:
		return s.showMail(c, r, of)
	case doTest:
		return s.testWording(c, r, of, seen, data)
	case doPreview, "":
		data.Seen = seen
		return s.showPreview(c, r, of, data)
	default:
		return badValue("do", do, strings.Join([]string{doPreview, doHTML, doTest, doPublish}, ", "))
	}
}

// publishWording puts a checked wording into force. If somebody else published
// one meanwhile, the person is told, and may publish theirs after having looked.
func (s *server) publishWording(c *gin.Context, r *request, w models.Wording, seen int, data wordingData) error {
	ctx := c.Request.Context()
	err := s.Store.Tx(ctx, r.person.Account, func(tx *models.Tx) error { return tx.PublishWording(&w, seen) })
	if errors.Is(err, models.ErrConflict) {
		// The page is read again: it may be only now that it knows the other.
		fresh, err := s.wordingData(ctx, r, w)
		if err != nil {
			return err
		}
		fresh.Source = data.Source
		fresh.Flaw = say(r.language, "reworded.conflict", fresh.InForce.Number, fresh.InForce.PublishedBy)
		s.render(c, http.StatusConflict, r.language, "wording", fresh)
		return nil
	}
	if err == nil {
		done := "published"
		if w.Source == "" {
			done = "restored"
		}
		s.redirect(c, link("/templates/"+w.Template, "", []any{"language", w.Language, "form", w.Form, "done", done}))
	}
	return err
}

// restoreWording puts an old version into force again, or the built-in words
// for the number 0.
func (s *server) restoreWording(c *gin.Context, r *request) error {
	ctx := c.Request.Context()
	of, err := s.wordingOf(c, r)
	if err != nil {
		return err
	}
	e, err := readEntry(c)
	if err != nil {
		return err
	}
	seen := int(e.number("seen"))
	w := of
	if of.Number = int(e.number("number")); of.Number != 0 {
		if w, err = s.Store.Wording(ctx, of); err != nil {
			return err
		}
	}
	data, err := s.wordingData(ctx, r, of)
	if err != nil {
		return err
	}
	data.Source = w.Source
	if w.Source != "" { // it passed the checks of its time
		for _, p := range CheckWording(s.Library.Builtin(), w) {
			data.Problems = append(data.Problems, problemView{p.Line, p.In(r.language)})
		}
	} else {
		data.Source = data.Builtin
	}
	if len(data.Problems) > 0 {
		data.Loaded = of.Number
		s.render(c, http.StatusUnprocessableEntity, r.language, "wording", data)
		return nil
	}
	return s.publishWording(c, r, models.Wording{Template: of.Template, Language: of.Language, Form: of.Form, Source: w.Source}, seen, data)
}

// testWording sends what is in the editor to the administrator alone, past the
// outbox: it is no reminder of anything. The audit trail knows of it.
func (s *server) testWording(c *gin.Context, r *request, w models.Wording, seen int, data wordingData) error {
	ctx, cancel := context.WithTimeout(c.Request.Context(), testTimeout)
	defer cancel()
	data.Seen = seen
	refuse := func(status int, flaw string) error {
		data.Flaw = flaw
		s.render(c, status, r.language, "wording", data)
		return nil
	}
	outlet := s.testOutlet(r.person, w.Form)
	if outlet == nil {
		return refuse(http.StatusUnprocessableEntity, say(r.language, "reworded.no_test"))
	}
	m, err := s.testMessage(ctx, r, w, outlet.Name)
	if err != nil {
		return err
	}
	if !s.tests.begin(outlet.Name, s.Clock.Now()) {
		return refuse(http.StatusTooManyRequests, say(r.language, "error.test_too_soon"))
	}
	err = s.Store.Tx(ctx, r.person.Account, func(tx *models.Tx) error {
		return tx.Audit("wording.tested", "wordings", 0, map[string]any{
			"template": w.Template, "language": w.Language, "form": w.Form, "channel": outlet.Name,
		})
	})
	if err != nil {
		return err
	}
	_, err = outlet.Channel.Send(ctx, m)
	if failure, ok := errors.AsType[*notifier.SendError](err); ok {
		return refuse(http.StatusBadGateway, say(r.language, "reworded.test_failed", failure.Error(), Advice(r.language, failure)))
	}
	if err == nil {
		data.Did = say(r.language, "reworded.tested", word(r.language, "channel", outlet.Name))
		s.render(c, http.StatusOK, r.language, "wording", data)
	}
	return err
}

// testMessage puts an example into the words for the administrator, and says
// that it is a test.
func (s *server) testMessage(ctx context.Context, r *request, w models.Wording, channel models.Channel) (notifier.Message, error) {
	x, err := s.example(ctx, r, w)
	if err != nil {
		return notifier.Message{}, err
	}
	m, err := x.words(s.Library.Builtin(), w, channel, r.person)
	m.Key, m.Date = "test-"+rand.Text(), s.Clock.Now()
	m.Subject = say(w.Language, "reworded.test_subject", m.Subject)
	return m, err
}
