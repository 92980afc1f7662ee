package api

import (
	"cmp"
	"context"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/shopspring/decimal"

	"duban/models"
	"duban/notifier"
	"duban/notifier/sms"
)

// example is a message in which a wording is shown.
type example struct {
	models.Notification
	to   models.User
	real bool // from the outbox, and not made up
}

// examplesLooked is how many of the latest messages are looked at for one that
// the administrator may read.
const examplesLooked = 10

// example returns the latest message of the template that the administrator may
// read, or a made-up one.
func (s *server) example(ctx context.Context, r *request, w models.Wording) (example, error) {
	latest, err := s.Store.MessagesOf(ctx, w.Template, examplesLooked)
	if err != nil {
		return example{}, err
	}
	for _, m := range latest {
		hidden, err := closed(ctx, r, m)
		if err != nil {
			return example{}, err
		}
		if !hidden {
			return example{m.Notification, models.User{ID: m.RecipientID, Name: m.RecipientName}, true}, nil
		}
	}
	made := models.Notification{Template: w.Template, ObligationID: 1, Payload: notifier.Samples(w.Template)[0].Payload}
	return example{made, models.User{Name: r.person.Name}, false}, nil
}

// words puts the example into the given words. Its links and codes are good for
// nothing.
func (x example) words(t *notifier.Templates, w models.Wording, channel models.Channel, to models.User) (notifier.Message, error) {
	t, err := t.With([]models.Wording{w})
	if err != nil {
		return notifier.Message{}, err
	}
	n := x.Notification
	n.Language, n.Channel = w.Language, channel
	return t.Rehearsing().Render(n, to)
}

// previewView is what recipients would see.
type previewView struct {
	Real    bool
	ID      int64 // of the message that it shows
	Subject string
	Text    string
	Group   string // as a group robot says it, "" if it says nothing else
	SMS     string
	Chars   int
	Parts   int
	Cost    string // in 元, "" if the price is not known
}

// showPreview shows the editor with what its words look like.
func (s *server) showPreview(c *gin.Context, r *request, w models.Wording, data wordingData) error {
	x, err := s.example(c.Request.Context(), r, w)
	if err != nil {
		return err
	}
	data.Preview = &previewView{Real: x.real, ID: x.ID}
	if w.Form == models.WordingSMS {
		err = s.previewSMS(data.Preview, x, w)
	} else {
		err = s.previewText(data.Preview, x, w)
	}
	if err == nil {
		s.render(c, http.StatusOK, r.language, "wording", data)
	}
	return err
}

func (s *server) previewText(p *previewView, x example, w models.Wording) error {
	m, err := x.words(s.Library.Builtin(), w, models.ChannelEmail, x.to)
	if err != nil {
		return err
	}
	p.Subject, p.Text = m.Subject, m.Text
	// A message that is for one person alone is none for a group.
	if group, err := x.words(s.Library.Builtin(), w, models.ChannelWeCom, x.to); err == nil {
		if text := cmp.Or(group.Brief, group.Text); text != m.Text {
			p.Group = text
		}
	}
	return nil
}

func (s *server) previewSMS(p *previewView, x example, w models.Wording) error {
	m, err := x.words(s.Library.Builtin(), w, models.ChannelSMS, x.to)
	if err != nil {
		return err
	}
	p.SMS = smsText(m)
	count := sms.Count(p.SMS)
	p.Chars, p.Parts = count.Chars, count.Parts
	for _, o := range s.Outlets {
		if careful, ok := o.Channel.(notifier.Careful); ok && o.Name == models.ChannelSMS { // it knows its signature and price
			parts, cost := careful.Measure(m)
			if p.Parts = parts; cost > 0 {
				p.Cost = decimal.New(cost, -5).String()
			}
		}
	}
	return nil
}

// smsText is what the phone shows of a message.
func smsText(m notifier.Message) string { return m.SMS.Signed(notifier.DefaultSignature).Text(m.Facts) }

// mailPolicy is for an e-mail that is shown as a page of its own: it may have
// the inline styles of e-mails, no script, no form and no way to our cookies.
const mailPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// showMail answers with the e-mail itself.
func (s *server) showMail(c *gin.Context, r *request, w models.Wording) error {
	if w.Form != models.WordingText {
		return badValue("do", doHTML, doPreview)
	}
	x, err := s.example(c.Request.Context(), r, w)
	if err != nil {
		return err
	}
	m, err := x.words(s.Library.Builtin(), w, models.ChannelEmail, x.to)
	if err != nil {
		return err
	}
	c.Header("Content-Security-Policy", mailPolicy)
	c.Header("Cache-Control", "no-store")
	c.Data(http.StatusOK, "text/html; charset=utf-8", []byte(m.HTML))
	return nil
}
