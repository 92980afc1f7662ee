package notifier_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// process is a replica that runs.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	orders io.WriteCloser
	says   *bufio.Scanner
	errors bytes.Buffer
}

// start runs the program, which is ready then.
func (r replica) start(t *testing.T) *process {
	t.Helper()
	said, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.CommandContext(t.Context(), os.Args[0])}
	p.cmd.Env = append(os.Environ(), envReplica+"="+string(said))
	p.cmd.Stderr = &p.errors
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		p.orders, err = p.cmd.StdinPipe()
	}
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	p.says = bufio.NewScanner(out)
	p.hear("ready")
	return p
}

func (p *process) hear(want string) {
	p.t.Helper()
	if !p.says.Scan() || p.says.Text() != want {
		_ = p.cmd.Wait()
		p.t.Fatalf("a replica says %q, want %q\n%s", p.says.Text(), want, p.errors.String())
	}
}

func (p *process) goOn() {
	p.t.Helper()
	if _, err := io.WriteString(p.orders, "go on\n"); err != nil {
		p.t.Fatal(err)
	}
}

// dies waits until the program has killed itself.
func (p *process) dies() {
	p.t.Helper()
	err := p.cmd.Wait()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		p.t.Fatalf("a replica that was to be killed: %v\n%s", err, p.errors.String())
	}
}

// stop lets the program finish what it is at.
func (p *process) stop() {
	p.t.Helper()
	_ = p.orders.Close()
	if err := p.cmd.Wait(); err != nil {
		p.t.Fatalf("%v\n%s", err, p.errors.String())
	}
}
