package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"duban/models"
	"duban/models/modelstest"
)

const (
	kills        = 50
	dutiesARound = 30
	crashWorkers = 2
	crashBatch   = 10
)

// TestKilledAtAnyMomentNothingIsLostOrSaidTwice kills the program 50 times
// with SIGKILL while it sweeps and sends, and then lets it finish.
func TestKilledAtAnyMomentNothingIsLostOrSaidTwice(t *testing.T) {
	for _, driver := range []models.Driver{models.SQLite, models.MySQL} {
		t.Run(string(driver), func(t *testing.T) {
			t.Parallel()
			c := newCrash(t, driver)
			for range kills {
				c.addDuties(dutiesARound)
				c.runAndKill()
			}
			c.finish()
			c.check()
		})
	}
}

// crash is a database, a mail server that counts, and the program between them.
type crash struct {
	t       *testing.T
	store   *models.Store
	mail    *countingServer
	environ []string
	random  *rand.Rand

	duties               int
	sweeping, delivering int // kills that left a sweep, or a delivery, half done
}

func newCrash(t *testing.T, driver models.Driver) *crash {
	dsn := modelstest.NewDSN(t, driver)
	s, err := models.Open(t.Context(), models.Options{Driver: driver, DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	m := startCountingServer(t)
	c := &crash{
		t: t, store: s, mail: m,
		random: rand.New(rand.NewPCG(9, 9)),
		environ: []string{
			"DUBAN_DATABASE_DRIVER=" + string(driver), "DUBAN_DATABASE_DSN=" + dsn,
			"DUBAN_MAIL_HOST=127.0.0.1", "DUBAN_MAIL_PORT=" + m.port(), "DUBAN_MAIL_SECURITY=none", "DUBAN_MAIL_FROM=duban@example.com",
			"DUBAN_MAIL_TIMEOUT=5s", "DUBAN_OUTBOX_DIR=" + t.TempDir(), "DUBAN_OUTBOX_LEASE=10s", "DUBAN_OUTBOX_BATCH=" + strconv.Itoa(crashBatch),
			"DUBAN_OUTBOX_WORKERS=" + strconv.Itoa(crashWorkers),
		},
	}
	err = s.Tx(t.Context(), "tester", func(tx *models.Tx) error {
		// One hears of each duty by itself, the other in digests.
		for account, digest := range map[string]models.DigestChoice{"each": models.DigestOff, "digests": models.DigestDaily} {
			u := models.User{
				Account: account, Name: "张三", Email: account + "@example.com", Language: models.Chinese,
				Roles: []models.Role{models.RoleFinance}, Active: true,
			}
			if _, _, err := tx.SaveUser(&u); err != nil {
				return err
			}
			if err := tx.SaveReach(u.ID, models.Reach{Digest: digest}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// addDuties adds duties of which each is to be said something about today.
func (c *crash) addDuties(n int) {
	err := c.store.Tx(c.t.Context(), "tester", func(tx *models.Tx) error {
		for i := range n {
			o := models.Obligation{
				Subject: models.UnitSubject(1), UnitID: 1, FiscalYear: 2025, Kind: models.Custom, Sequence: c.duties + i,
				Title: fmt.Sprintf("事项 %d", c.duties+i), DueOn: c.store.Today().AddDays(2),
			}
			if err := tx.AddObligation(&o); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.duties += n
}

// start starts `duban send --sweep` as a process of its own.
func (c *crash) start(ctx context.Context) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], "send", "--sweep")
	cmd.Env = append(slices.Clone(c.environ), envRun+"=1", "HOME="+os.Getenv("HOME"), "PATH="+os.Getenv("PATH"))
	return cmd
}

func (c *crash) runAndKill() {
	cmd := c.start(c.t.Context())
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	// Half of the kills come soon after the start, when it sweeps, and half
	// after the first delivery.
	until := func() bool { return c.random.IntN(8) == 0 }
	if c.random.IntN(2) == 0 {
		had := c.mail.total()
		until = func() bool { return c.mail.total() > had }
	}
	for deadline := time.Now().Add(5 * time.Second); !until() && time.Now().Before(deadline); {
		time.Sleep(2 * time.Millisecond)
	}
	time.Sleep(time.Duration(c.random.IntN(60)) * time.Millisecond)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if c.count("obligations", "checked_on IS NULL") > 0 {
		c.sweeping++
	} else if c.count("notifications", "state IN ?", []string{"pending", "sending"}) > 0 {
		c.delivering++
	}
}

func (c *crash) count(table, where string, args ...any) int {
	var n int64
	if err := c.store.Read(c.t.Context()).Table(table).Where(where, args...).Count(&n).Error; err != nil {
		c.t.Fatal(err)
	}
	return int(n)
}

// finish runs the program until everything is sent. Messages that a killed
// one had in hand come back when its lease runs out.
func (c *crash) finish() {
	ctx, cancel := context.WithTimeout(c.t.Context(), 90*time.Second)
	defer cancel()
	for {
		if out, err := c.start(ctx).CombinedOutput(); err != nil {
			c.t.Fatalf("%v\n%s", err, out)
		}
		if c.count("notifications", "state IN ?", []string{"held", "pending", "sending", "failed"}) == 0 {
			return
		}
		time.Sleep(time.Second)
	}
}

func (c *crash) check() {
	all, err := c.store.NotificationsAfter(c.t.Context(), 0)
	if err != nil {
		c.t.Fatal(err)
	}
	byID := map[int64]models.Notification{}
	told := map[[2]int64]int{} // how often a person hears of a duty
	repeats, uncertain, digests := 0, 0, 0
	for _, n := range all {
		byID[n.ID] = n
	}
	for _, n := range all {
		if n.DigestID != 0 && n.Reason == models.SuppressedDigest {
			if byID[n.DigestID].Payload.Digest == nil {
				c.t.Errorf("message %d is told by message %d, which is no digest", n.ID, n.DigestID)
			}
			continue
		}
		if d := n.Payload.Digest; d != nil {
			digests++
			for _, i := range d.Items {
				told[[2]int64{n.RecipientID, i.ObligationID}]++
			}
		} else {
			told[[2]int64{n.RecipientID, n.ObligationID}]++
		}
		arrived := c.mail.times(n.ProviderID)
		switch {
		case n.State != models.NotificationSent:
			c.t.Errorf("message %d is %s (%s)", n.ID, n.State, n.LastError)
		case arrived == 0:
			c.t.Errorf("message %d is marked as sent and never arrived", n.ID)
		case arrived > 1+n.Uncertain:
			c.t.Errorf("message %d arrived %d times, but only %d attempts are uncertain", n.ID, arrived, n.Uncertain)
		}
		repeats += arrived - 1
		uncertain += n.Uncertain
	}
	for who, times := range told {
		if times != 1 {
			c.t.Errorf("user %d heard of duty %d %d times", who[0], who[1], times)
		}
	}
	if len(told) != 2*c.duties || digests == 0 {
		c.t.Errorf("%d of two people's %d duties are told, in %d digests", len(told), c.duties, digests)
	}
	// One worker has what goes to one person, and at most its batch was sent and
	// not recorded.
	if repeats > kills*2*crashBatch {
		c.t.Errorf("%d repeats; a kill can cause %d at most", repeats, 2*crashBatch)
	}
	if _, err := c.store.VerifyAudit(c.t.Context()); err != nil {
		c.t.Error(err)
	}
	c.t.Logf("%d kills: %d during a sweep, %d during a delivery; %d messages and %d digests, %d attempts of unknown outcome, %d repeats at the server",
		kills, c.sweeping, c.delivering, len(all), digests, uncertain, repeats)
	if c.sweeping == 0 || c.delivering == 0 {
		c.t.Error("the kills did not fall into both a sweep and a delivery")
	}
}

// countingServer is a real SMTP server that counts arrivals by Message-ID.
type countingServer struct {
	listener net.Listener
	mu       sync.Mutex
	arrived  map[string]int
}

func startCountingServer(t *testing.T) *countingServer {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &countingServer{listener: l, arrived: map[string]int{}}
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &countingSession{s}, nil }))
	srv.ErrorLog = log.New(io.Discard, "", 0)
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	return s
}

func (s *countingServer) port() string {
	_, port, _ := net.SplitHostPort(s.listener.Addr().String())
	return port
}

func (s *countingServer) total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, times := range s.arrived {
		n += times
	}
	return n
}

func (s *countingServer) times(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.arrived[id]
}

type countingSession struct{ *countingServer }

func (*countingSession) Mail(string, *smtp.MailOptions) error { return nil }
func (*countingSession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (*countingSession) Reset()                               {}
func (*countingSession) Logout() error                        { return nil }

func (s *countingSession) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, m.Body); err != nil {
		return err
	}
	id := m.Header.Get("Message-ID")
	if id == "" {
		return errors.New("no Message-ID")
	}
	s.mu.Lock()
	s.arrived[id]++
	s.mu.Unlock()
	time.Sleep(2 * time.Millisecond) // a server that takes its time
	return nil
}
