package notifier_test

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"duban/models/modelstest"
	"duban/notifier"
)

// exim is a mail server as it is found in the field. It speaks on loopback,
// keeps all its files to itself, and ends with the test.
type exim struct {
	t      testing.TB
	dir    string
	caFile string
	ports  [len(eximPorts)]int
}

// eximPorts are what its ports offer, in their order.
var eximPorts = [...]struct {
	name     string
	security notifier.Security
}{
	{"STARTTLS, PLAIN", notifier.StartTLS},
	{"STARTTLS, LOGIN", notifier.StartTLS},
	{"TLS, PLAIN", notifier.ImplicitTLS},
	{"no TLS", notifier.NoTLS}, // and no authentication: a relay on the same machine
}

// eximConf takes what an authenticated client, or one on the relay's port,
// sends to anybody but "nobody", and to "grey" once it has been let in.
const eximConf = `
primary_hostname = mail.example.gov.cn
local_interfaces = <; %[1]s
tls_on_connect_ports = %[4]d
spool_directory = %[6]s/spool
log_file_path = %[6]s/log/%%slog
exim_user = %[7]s
exim_group = %[8]s
deliver_drop_privilege
keep_environment =
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max = 50
smtp_accept_max_per_connection = 1000000
message_logs = false
queue_only = %[9]t
tls_advertise_hosts = ${if eq{$received_port}{%[5]d}{}{*}}
tls_certificate = %[6]s/cert.pem
tls_privatekey = %[6]s/key.pem
acl_smtp_rcpt = rcpt

begin acl
rcpt:
  deny    condition = ${if and{{!eq{$received_port}{%[5]d}}{!def:sender_host_authenticated}}}
          message   = authentication required
  deny    local_parts = nobody
          message   = no such user
  defer   local_parts = grey
          condition = ${if !exists{%[6]s/known}}
          message   = greylisted, try again later
  accept

begin routers
everybody:
  driver = accept
  transport = files

begin transports
files:
  driver = appendfile
  directory = %[6]s/mail
  maildir_format

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_advertise_condition = ${if and{{def:tls_in_cipher}{!eq{$received_port}{%[3]d}}}}
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{%[10]s}}{eq{$auth3}{%[11]s}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_advertise_condition = ${if and{{def:tls_in_cipher}{eq{$received_port}{%[3]d}}}}
  server_prompts = <| Username: | Password:
  server_condition = ${if and{{eq{$auth1}{%[10]s}}{eq{$auth2}{%[11]s}}}}
  server_set_id = $auth1
`

// startExim returns a server that listens. One that only queues delivers
// nothing.
func startExim(t testing.TB, queueOnly bool) *exim {
	t.Helper()
	binary, err := exec.LookPath("/usr/sbin/exim4")
	modelstest.Require(t, err == nil, "exim4")
	e := &exim{t: t, dir: t.TempDir()}
	owner := e.prepare()
	var interfaces []string
	for i := range e.ports {
		e.ports[i] = freePort(t)
		interfaces = append(interfaces, fmt.Sprintf("[127.0.0.1]:%d", e.ports[i]))
	}
	conf := filepath.Join(e.dir, "exim.conf")
	e.write(conf, []byte(fmt.Sprintf(eximConf, strings.Join(interfaces, " ; "), e.ports[0], e.ports[1], e.ports[2], e.ports[3],
		e.dir, owner.Username, groupOf(t, owner), queueOnly, username, password)))
	cmd := exec.Command(binary, "-C", conf, "-bdf", "-q1h", "-oP", filepath.Join(e.dir, "pid"))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = 5 * time.Second // its children hold both
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	for deadline := time.Now().Add(20 * time.Second); !e.greets(); time.Sleep(20 * time.Millisecond) {
		select {
		case <-ended:
			t.Fatalf("exim4 does not start:\n%s", said.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("exim4 does not answer")
		}
	}
	return e
}

// prepare lays out the files for the account under which exim runs: root may
// not deliver.
func (e *exim) prepare() *user.User {
	e.t.Helper()
	owner, err := user.Current()
	if err == nil && owner.Uid == "0" {
		owner, err = user.Lookup("Debian-exim")
	}
	if err != nil {
		e.t.Fatal(err)
	}
	authority := &mailServer{t: e.t}
	authority.issueCertificates()
	e.caFile = authority.caFile
	key, err := x509.MarshalPKCS8PrivateKey(authority.good.PrivateKey)
	if err != nil {
		e.t.Fatal(err)
	}
	e.write(filepath.Join(e.dir, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.good.Certificate[0]}))
	e.write(filepath.Join(e.dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	uid, _ := strconv.Atoi(owner.Uid)
	gid, _ := strconv.Atoi(owner.Gid)
	for _, name := range []string{"spool", "log", "mail"} {
		dir := filepath.Join(e.dir, name)
		if err := os.Mkdir(dir, 0o750); err != nil {
			e.t.Fatal(err)
		}
		if err := os.Chown(dir, uid, gid); err != nil {
			e.t.Fatal(err)
		}
	}
	for _, dir := range []string{e.dir, filepath.Dir(e.dir)} { // the test's own, which others may not enter
		if err := os.Chmod(dir, 0o755); err != nil {
			e.t.Fatal(err)
		}
	}
	return owner
}

func (e *exim) write(name string, content []byte) {
	e.t.Helper()
	if err := os.WriteFile(name, content, 0o644); err != nil {
		e.t.Fatal(err)
	}
}

func groupOf(t testing.TB, u *user.User) string {
	t.Helper()
	g, err := user.LookupGroupId(u.Gid)
	if err != nil {
		t.Fatal(err)
	}
	return g.Name
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// relay is the port without TLS and authentication.
func (e *exim) relay() int { return e.ports[3] }

// greets reports whether the server answers.
func (e *exim) greets() bool {
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", e.relay()))
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	line, err := bufio.NewReader(c).ReadString('\n')
	return err == nil && strings.HasPrefix(line, "220 ")
}

// config is for one of the ports.
func (e *exim) config(port int) notifier.SMTPConfig {
	cfg := notifier.SMTPConfig{
		Host: "127.0.0.1", Port: e.ports[port], Security: eximPorts[port].security, CAFile: e.caFile,
		Username: username, Password: password, From: "duban@example.gov.cn", FromName: "督办系统", HELO: "duban.example.gov.cn",
	}
	if cfg.Security == notifier.NoTLS {
		cfg.Username, cfg.Password = "", ""
	}
	return cfg
}

// delivered waits for n messages to an address, and returns them.
func (e *exim) delivered(to string, n int) []string {
	e.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var raw []string
		files, _ := filepath.Glob(filepath.Join(e.dir, "mail", "new", "*"))
		for _, name := range files {
			content, err := os.ReadFile(name)
			if err != nil {
				e.t.Fatal(err)
			}
			if strings.Contains(string(content), "<"+to+">") {
				raw = append(raw, string(content))
			}
		}
		if len(raw) == n {
			return raw
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(e.dir, "log", "mainlog"))
			e.t.Fatalf("%s has %d messages, want %d; the server says:\n%s", to, len(raw), n, log)
		}
	}
}
