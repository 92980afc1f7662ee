package notifier_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/jonboulle/clockwork"
	"github.com/wneessen/go-mail"

	"duban/models"
	"duban/models/modelstest"
	"duban/notifier"
)

// sink is a mail server that takes every message and keeps none.
type sink struct{}

func (sink) Mail(string, *smtp.MailOptions) error { return nil }
func (sink) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (sink) Data(r io.Reader) error               { _, err := io.Copy(io.Discard, r); return err }
func (sink) Reset()                               {}
func (sink) Logout() error                        { return nil }

// startSink returns the port of a sink.
func startSink(b *testing.B) int {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return sink{}, nil }))
	srv.ErrorLog = log.New(io.Discard, "", 0)
	go func() { _ = srv.Serve(l) }()
	b.Cleanup(func() { _ = srv.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

// benchConnections are the connections to the mail server, on either side of
// the comparison.
const benchConnections = 4

// BenchmarkOutbox measures messages a second through the outbox, claimed,
// judged, worded, sent and recorded, against a loop that has nothing but the
// finished words and the mail library, over as many connections, in the same
// run. The goal is a ratio of 0.8 with a real peer, an exim that keeps every
// message in its queue. One that keeps nothing costs almost nothing, so that the
// ratio shows the price of wording and recording alone.
func BenchmarkOutbox(b *testing.B) {
	for _, driver := range []models.Driver{models.SQLite, models.MySQL} {
		b.Run(string(driver), func(b *testing.B) { benchOutbox(b, driver, startSink(b), 2000) })
		b.Run("exim/"+string(driver), func(b *testing.B) { benchOutbox(b, driver, startExim(b, true).relay(), 500) })
	}
}

func benchOutbox(b *testing.B, driver models.Driver, port, messages int) {
	b.Helper()
	s := modelstest.Open(b, driver, clockwork.NewRealClock())
	o := newOutbox(b, s, clockwork.NewRealClock())
	people := make([]models.User, messages) // a digest has seen to it that each hears one thing
	for i := range people {
		people[i] = o.user()
	}
	smtp, err := notifier.NewSMTP(notifier.SMTPConfig{
		Host: "127.0.0.1", Port: port, Security: notifier.NoTLS, From: "duban@example.gov.cn", FromName: "督办提醒", Connections: benchConnections,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = smtp.Close() }) // an exim waits for its connections to end
	d := o.dispatcher(smtp, func(c *notifier.Config) { c.Workers, c.Batch = 2*benchConnections, 25 })
	var bare, ours time.Duration
	for b.Loop() {
		b.StopTimer()
		rows := make([]models.Notification, messages)
		for i := range rows {
			rows[i] = o.message(people[i%len(people)], func(n *models.Notification) { n.ObligationID = int64(1000 + i) })
		}
		o.enqueue(rows)
		bare += bareLoop(b, port, o, people, messages)
		b.StartTimer()
		began := time.Now()
		stats, err := d.Drain(b.Context())
		ours += time.Since(began)
		if err != nil || stats.Sent != messages {
			b.Fatalf("%+v, %v", stats, err)
		}
	}
	sent := float64(messages * b.N)
	b.ReportMetric(sent/ours.Seconds(), "msg/s")
	b.ReportMetric(sent/bare.Seconds(), "bare-msg/s")
	b.ReportMetric(bare.Seconds()/ours.Seconds(), "ratio")
}

// bareLoop sends as many messages of the same words by the mail library alone.
func bareLoop(b *testing.B, port int, o *outbox, people []models.User, messages int) time.Duration {
	b.Helper()
	t, err := notifier.NewTemplates("")
	if err != nil {
		b.Fatal(err)
	}
	words, err := t.Render(o.rows()[0], people[0])
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	var wg sync.WaitGroup
	for w := range benchConnections {
		wg.Go(func() {
			if err := bareWorker(b.Context(), port, words, people, w, messages); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}

func bareWorker(ctx context.Context, port int, words notifier.Message, people []models.User, first, messages int) error {
	client, err := mail.NewClient("127.0.0.1", mail.WithPort(port), mail.WithTLSPolicy(mail.NoTLS), mail.WithoutNoop(), mail.WithoutRset())
	if err != nil {
		return err
	}
	if err := client.DialWithContext(ctx); err != nil {
		return err
	}
	for i := first; i < messages; i += benchConnections {
		m := mail.NewMsg()
		if err := m.FromFormat("督办提醒", "duban@example.gov.cn"); err != nil {
			return err
		}
		if err := m.To(people[i%len(people)].Email); err != nil {
			return err
		}
		m.Subject(words.Subject)
		m.SetMessageIDWithValue(strconv.Itoa(i) + "@example.gov.cn")
		m.SetDate()
		m.SetBodyString(mail.TypeTextPlain, words.Text)
		m.AddAlternativeString(mail.TypeTextHTML, words.HTML)
		if err := client.Send(m); err != nil {
			return fmt.Errorf("message %d: %w", i, err)
		}
	}
	return client.Close()
}
