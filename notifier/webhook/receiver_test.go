package webhook

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/net/dns/dnsmessage"

	"duban/notifier"
)

const (
	secret  = "whsec-0123456789abcdef"
	pathKey = "K3y-in-the-path"
)

// receiver is a program that takes messages as our documents tell it to: it
// checks the signature and the time, and drops repeats.
type receiver struct {
	*httptest.Server
	clock *clockwork.FakeClock

	mu       sync.Mutex
	answer   http.HandlerFunc // instead, if set
	requests int
	taken    map[string]document
	repeats  int
}

func startReceiver(t testing.TB, listen string, secure bool) *receiver {
	t.Helper()
	r := &receiver{clock: clockwork.NewFakeClockAt(time.Now()), taken: map[string]document{}}
	r.Server = httptest.NewUnstartedServer(r)
	r.Config.ErrorLog = log.New(io.Discard, "", 0)
	l, err := net.Listen("tcp", listen)
	if err != nil {
		t.Skipf("cannot listen on %s: %v", listen, err) // not every system has all of 127.0.0.0/8
	}
	_ = r.Listener.Close()
	r.Listener = l
	if secure {
		r.StartTLS()
	} else {
		r.Start()
	}
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) misbehave(answer http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *receiver) asked() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests
}

var aSignature = regexp.MustCompile(`^t=(\d+),v1=([0-9a-f]{64})$`)

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests++
	if answer := r.answer; answer != nil {
		r.mu.Unlock()
		defer r.mu.Lock()
		answer(w, req)
		return
	}
	body, err := io.ReadAll(req.Body)
	signature := aSignature.FindStringSubmatch(req.Header.Get(SignatureHeader))
	if err != nil || req.Method != http.MethodPost || signature == nil ||
		!strings.HasPrefix(req.Header.Get("Content-Type"), "application/json") {
		http.Error(w, "not a message", http.StatusBadRequest)
		return
	}
	seconds, _ := strconv.ParseInt(signature[1], 10, 64)
	if signature[2] != byHand(secret, signature[1]+"."+string(body)) || r.clock.Now().Sub(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		http.Error(w, "not signed", http.StatusUnauthorized)
		return
	}
	var d document
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil || d.Key == "" || d.Key != req.Header.Get(IDHeader) {
		http.Error(w, fmt.Sprint("not a document: ", err), http.StatusUnprocessableEntity)
		return
	}
	if _, repeat := r.taken[d.Key]; repeat {
		r.repeats++
	}
	r.taken[d.Key] = d
	w.WriteHeader(http.StatusAccepted)
}

// byHand computes HMAC-SHA256 as RFC 2104 writes it, so that messages are not
// checked with what signs them.
func byHand(key, message string) string {
	inner, outer := bytes.Repeat([]byte{0x36}, 64), bytes.Repeat([]byte{0x5c}, 64)
	for i := range len(key) { // at most 64
		inner[i] ^= key[i]
		outer[i] ^= key[i]
	}
	first := sha256.Sum256(append(inner, message...))
	second := sha256.Sum256(append(outer, first[:]...))
	return hex.EncodeToString(second[:])
}

func (r *receiver) webhook(t testing.TB, change func(*Config)) *Webhook {
	t.Helper()
	cfg := Config{
		URL: r.URL + "/hooks/" + pathKey, Secret: secret, Allow: []string{"127.0.0.0/8"},
		Clock: r.clock, Timeout: 5 * time.Second,
	}
	if change != nil {
		change(&cfg)
	}
	w, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

// caFile returns a file with the receiver's certificate.
func (r *receiver) caFile(t testing.TB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw})
	if err := os.WriteFile(file, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// names is a name server whose owner changes the answers.
type names struct {
	mu      sync.Mutex
	addrs   []netip.Addr
	lookups int
}

func (n *names) mean(addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addrs = nil
	for _, a := range addrs {
		n.addrs = append(n.addrs, netip.MustParseAddr(a))
	}
}

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go n.serve(server)
		return client, nil
	}}
}

// serve answers the queries on a connection, as over TCP.
func (n *names) serve(conn net.Conn) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		reply, err := n.reply(query)
		if err != nil {
			return
		}
		_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
	}
}

func (n *names) reply(query []byte) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || len(m.Questions) != 1 {
		return nil, errors.Join(err, errors.New("not a query"))
	}
	n.lookups++
	q := m.Questions[0]
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	for _, a := range n.addrs {
		h := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class} // TTL 0
		switch {
		case a.Is4() && q.Type == dnsmessage.TypeA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: a.As4()}})
		case a.Is6() && q.Type == dnsmessage.TypeAAAA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		}
	}
	return m.Pack()
}

var reminder = notifier.Message{
	NotificationID: 7, Key: "7-0123456789abcdef", Name: "张三", Address: "zhang@example.gov.cn",
	Subject: "【督办】还有 7 天", Text: "张三，您好：\n<请> 查看 & 办理\n", HTML: "<p>…</p>",
	Date: time.Date(2026, 3, 1, 8, 0, 0, 0, time.FixedZone("", 8*3600)),
}

func wantFailure(t testing.TB, err error, class notifier.Class, code string) *notifier.SendError {
	t.Helper()
	var e *notifier.SendError
	if !errors.As(err, &e) {
		t.Fatalf("failure %v, want %v %s", err, class, code)
	}
	if e.Class != class || e.Code != code {
		t.Fatalf("failure %v (%v, %v), want %v %s", err, e.Class, e.Err, class, code)
	}
	for _, said := range []string{e.Error(), fmt.Sprint(e.Err)} {
		if strings.Contains(said, pathKey) || strings.Contains(said, secret) {
			t.Errorf("a secret is told: %s", said)
		}
	}
	return e
}
