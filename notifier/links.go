package notifier

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"duban/models"
	"duban/models/calendar"
)

// WithLinks returns a copy that puts signed links (签名链接) and their short
// codes (验证码) into the messages that carry a decision or a login. Only who
// sends messages should have it: the console shows them without, since a code
// is for its recipient alone. With an empty key it signs nothing.
func (t *Templates) WithLinks(key models.LinkKey) *Templates {
	signing := *t
	signing.linkKey = slices.Clone(key)
	return &signing
}

// addLinks adds the way from the message into duban. The code stands beside
// the link and never in it: a mail scanner that follows links does not read.
// What others read as well gets the plain link.
func (t *Templates) addLinks(v *view, n models.Notification) {
	t.linkRows(v)
	switch {
	case v.Login != nil: // without a signature there is nothing to open
	case v.Alarm != nil:
		v.page = t.list("messages")
	case v.Digest != nil || v.Weekly != nil:
		v.page = t.list("obligations")
	case v.Approval != nil:
		v.page = t.url("instances", strconv.FormatInt(v.Approval.InstanceID, 10))
	case n.ObligationID != 0:
		v.page = t.url("obligations", strconv.FormatInt(n.ObligationID, 10))
		v.Pausable = v.page != "" && v.DaysLeft < 0 && v.PauseDays > 0
	}
	v.Link = v.page
	if link := v.signedLink(); link != nil && t.signs(v) && !n.Channel.Public() {
		token := t.linkKey.Token(*link)
		v.Link = t.url("links", token)
		v.Code, v.CodeUntil = t.linkKey.Code(token), v.moment(link.ExpiresAt)
	}
}

// signs reports whether a signed message can be used: the code of a login is
// entered on the page where it was asked for, that of a decision needs the
// link.
func (t *Templates) signs(v *view) bool {
	return len(t.linkKey) > 0 && (t.baseURL != "" || v.Login != nil)
}

// url returns a page's address, blank without a base URL.
func (t *Templates) url(kind, id string) string {
	if t.baseURL == "" {
		return ""
	}
	return t.list(kind) + "/" + id
}

// list returns the address of a list, blank without a base URL.
func (t *Templates) list(kind string) string {
	if t.baseURL == "" {
		return ""
	}
	return t.baseURL + "/" + kind
}

// signedLink returns what the message may be signed for, or nil.
func (v view) signedLink() *models.Link {
	switch {
	case v.Login != nil:
		return &v.Login.Link
	case v.Approval != nil:
		return v.Approval.Link
	}
	return nil
}

// moment writes an instant as the clocks in China show it.
func (v view) moment(at time.Time) string {
	at = at.In(calendar.Shanghai)
	day, _ := v.date(calendar.DateOf(at))
	zone := "（北京时间）"
	if v.Language == models.English {
		zone = " (Beijing time)"
	}
	return fmt.Sprintf("%s %s%s", day, at.Format("15:04"), zone)
}
