package api_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// dump is the content of every table.
func (b *bureau) dump() string {
	b.t.Helper()
	db := b.store.Read(b.t.Context())
	var tables []string
	if err := db.Raw("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").Scan(&tables).Error; err != nil {
		b.t.Fatal(err)
	}
	h := sha256.New()
	for _, table := range tables {
		var rows []map[string]any
		if err := db.Raw("SELECT * FROM " + table).Scan(&rows).Error; err != nil { // a name of our own
			b.t.Fatal(err)
		}
		fmt.Fprintln(h, table, rows) // maps are printed in the order of their keys
	}
	if len(tables) < 20 {
		b.t.Fatalf("only %d tables", len(tables))
	}
	return hex.EncodeToString(h.Sum(nil))
}

var (
	hrefs = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	forms = regexp.MustCompile(`(?s)<form([^>]*)>(.*?)</form>`)
	attr  = regexp.MustCompile(`(\w+)="([^"]*)"`)
	field = regexp.MustCompile(`<(?:input|select|textarea|button)([^>]*)>`)
)

func attributes(tag string) map[string]string {
	found := map[string]string{}
	for _, m := range attr.FindAllStringSubmatch(tag, -1) {
		found[m[1]] = html.UnescapeString(m[2])
	}
	return found
}

// scan does what a mail scanner does with an address: it asks for it with GET
// and HEAD, follows all that it finds and submits every form that only reads.
func (v *visitor) scan(address string, seen map[string]bool, depth int) {
	if seen[address] || depth == 0 || strings.HasPrefix(address, "http") {
		return
	}
	seen[address] = true
	v.do(httptest.NewRequest(http.MethodHead, address, nil))
	w := v.get(address)
	body := w.Body.String()
	if at := w.Header().Get("Location"); at != "" {
		v.scan(at, seen, depth-1)
	}
	for _, m := range hrefs.FindAllStringSubmatch(body, -1) {
		if at := html.UnescapeString(m[1]); strings.HasPrefix(at, "/") {
			v.scan(at, seen, depth-1)
		}
	}
	for _, m := range forms.FindAllStringSubmatch(body, -1) {
		form := attributes(m[1])
		if strings.EqualFold(form["method"], "post") {
			continue
		}
		values := url.Values{}
		for _, f := range field.FindAllStringSubmatch(m[2], -1) {
			a := attributes(f[1])
			values.Set(a["name"], a["value"])
		}
		v.scan(form["action"]+"?"+values.Encode(), seen, depth-1)
	}
}

func TestAMailScannerChangesNothing(t *testing.T) {
	b := newBureau(t)
	b.submitted()
	b.visitor().post("/login", url.Values{"account": {"owner"}})
	manager, _ := b.mail("manager")
	login, _ := b.mail("owner")
	before := b.dump()
	for _, v := range []*visitor{b.visitor(), b.visitor()} {
		for _, token := range []string{manager, login} {
			seen := map[string]bool{}
			for _, query := range []string{"", "?kind=approve", "?kind=approve&code=123456&task_version=1", "?lang=en"} {
				v.scan("/links/"+token+query, seen, 4)
			}
			if len(seen) < 8 {
				t.Errorf("the scanner went to %d addresses only: %v", len(seen), seen)
			}
		}
	}
	if b.dump() != before {
		t.Error("a GET has changed the database")
	}
	// Not even with the session of the very person.
	v := b.as("manager")
	before = b.dump()
	v.scan("/links/"+manager+"?kind=approve", map[string]bool{}, 5)
	v.scan("/tasks", map[string]bool{}, 6)
	if b.dump() != before {
		t.Error("a GET with a session has changed the database")
	}
}
