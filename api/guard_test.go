package api_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"duban/api"
	"duban/models"
	"duban/models/modelstest"
)

func TestForeignHostNamesAreRefused(t *testing.T) {
	s := newStore(t)
	own := api.New(api.Options{Store: s, Clock: testClock(), Logger: slog.New(slog.DiscardHandler), BaseURL: "https://duban.example.cn/"})
	open := api.New(api.Options{Store: s, Clock: testClock(), Logger: slog.New(slog.DiscardHandler), AllowRemote: true})
	for host, want := range map[string]int{
		"127.0.0.1:8080": 200, "localhost": 200, "[::1]:80": 200, "DUBAN.example.cn": 200, "duban.example.cn:443": 200,
		"evil.example": 421, "10.0.0.1": 421, "": 421, "127.0.0.1.evil.example": 421, "localhost.evil:80": 421,
	} {
		r := httptest.NewRequest(http.MethodGet, "/projects", nil)
		r.Host = host
		w := httptest.NewRecorder()
		own.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("host %q: %d, want %d", host, w.Code, want)
		}
		if want == http.StatusMisdirectedRequest && !strings.Contains(words(w), "server.base_url") {
			t.Errorf("host %q: %s", host, words(w))
		}
		w = httptest.NewRecorder()
		open.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Errorf("host %q where all are allowed: %d", host, w.Code)
		}
	}
}

func TestFromAnotherMachineOnlyThoseWhoLoggedInRead(t *testing.T) {
	b := newBureau(t, func(o *api.Options) { o.AllowRemote = true })
	for name, c := range map[string]struct {
		host, from, header string
		want               int
	}{
		"this machine":            {"127.0.0.1:8080", "127.0.0.1:4000", "", http.StatusOK},
		"another machine":         {"127.0.0.1:8080", "10.0.0.7:4000", "", http.StatusSeeOther},
		"a proxy on this machine": {"127.0.0.1:8080", "127.0.0.1:4000", "X-Forwarded-For", http.StatusSeeOther},
		"another name":            {"duban.example.cn", "127.0.0.1:4000", "", http.StatusSeeOther},
		"IPv6":                    {"[::1]:8080", "[::1]:4000", "", http.StatusOK},
	} {
		for _, page := range []string{"/", "/projects", "/obligations", "/messages", "/problems"} {
			r := httptest.NewRequest(http.MethodGet, page, nil)
			r.Host, r.RemoteAddr = c.host, c.from
			if c.header != "" {
				r.Header.Set(c.header, "10.0.0.7")
			}
			w := httptest.NewRecorder()
			b.h.ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("%s from %s: %d, want %d", page, name, w.Code, c.want)
			}
		}
	}
}

func TestFailuresAreLoggedAndNotTold(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	s := newStore(t)
	h := api.New(api.Options{Store: s, Clock: testClock(), Logger: logger})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	panics := api.New(api.Options{Clock: testClock(), Logger: logger}) // without a store
	for _, h := range []http.Handler{h, panics} {
		log.Reset()
		w := get(h, "/projects")
		text := words(w)
		if w.Code != http.StatusInternalServerError || strings.Contains(text, "sql") || strings.Contains(text, "nil pointer") {
			t.Errorf("%d %s", w.Code, text)
		}
		id := regexp.MustCompile(`日志编号 (\w+)`).FindStringSubmatch(text)
		if id == nil || !strings.Contains(log.String(), id[1]) {
			t.Errorf("the page says %s, the log says %s", text, log.String())
		}
	}
}

func TestProbesTellWhetherTheDatabaseIsReady(t *testing.T) {
	logger := slog.New(slog.DiscardHandler)
	fresh, err := models.Open(t.Context(), models.Options{DSN: modelstest.NewDSN(t, models.SQLite), Clock: testClock()})
	if err != nil {
		t.Fatal(err)
	}
	h := api.New(api.Options{Store: fresh, Clock: testClock(), Logger: logger})
	probe := func(path string, code int, text string) {
		t.Helper()
		if w := get(h, path); w.Code != code || !strings.Contains(w.Body.String(), text) {
			t.Errorf("GET %s: %d %s", path, w.Code, w.Body)
		}
	}
	probe("/readyz", 503, "schema is at version 0")
	if err := fresh.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	probe("/readyz", 200, "ok")
	if err := fresh.Close(); err != nil {
		t.Fatal(err)
	}
	probe("/readyz", 503, "does not answer")
	probe("/healthz", 200, "ok")
}

func TestStaticFilesAreKeptForEver(t *testing.T) {
	h := newConsole(t, newStore(t))
	body := get(h, "/").Body.String()
	for _, m := range regexp.MustCompile(`"(/static/[^"]+)"`).FindAllStringSubmatch(body, -1) {
		w := get(h, m[1])
		if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Body.Len() == 0 {
			t.Errorf("GET %s: %d %v", m[1], w.Code, w.Header())
		}
	}
	r := httptest.NewRequest(http.MethodHead, "/", nil)
	r.Host = "localhost"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("HEAD /: %d", w.Code)
	}
}
