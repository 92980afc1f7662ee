package notifier

import (
	"errors"
	netmail "net/mail"
	"strings"

	"github.com/wneessen/go-mail"
)

// compose turns a message into an e-mail from the given sender, and returns it
// with its Message-ID. Nothing in m can add a header: names and subjects are
// one line, and the address has been parsed.
func compose(m Message, from *netmail.Address) (msg *mail.Msg, id string, err error) {
	// Chinese takes nine bytes a character in quoted-printable, four in base64.
	msg = mail.NewMsg(mail.WithEncoding(mail.EncodingB64), mail.WithNoDefaultUserAgent())
	msg.FromMailAddress(from)
	if m.Address != "" {
		to, err := parseAddress(m.Address)
		if err != nil {
			return nil, "", &SendError{Class: Reject, Code: "bad_address", Local: true, Err: err}
		}
		to.Name = oneLine(m.Name)
		msg.ToMailAddress(to)
	} else {
		msg.SetGenHeader("X-Duban-Recipient", oneLine(m.Name))
	}
	id = m.Key + "@" + domainOf(from)
	msg.SetMessageIDWithValue(id)
	if !m.Date.IsZero() {
		msg.SetDateWithValue(m.Date)
	}
	msg.Subject(oneLine(m.Subject))
	// RFC 3834: automatic, so nobody's absence assistant answers it. Exchange
	// looks at the other header.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(mail.TypeTextHTML, m.HTML)
	}
	return msg, "<" + id + ">", nil
}

var errNotBare = errors.New("只接受单个邮箱地址，不带姓名或注释")

// parseAddress reads a bare address. Anything else that RFC 5322 allows, a
// display name, a comment, a second address, is refused.
func parseAddress(s string) (*netmail.Address, error) {
	a, err := netmail.ParseAddress(s)
	if err != nil {
		return nil, err
	}
	if a.Address != s {
		return nil, errNotBare
	}
	return a, nil
}

func domainOf(a *netmail.Address) string {
	return a.Address[strings.LastIndexByte(a.Address, '@')+1:]
}
