package notifier_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"duban/models"
	"duban/notifier"
)

// envReplica makes the test binary be a program that drains an outbox, and
// perhaps kills itself meanwhile. It holds a replica.
const envReplica = "DUBAN_TEST_REPLICA"

func TestMain(m *testing.M) {
	if said := os.Getenv(envReplica); said != "" {
		if err := obey(said); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// point is a moment in the life of a message at which a program may die.
type point string

const (
	nowhere      point = ""
	claimed      point = "claimed"       // the claim is committed, and nothing else is done
	beforeSend   point = "before send"   // whatever must be recorded before is, and nothing is sent
	afterSend    point = "after send"    // the other side has taken the message, and nothing is recorded
	beforeCommit point = "before commit" // the outcome is written, and not committed
)

var points = []point{claimed, beforeSend, afterSend, beforeCommit}

// The way in which a replica drains.
const (
	replicaBatch = 4
	replicaLease = 2 * time.Minute
)

// replica is a program with dispatchers, for one of which kill -9 comes at a
// point of the messages that go by a channel.
type replica struct {
	Driver      models.Driver
	DSN         string
	SMTP        notifier.SMTPConfig
	SMS         string // the provider's URL
	Queried     bool
	Dispatchers int

	Kill    point
	Channel models.Channel
	Pause   bool // stop after the first message, until told to go on
}

// obey is the program. It says "ready", begins with the first line that it is
// told, goes on after a pause with the second, and stops when no more can come.
func obey(said string) error {
	var r replica
	if err := json.Unmarshal([]byte(said), &r); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	end := newReaper(r)
	s, err := models.Open(ctx, models.Options{Driver: r.Driver, DSN: r.DSN, Trace: end.trace})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	begin, goOn := make(chan struct{}), make(chan struct{})
	go func() {
		orders := bufio.NewScanner(os.Stdin)
		for _, told := range []chan struct{}{begin, goOn} {
			if orders.Scan() {
				close(told)
			}
		}
		orders.Scan()
		stop()
	}()
	ts, err := notifier.NewTemplates("")
	if err != nil {
		return err
	}
	var all []*notifier.Dispatcher
	for range r.Dispatchers {
		d, err := r.dispatcher(s, ts, end, func() {
			if r.Pause {
				fmt.Println("working")
				<-goOn
			}
		})
		if err != nil {
			return err
		}
		all = append(all, d)
	}
	fmt.Println("ready")
	<-begin
	var wg sync.WaitGroup
	for _, d := range all {
		wg.Go(func() { d.Run(ctx) })
	}
	wg.Wait()
	return nil
}

// dispatcher returns one of the replica's, with channels of its own.
func (r replica) dispatcher(s *models.Store, ts *notifier.Templates, end *reaper, pause func()) (*notifier.Dispatcher, error) {
	mail, err := notifier.NewSMTP(r.SMTP)
	if err != nil {
		return nil, err
	}
	sms := smsChannel{r.SMS, r.Queried}
	channels := map[models.Channel]notifier.Channel{models.ChannelEmail: mail, models.ChannelSMS: sms}
	once := sync.OnceFunc(pause)
	if r.Channel == models.ChannelSMS {
		channels[r.Channel] = &doomedSMS{Careful: sms, end: end, pause: once}
	} else {
		channels[r.Channel] = &doomed{Channel: mail, end: end, pause: once}
	}
	return notifier.NewDispatcher(notifier.Config{
		Store: s, Templates: ts, Channels: channels, Workers: 1, Batch: replicaBatch, Lease: replicaLease, Poll: time.Second,
		Logger: slog.New(slog.DiscardHandler),
	})
}

// reaper kills the program once all of its dispatchers have come to a point.
type reaper struct {
	at   point
	left atomic.Int32
}

func newReaper(r replica) *reaper {
	end := &reaper{at: r.Kill}
	end.left.Store(int32(r.Dispatchers))
	if r.Kill == beforeCommit { // one of them writes at a time
		end.left.Store(1)
	}
	return end
}

// reach never returns at the point where the program dies.
func (e *reaper) reach(p point) {
	if p != e.at {
		return
	}
	if e.left.Add(-1) == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	select {}
}

// trace is told each statement after it ran. The first one after a claim looks
// for the people that the messages are for; only an outcome says when a message
// was sent.
func (e *reaper) trace(sql string) {
	switch {
	case strings.HasPrefix(sql, "SELECT * FROM `users`"):
		e.reach(claimed)
	case strings.HasPrefix(sql, "UPDATE") && strings.Contains(sql, "sent_at"):
		e.reach(beforeCommit)
	}
}

// doomed is a channel at which death waits.
type doomed struct {
	notifier.Channel
	end   *reaper
	pause func()
}

func (d *doomed) Send(ctx context.Context, m notifier.Message) (string, error) {
	d.end.reach(beforeSend)
	id, err := d.Channel.Send(ctx, m)
	if err == nil {
		d.end.reach(afterSend)
	}
	d.pause()
	return id, err
}

// doomedSMS is the same for a provider that does not know a repeat.
type doomedSMS struct {
	notifier.Careful
	end   *reaper
	pause func()
}

func (d *doomedSMS) Send(ctx context.Context, m notifier.Message) (string, error) {
	return (&doomed{d.Careful, d.end, d.pause}).Send(ctx, m)
}
