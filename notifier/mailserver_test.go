package notifier_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"duban/notifier"
)

// faults is how a mail server misbehaves; the zero value behaves.
type faults struct {
	greeting      string // answered instead of 220, and the connection closed
	hangGreeting  bool   // accept the connection and say nothing
	mail, rcpt    *smtp.SMTPError
	data          *smtp.SMTPError
	hangData      bool // take the message, but never answer
	closeMidData  bool // close while the message is under way
	closeAfterDot bool // accept the message, and close before the answer
	badCert       bool // present a certificate for another host
	refuseAuth    bool
	after         int // the faults of a message begin after so many messages
}

// received is a message that the server took responsibility for.
type received struct {
	From, To string
	ID       string // Message-ID
	Raw      string
}

const username, password = "duban", "s3cret-口令"

// mailServer is a real SMTP server on loopback.
type mailServer struct {
	t        testing.TB
	addr     string
	implicit bool
	auth     bool
	caFile   string
	good     tls.Certificate
	bad      tls.Certificate
	arrived  chan received // every message, as it is accepted

	mu          sync.Mutex
	srv         *smtp.Server
	listener    net.Listener
	faults      faults
	connections int
	messages    []received
	silent      []net.Conn    // those that hang at the greeting
	over        chan struct{} // closed when the present faults end
}

func startMailServer(t testing.TB, security notifier.Security, auth bool) *mailServer {
	t.Helper()
	s := &mailServer{
		t: t, addr: "127.0.0.1:0", implicit: security == notifier.ImplicitTLS, auth: auth,
		arrived: make(chan received, 2000), over: make(chan struct{}),
	}
	if security != notifier.NoTLS {
		s.issueCertificates()
	}
	s.start()
	t.Cleanup(func() {
		s.behave(faults{})
		s.stop()
	})
	return s
}

func (s *mailServer) start() {
	s.t.Helper()
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.addr = l.Addr().String()
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{server: s, conn: c}, nil
	}))
	srv.Domain = "mail.example.gov.cn"
	srv.AllowInsecureAuth = s.caFile == ""
	srv.ErrorLog = log.New(io.Discard, "", 0)
	var listener net.Listener = &faultyListener{Listener: l, server: s}
	if s.caFile != "" {
		cfg := &tls.Config{GetCertificate: s.certificate}
		if s.implicit {
			listener = tls.NewListener(listener, cfg)
		} else {
			srv.TLSConfig = cfg
		}
	}
	s.mu.Lock()
	s.srv, s.listener = srv, l
	s.mu.Unlock()
	go func() { _ = srv.Serve(listener) }()
}

// stop closes the listener and every connection: the port refuses.
func (s *mailServer) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.srv.Close()
	_ = s.listener.Close() // which the server may not know yet
}

// behave replaces the faults, and lets go of whoever hangs.
func (s *mailServer) behave(f faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
	close(s.over)
	s.over = make(chan struct{})
	for _, c := range s.silent {
		_ = c.Close()
	}
	s.silent = nil
}

func (s *mailServer) now() (faults, chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.faults
	if len(s.messages) < f.after {
		f = faults{}
	}
	return f, s.over
}

func (s *mailServer) connected() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connections
}

func (s *mailServer) inbox() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.messages...)
}

// copies counts the messages by Message-ID.
func (s *mailServer) copies() map[string]int {
	n := map[string]int{}
	for _, m := range s.inbox() {
		n[m.ID]++
	}
	return n
}

func (s *mailServer) config(security notifier.Security) notifier.SMTPConfig {
	host, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	p, err := net.LookupPort("tcp", port)
	if err != nil {
		s.t.Fatal(err)
	}
	cfg := notifier.SMTPConfig{
		Host: host, Port: p, Security: security, CAFile: s.caFile,
		From: "duban@example.gov.cn", FromName: "督办系统", HELO: "duban.example.gov.cn",
		Timeout: 10 * time.Second, Connections: 1,
	}
	if s.auth {
		cfg.Username, cfg.Password = username, password
	}
	return cfg
}

func (s *mailServer) channel(cfg notifier.SMTPConfig) *notifier.SMTP {
	s.t.Helper()
	ch, err := notifier.NewSMTP(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = ch.Close() })
	return ch
}

// faultyListener counts connections, and keeps those to itself that never see
// a proper greeting.
type faultyListener struct {
	net.Listener
	server *mailServer
}

func (l *faultyListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		s := l.server
		s.mu.Lock()
		s.connections++
		f := s.faults
		if f.hangGreeting {
			s.silent = append(s.silent, c)
		}
		s.mu.Unlock()
		switch {
		case f.hangGreeting:
		case f.greeting != "":
			_, _ = io.WriteString(c, f.greeting+"\r\n")
			_ = c.Close()
		default:
			return c, nil
		}
	}
}

// session is one SMTP dialogue.
type session struct {
	server   *mailServer
	conn     *smtp.Conn
	welcome  bool // authenticated
	from, to string
}

func (s *session) AuthMechanisms() []string {
	if !s.server.auth {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, pass string) error {
		if f, _ := s.server.now(); f.refuseAuth || user != username || pass != password {
			return smtp.ErrAuthFailed
		}
		s.welcome = true
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.server.auth && !s.welcome {
		return smtp.ErrAuthRequired
	}
	s.from = from
	if f, _ := s.server.now(); f.mail != nil {
		return f.mail
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	if f, _ := s.server.now(); f.rcpt != nil {
		return f.rcpt
	}
	return nil
}

var errHungUp = errors.New("hung up")

func (s *session) Data(r io.Reader) error {
	f, over := s.server.now()
	if f.closeMidData {
		_, _ = io.ReadFull(r, make([]byte, 10))
		_ = s.conn.Conn().Close()
		return errHungUp
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if f.hangData {
		<-over
		return errHungUp
	}
	if f.data != nil {
		return f.data
	}
	s.accept(string(raw))
	if f.closeAfterDot {
		_ = s.conn.Conn().Close()
		return errHungUp
	}
	return nil
}

func (s *session) accept(raw string) {
	m, err := netmail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		s.server.t.Errorf("the server got no RFC 5322 message: %v", err)
		return
	}
	got := received{From: s.from, To: s.to, ID: m.Header.Get("Message-ID"), Raw: raw}
	s.server.mu.Lock()
	s.server.messages = append(s.server.messages, got)
	s.server.mu.Unlock()
	s.server.arrived <- got
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func (s *mailServer) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if f, _ := s.now(); f.badCert {
		return &s.bad, nil
	}
	return &s.good, nil
}

// issueCertificates makes an authority, a certificate for loopback and one for
// somebody else.
func (s *mailServer) issueCertificates() {
	s.t.Helper()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "duban test CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	key := s.key()
	der := s.sign(ca, ca, key, key)
	s.good = s.leaf(ca, key, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} })
	s.bad = s.leaf(ca, key, func(c *x509.Certificate) { c.DNSNames = []string{"elsewhere.example.com"} })
	s.caFile = filepath.Join(s.t.TempDir(), "ca.pem")
	if err := os.WriteFile(s.caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *mailServer) leaf(ca *x509.Certificate, caKey *ecdsa.PrivateKey, name func(*x509.Certificate)) tls.Certificate {
	key := s.key()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	name(c)
	return tls.Certificate{Certificate: [][]byte{s.sign(c, ca, key, caKey)}, PrivateKey: key}
}

func (s *mailServer) key() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	return key
}

func (s *mailServer) sign(c, ca *x509.Certificate, key, caKey *ecdsa.PrivateKey) []byte {
	der, err := x509.CreateCertificate(rand.Reader, c, ca, &key.PublicKey, caKey)
	if err != nil {
		s.t.Fatal(err)
	}
	return der
}
