package cmpp

import (
	"context"

	"duban/notifier"
)

// submit sends one part and waits for the gateway's answer.
func (l *link) submit(ctx context.Context, pace *pacer, s *Submit) (*SubmitResp, *notifier.SendError) {
	select {
	case l.window <- struct{}{}:
	case <-l.gone:
		return nil, unsent(l.lost)
	case <-ctx.Done():
		return nil, cancelled(ctx.Err())
	}
	if err := pace.wait(ctx); err != nil {
		<-l.window
		return nil, cancelled(err)
	}
	p, failure := l.offer(s)
	if failure != nil {
		return nil, failure
	}
	return l.await(ctx, p)
}

// offer writes a part. From then on the gateway may have it.
func (l *link) offer(s *Submit) (*pending, *notifier.SendError) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.sequence++
	p, err := l.expect(l.sequence)
	if err != nil {
		<-l.window
		return nil, unsent(err)
	}
	if err := l.write(l.sequence, s); err != nil {
		l.settle(l.sequence, outcome{err: err})
		l.fail(err)
		return nil, unsent(err)
	}
	return p, nil
}

// await waits for the outcome of a part that was written. If nobody waits any
// more, the part still has its place in the window.
func (l *link) await(ctx context.Context, p *pending) (*SubmitResp, *notifier.SendError) {
	var o outcome
	select {
	case o = <-p.done:
	case <-ctx.Done():
		select {
		case o = <-p.done: // both at once
		default:
			o.err = ctx.Err()
		}
	}
	if o.err != nil {
		return nil, unconfirmed(o.err)
	}
	return o.resp, nil
}

// expect prepares for the answer to a part.
func (l *link) expect(sequence uint32) (*pending, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost != nil {
		return nil, l.lost
	}
	p := &pending{done: make(chan outcome, 1)}
	p.timer = l.cfg.Clock.AfterFunc(l.cfg.Timeout, func() { l.settle(sequence, outcome{err: errNoAnswer}) })
	l.pending[sequence] = p
	return p, nil
}

// settle gives a part its outcome. There is none to give if the answer comes
// twice, or too late.
func (l *link) settle(sequence uint32, o outcome) {
	l.mu.Lock()
	p, ok := l.pending[sequence]
	delete(l.pending, sequence)
	l.mu.Unlock()
	if ok {
		l.finish(p, o)
	}
}

// finish gives a part its outcome and its place in the window to another.
func (l *link) finish(p *pending, o outcome) {
	p.timer.Stop()
	p.done <- o
	<-l.window
}
