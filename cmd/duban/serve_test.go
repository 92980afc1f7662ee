package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"duban/models"
	"duban/models/modelstest"
)

// process is duban as a process of its own.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	ended chan struct{}

	mu   sync.Mutex
	said strings.Builder
	urls chan string
}

var address = regexp.MustCompile(`http://[0-9.:]+`)

// start starts duban in a folder of its own.
func start(t *testing.T, environ []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, ended: make(chan struct{}), urls: make(chan string, 1)}
	p.cmd = exec.CommandContext(t.Context(), os.Args[0], args...)
	p.cmd.Dir = t.TempDir()
	p.cmd.Env = append(slices.Clone(environ), envRun+"=1", "HOME="+os.Getenv("HOME"), "PATH="+os.Getenv("PATH"))
	reader, writer := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = writer, writer
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	scanned := make(chan struct{})
	go func() {
		defer close(scanned)
		lines := bufio.NewScanner(reader)
		for lines.Scan() {
			p.mu.Lock()
			p.said.WriteString(lines.Text() + "\n")
			p.mu.Unlock()
			if url := address.FindString(lines.Text()); url != "" {
				select {
				case p.urls <- url:
				default:
				}
			}
		}
	}()
	go func() {
		_ = p.cmd.Wait()
		_ = writer.Close()
		<-scanned
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
	})
	return p
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// url waits for the console's address.
func (p *process) url() string {
	p.t.Helper()
	select {
	case url := <-p.urls:
		return url
	case <-p.ended:
		p.t.Fatalf("ended with %v:\n%s", p.cmd.ProcessState, p.output())
	case <-time.After(2 * time.Minute):
		p.t.Fatalf("no address:\n%s", p.output())
	}
	return ""
}

// stop tells the process to end, and returns its exit code.
func (p *process) stop(signal os.Signal) int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
	return p.wait()
}

func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(2 * time.Minute):
		p.t.Fatalf("does not end:\n%s", p.output())
	}
	return p.cmd.ProcessState.ExitCode()
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func TestTheDemonstrationLivesTheYearAndShowsIt(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "demo")
	p := start(t, nil, "demo", "--as-of", "2025-06-20", "--listen", "127.0.0.1:0", "--dir", dir)
	url := p.url()

	status, home := get(t, url+"/")
	if status != http.StatusOK {
		t.Errorf("GET /: %d", status)
	}
	contains(t, home, "<svg", "2025-06-20", "演示数据", "公积金业务系统改造升级", "红", "黄", "绿")
	messages, err := filepath.Glob(filepath.Join(dir, "outbox", "*.eml"))
	if err != nil || len(messages) < 50 {
		t.Errorf("%d messages, %v", len(messages), err)
	}
	status, page := get(t, url+"/messages")
	if status != http.StatusOK {
		t.Errorf("GET /messages: %d", status)
	}
	contains(t, page, "王芳")
	if status, _ := get(t, url+"/readyz"); status != http.StatusOK {
		t.Errorf("GET /readyz: %d", status)
	}
	if code := p.stop(syscall.SIGTERM); code != exitOK {
		t.Errorf("exit %d", code)
	}
	contains(t, p.output(), "演示到 2025-06-20：发出 ", "管理台 http://127.0.0.1:", filepath.Join(dir, "outbox"))
	if out := p.output(); strings.Contains(out, "ERROR") || strings.Contains(out, "panic") {
		t.Errorf("says %s", out)
	}
	if _, err := os.Stat(filepath.Join(dir, "duban.db-wal")); err == nil {
		t.Error("the database was not closed")
	}
}

func TestADemonstrationThatIsStoppedHalfWayLeavesNothing(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	p := start(t, []string{"TMPDIR=" + temp}, "demo", "--as-of", "2026-04-30", "--listen", "127.0.0.1:0")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if sent, _ := filepath.Glob(filepath.Join(temp, "duban-demo-*", "outbox", "*.eml")); len(sent) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("sends nothing:\n%s", p.output())
		}
	}
	if code := p.stop(os.Interrupt); code != exitOK {
		t.Errorf("exit %d:\n%s", code, p.output())
	}
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

func TestTheServerStartsOnNothingAndEndsWhenTold(t *testing.T) {
	for _, driver := range []models.Driver{models.SQLite, models.MySQL} {
		t.Run(string(driver), func(t *testing.T) {
			t.Parallel()
			environ := []string{
				"DUBAN_DATABASE_DRIVER=" + string(driver), "DUBAN_DATABASE_DSN=" + modelstest.NewDSN(t, driver),
				"DUBAN_OUTBOX_DIR=" + t.TempDir(), "DUBAN_SERVER_LISTEN=127.0.0.1:0",
			}
			began := time.Now()
			p := start(t, environ, "serve")
			url := p.url()
			if status, body := get(t, url+"/readyz"); status != http.StatusOK {
				t.Errorf("GET /readyz: %d %s", status, body)
			}
			t.Logf("ready after %s", time.Since(began).Round(time.Millisecond))
			if status, body := get(t, url+"/"); status != http.StatusOK {
				t.Errorf("GET /: %d %s", status, body)
			}

			// The first look runs the sweep that nobody has run.
			s, err := models.Open(t.Context(), models.Options{Driver: driver, DSN: strings.TrimPrefix(environ[1], "DUBAN_DATABASE_DSN=")})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
				run, ok, err := s.LastRun(t.Context(), models.JobSweep)
				if err != nil || time.Now().After(deadline) {
					t.Fatalf("no sweep: %v\n%s", err, p.output())
				}
				if ok && run.State == models.RunDone {
					break
				}
			}

			second := start(t, append(environ[:3:3], "DUBAN_SERVER_LISTEN="+strings.TrimPrefix(url, "http://")), "serve")
			if code := second.wait(); code != exitFailed {
				t.Errorf("a second server on the port: exit %d", code)
			}
			contains(t, second.output(), "监听 "+strings.TrimPrefix(url, "http://"), "address already in use")

			if code := p.stop(syscall.SIGTERM); code != exitOK {
				t.Errorf("exit %d", code)
			}
			if out := p.output(); strings.Contains(out, "ERROR") {
				t.Errorf("says %s", out)
			}
		})
	}
}

func TestAnIdleConnectionDoesNotHoldUpTheServersEnd(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"DUBAN_SERVER_LISTEN=127.0.0.1:0"}, "serve")
	url := p.url()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{Transport: &http.Transport{}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	if code := p.stop(syscall.SIGTERM); code != exitOK {
		t.Errorf("exit %d:\n%s", code, p.output())
	}
	if _, err := os.Stat(filepath.Join(p.cmd.Dir, "data", "duban.db")); err != nil {
		t.Errorf("the default database: %v", err)
	}
}

func TestTheServerDoesNotShowItselfToOtherMachinesUnasked(t *testing.T) {
	d := newDesk(t)
	d.environ = append(d.environ, "DUBAN_SERVER_LISTEN=0.0.0.0:0")
	d.fails(exitUsage, []string{"server.listen", "DUBAN_SERVER_LISTEN", "allow_remote"}, "serve")
	p := start(t, append(d.environ, "DUBAN_SERVER_ALLOW_REMOTE=true"), "serve")
	for deadline := time.Now().Add(time.Minute); !strings.Contains(p.output(), "管理台"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("does not start where it is allowed to:\n%s", p.output())
		}
	}
	if code := p.stop(syscall.SIGTERM); code != exitOK {
		t.Errorf("exit %d", code)
	}
}
