package sms_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"

	"duban/models/modelstest"
	"duban/notifier/sms"
)

// fakeCarrier is Kannel's own stand-in for a carrier, of kannel-extras.
const fakeCarrier = "/usr/lib/kannel/test/fakesmsc"

// kannel is a real Kannel: bearerbox and smsbox, with a carrier behind them.
type kannel struct {
	t        *testing.T
	dir      string
	sendsms  string           // address of the interface
	arrivals chan string      // lines of the carrier: from, to, kind, data
	receipts chan sms.Receipt // what Kannel reports to us
	callback string
}

func startKannel(t *testing.T) *kannel {
	t.Helper()
	bearerbox, errB := exec.LookPath("bearerbox")
	smsbox, errS := exec.LookPath("smsbox")
	_, errF := os.Stat(fakeCarrier)
	modelstest.Require(t, errors.Join(errB, errS, errF) == nil, "Kannel (packages kannel and kannel-extras)")

	k := &kannel{t: t, dir: t.TempDir(), arrivals: make(chan string, 100), receipts: make(chan sms.Receipt, 100)}
	k.listen()
	admin, box, carrier, sendsms := freePort(t), freePort(t), freePort(t), freePort(t)
	k.sendsms = "http://127.0.0.1:" + sendsms
	config := filepath.Join(k.dir, "kannel.conf")
	text := fmt.Sprintf(kannelConf, admin, box, carrier, box, sendsms)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	k.run("bearerbox", bearerbox, "-v", "1", config)
	dial(t, box)
	dial(t, carrier) // fakesmsc does not wait for it
	k.watch(k.run("carrier", fakeCarrier, "-H", "127.0.0.1", "-r", carrier, "-m", "0", "1 2 text x"))
	k.run("smsbox", smsbox, "-v", "1", config)
	dial(t, sendsms)
	return k
}

const kannelConf = `group = core
admin-port = %s
admin-interface = 127.0.0.1
admin-password = unused
smsbox-port = %s
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
dlr-storage = internal

group = smsc
smsc = fake
smsc-id = carrier
port = %s
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = %s
sendsms-port = %s
sendsms-interface = 127.0.0.1
global-sender = 1069

group = sendsms-user
username = duban
password = s3cret
concatenation = true
max-messages = 10
user-allow-ip = 127.0.0.1
`

// listen takes Kannel's reports, as the server will.
func (k *kannel) listen() {
	v, err := sms.NewReceiver(sms.ReceiverConfig{Kind: sms.KindKannel, Token: token})
	if err != nil {
		k.t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, err := v.Receive(r)
		if err != nil {
			k.t.Errorf("a report of Kannel, %s: %v", r.URL, err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		for _, c := range got {
			k.receipts <- c
		}
		contentType, body := sms.Reply(sms.KindKannel)
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}))
	k.t.Cleanup(server.Close)
	k.callback = server.URL + "/sms/kannel/" + token
}

// run starts a program in the foreground, which ends with the test, and
// returns where its output goes.
func (k *kannel) run(name, program string, args ...string) string {
	k.t.Helper()
	log, err := os.Create(filepath.Join(k.dir, name+".log"))
	if err != nil {
		k.t.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = k.dir, log, log
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	k.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(3 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		_ = log.Close()
		if k.t.Failed() {
			b, _ := os.ReadFile(log.Name())
			k.t.Logf("%s:\n%s", name, b)
		}
	})
	return log.Name()
}

var arrived = regexp.MustCompile(`(?i)got message \d+: <(.*)>`)

// watch reads what the carrier gets.
func (k *kannel) watch(log string) {
	f, err := os.Open(log)
	if err != nil {
		k.t.Fatal(err)
	}
	done := make(chan struct{})
	k.t.Cleanup(func() { close(done); _ = f.Close() })
	go func() {
		r := bufio.NewReader(f)
		line := ""
		for {
			part, err := r.ReadString('\n')
			line += part
			if err == nil {
				if m := arrived.FindStringSubmatch(line); m != nil {
					k.arrivals <- m[1]
				}
				line = ""
				continue
			}
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// dial waits until somebody listens.
func dial(t *testing.T, port string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if c, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second); err == nil {
			_ = c.Close()
			return
		}
	}
	t.Fatalf("nobody listens on port %s", port)
}

func (k *kannel) gateway(password string) sms.Provider {
	k.t.Helper()
	g, err := sms.NewKannel(sms.KannelConfig{Options: sms.Options{Endpoint: k.sendsms}, Username: "duban", Password: password, CallbackURL: k.callback})
	if err != nil {
		k.t.Fatal(err)
	}
	return g
}

// part waits for the next piece at the carrier, and returns its header and
// its words.
func (k *kannel) part() (to, header, text string) {
	k.t.Helper()
	select {
	case line := <-k.arrivals:
		f := strings.Fields(line)
		if len(f) < 4 {
			k.t.Fatalf("the carrier got %q", line)
		}
		if f[2] == "udh" {
			header = f[3]
		}
		data, err := url.QueryUnescape(f[len(f)-1])
		if err != nil {
			k.t.Fatal(err)
		}
		units := make([]uint16, 0, len(data)/2)
		for i := 0; i+1 < len(data); i += 2 {
			units = append(units, uint16(data[i])<<8|uint16(data[i+1]))
		}
		return f[1], header, string(utf16.Decode(units))
	case <-time.After(20 * time.Second):
		k.t.Fatal("nothing arrived at the carrier")
	}
	return "", "", ""
}

// until waits for a receipt of the state.
func (k *kannel) until(want sms.State) sms.Receipt {
	k.t.Helper()
	for timeout := time.After(20 * time.Second); ; {
		select {
		case r := <-k.receipts:
			if r.State == want {
				return r
			}
		case <-timeout:
			k.t.Fatalf("no receipt says %s", want)
		}
	}
}
