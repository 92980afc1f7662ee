package notifier_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/notifier"
)

// taken is a text message that the provider has accepted.
type taken struct {
	Key string
	At  time.Time
}

// smsProvider delivers every copy of a message that it is given, as carriers
// do: it does not know a repeat when it sees one.
type smsProvider struct {
	srv     *httptest.Server
	clock   clockwork.Clock
	queried bool        // it can be asked whether it has taken a message
	onTaken func(taken) // called before it answers; may be nil

	mu      sync.Mutex
	status  int // answered instead of taking anything, unless 0
	asked   int // requests of either kind
	queries map[string]int
	all     []taken
}

func startSMSProvider(t testing.TB, clock clockwork.Clock, queried bool) *smsProvider {
	t.Helper()
	p := &smsProvider{clock: clock, queried: queried, queries: map[string]int{}}
	p.srv = httptest.NewServer(http.HandlerFunc(p.answer))
	t.Cleanup(p.srv.Close)
	return p
}

// answerWith makes the provider answer with a status only; 0 ends that.
func (p *smsProvider) answerWith(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = status
}

// inbox returns what was accepted, in that order.
func (p *smsProvider) inbox() []taken {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]taken(nil), p.all...)
}

func (p *smsProvider) requests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// asks returns how often the provider was asked about a message, by the key.
func (p *smsProvider) asks() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.queries)
}

// copies counts what was accepted by the key.
func (p *smsProvider) copies() map[string]int {
	n := map[string]int{}
	for _, m := range p.inbox() {
		n[m.Key]++
	}
	return n
}

// smsAnswer is what the provider says.
type smsAnswer struct {
	ID    string `json:"id"`
	Taken bool   `json:"taken"`
}

func (p *smsProvider) answer(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked++
	status := p.status
	p.mu.Unlock()
	if status != 0 {
		w.WriteHeader(status)
		return
	}
	key := r.FormValue("key")
	if r.URL.Path == "/status" {
		p.mu.Lock()
		p.queries[key]++
		p.mu.Unlock()
		_, _ = fmt.Fprintf(w, `{"taken": %t}`, p.copies()[key] > 0)
		return
	}
	m := taken{Key: key, At: p.clock.Now()}
	p.mu.Lock()
	p.all = append(p.all, m)
	id := ""
	if p.queried {
		id = "p" + strconv.Itoa(len(p.all))
	}
	p.mu.Unlock()
	if p.onTaken != nil {
		p.onTaken(m)
	}
	_, _ = fmt.Fprintf(w, `{"id": %q}`, id)
}

// smsChannel speaks to the provider.
type smsChannel struct {
	url     string
	queried bool
}

func (p *smsProvider) channel() smsChannel { return smsChannel{p.srv.URL, p.queried} }

var _ notifier.Careful = smsChannel{}

// Send tells a provider that is down from a message that may have gone.
func (c smsChannel) Send(ctx context.Context, m notifier.Message) (string, error) {
	answer, status, err := c.ask(ctx, "/send", url.Values{"key": {m.Key}})
	switch {
	case err != nil:
		return "", &notifier.SendError{Class: notifier.Unknown, Code: "sms_unconfirmed", Err: err}
	case status == http.StatusServiceUnavailable:
		return "", &notifier.SendError{Class: notifier.Down, Code: "sms_down"}
	case status == http.StatusTooManyRequests:
		return "", &notifier.SendError{Class: notifier.Retry, Code: "sms_busy"}
	case status == http.StatusGatewayTimeout:
		return "", &notifier.SendError{Class: notifier.Unknown, Code: "sms_unconfirmed"}
	case status != http.StatusOK:
		return "", &notifier.SendError{Class: notifier.Reject, Code: "sms_refused"}
	}
	return answer.ID, nil
}

func (c smsChannel) Settle(ctx context.Context, m notifier.Message, _ string, _ time.Time) (notifier.Fate, error) {
	if !c.queried {
		return notifier.Fate{}, nil
	}
	answer, status, err := c.ask(ctx, "/status", url.Values{"key": {m.Key}})
	switch {
	case err != nil:
		return notifier.Fate{}, err
	case status != http.StatusOK:
		return notifier.Fate{}, errors.New(http.StatusText(status))
	case answer.Taken:
		return notifier.Fate{State: notifier.FateDelivered}, nil
	}
	return notifier.Fate{State: notifier.FateNotTaken}, nil
}

func (c smsChannel) ask(ctx context.Context, path string, form url.Values) (answer smsAnswer, status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path+"?"+form.Encode(), nil)
	if err != nil {
		return answer, 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer, 0, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode == http.StatusOK {
		err = json.NewDecoder(res.Body).Decode(&answer)
	}
	return answer, res.StatusCode, err
}

func (smsChannel) ReceiptWait() time.Duration            { return time.Hour }
func (smsChannel) Measure(notifier.Message) (int, int64) { return 1, 45 }
func (smsChannel) Close() error                          { return nil }
