package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"duban/jobs"
	"duban/models"
)

// monitor is a service that waits for heartbeats.
type monitor struct {
	*httptest.Server
	arrived chan string
}

func newMonitor(t *testing.T, answer http.HandlerFunc) *monitor {
	t.Helper()
	m := &monitor{arrived: make(chan string, 100)}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.arrived <- r.Method + " " + r.URL.String()
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(m.Close)
	return m
}

func beat(t *testing.T, address string) *jobs.Heartbeat {
	t.Helper()
	h, err := jobs.NewHeartbeat(address, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestTheHeartbeatSaysWhetherAllIsWell(t *testing.T) {
	m := newMonitor(t, nil)
	h := beat(t, m.URL+"/ping/s3cret?create=1")
	for wrong, want := range map[bool]string{false: "GET /ping/s3cret?create=1", true: "GET /ping/s3cret/fail?create=1"} {
		if err := h.Beat(t.Context(), wrong); err != nil {
			t.Error(err)
		}
		if got := <-m.arrived; got != want {
			t.Errorf("asked for %s, want %s", got, want)
		}
	}
}

func TestAHeartbeatThatFailsKeepsItsAddress(t *testing.T) {
	elsewhere := newMonitor(t, nil)
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, c := range map[string]struct{ address, want string }{
		"refused": {newMonitor(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }).URL, "404"},
		"sent elsewhere": {newMonitor(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/s3cret", http.StatusFound)
		}).URL, "302"},
		"not there":       {closed.URL, "cannot be reached"},
		"a talkative one": {newMonitor(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte("x"), 1<<20)) }).URL, ""},
	} {
		err := beat(t, c.address+"/s3cret").Beat(t.Context(), false)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "127.0.0.1")):
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(elsewhere.arrived) > 0 {
		t.Error("the secret went to another host")
	}
	for _, bad := range []string{"", "s3cret", "ftp://host/s3cret", "http://", "https://a b/s3cret", "://s3cret"} {
		if _, err := jobs.NewHeartbeat(bad, 0, nil); !errors.Is(err, jobs.ErrHeartbeatURL) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestAMonitorThatHangsDoesNotHoldUpTheWatchman(t *testing.T) {
	release := make(chan struct{})
	m := newMonitor(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- beat(t, m.URL+"/s3cret").Beat(ctx, false) }()
	<-m.arrived
	cancel()
	if err := <-ended; err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("given up: %v", err)
	}
	// One that is slow by its own clock is given up as well.
	slow, err := jobs.NewHeartbeat(m.URL+"/s3cret", 0, lateTransport{})
	if err != nil {
		t.Fatal(err)
	}
	if err := slow.Beat(t.Context(), false); err == nil || !strings.Contains(err.Error(), "in time") {
		t.Errorf("too late: %v", err)
	}
}

// lateTransport answers that the time is over, if the client has set one.
type lateTransport struct{}

func (lateTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, limited := r.Context().Deadline(); !limited {
		return nil, errors.New("no deadline is set")
	}
	return nil, context.DeadlineExceeded
}

func TestTheWatchmanBeatsAsOftenAsItIsToldTo(t *testing.T) {
	m := newMonitor(t, nil)
	o := newCorner(t, models.SQLite)
	var log bytes.Buffer
	w := &jobs.Watchman{
		Store: o.Store, Clock: o.clock, Routing: o.routing, Log: slog.New(slog.NewTextHandler(&log, nil)), Jobs: map[string]jobs.Job{},
		Heartbeat: beat(t, m.URL+"/s3cret"),
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	if got := <-m.arrived; got != "GET /s3cret" {
		t.Errorf("at first %s", got)
	}
	o.gaps(1) // the watchman waits for the clock
	for range 5 {
		o.clock.Advance(time.Minute)
	}
	if got := <-m.arrived; got != "GET /s3cret/fail" {
		t.Errorf("when something is wrong %s", got)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	o.clock.Advance(5 * time.Minute)
	if got := <-m.arrived; got != "GET /s3cret/fail" {
		t.Errorf("without a database %s", got)
	}
	stop()
	running.Wait()
	if len(m.arrived) > 0 {
		t.Errorf("and %s", <-m.arrived)
	}
	if strings.Contains(log.String(), "s3cret") || !strings.Contains(log.String(), "alarm") {
		t.Errorf("logs %s", log.String())
	}
}
