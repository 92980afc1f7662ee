package notifier

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"duban/models"
)

// Library is the templates with the wordings that are published in a database.
// It notices a new one without a restart. It is safe for concurrent use.
type Library struct {
	builtin *Templates
	store   *models.Store
	log     *slog.Logger

	mu      sync.Mutex
	stamp   models.WordingStamp
	current *Templates
	told    map[int64]bool // the wordings that were reported as broken
}

// NewLibrary returns the wordings of a store over the built-in words.
func NewLibrary(builtin *Templates, store *models.Store, log *slog.Logger) *Library {
	return &Library{builtin: builtin, store: store, log: log, current: builtin, told: map[int64]bool{}}
}

// Builtin returns the templates without any wording.
func (l *Library) Builtin() *Templates { return l.builtin }

// Current returns the templates with the wordings that are in force. It asks
// the database for one small row, and parses only what has changed. A stored
// wording that this program cannot use is logged once, and the built-in one
// takes its place. The errors are the database's.
func (l *Library) Current(ctx context.Context) (*Templates, error) {
	stamp, err := l.store.WordingStamp(ctx)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if stamp == l.stamp {
		return l.current, nil
	}
	wordings, err := l.store.Wordings(ctx)
	if err != nil {
		return nil, err
	}
	current, broken := l.builtin.With(wordings)
	l.report(ctx, broken)
	l.current, l.stamp = current, stamp
	return current, nil
}

// report logs what With could not use, each once.
func (l *Library) report(ctx context.Context, broken error) {
	joined, ok := broken.(interface{ Unwrap() []error }) // as errors.Join returns them
	if !ok {
		return
	}
	for _, err := range joined.Unwrap() {
		if b, ok := errors.AsType[*BrokenError](err); ok {
			if l.told[b.Wording.ID] {
				continue
			}
			l.told[b.Wording.ID] = true
		}
		l.log.ErrorContext(ctx, "wording not used", "error", err)
	}
}

// For returns the templates in whose words a message was sent or, before that,
// will be.
func (l *Library) For(ctx context.Context, n models.Notification) (*Templates, error) {
	if n.SentAt == nil && n.HandedAt == nil && n.State != models.NotificationUnknown {
		return l.Current(ctx)
	}
	if n.Wording == 0 {
		return l.builtin, nil
	}
	w := models.Wording{Template: n.Template, Language: n.Language, Form: FormOf(n.Channel), Number: n.Wording}
	w, err := l.store.Wording(ctx, w)
	if errors.Is(err, models.ErrNotFound) {
		return l.builtin, nil
	}
	if err != nil {
		return nil, err
	}
	then, broken := l.builtin.With([]models.Wording{w})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report(ctx, broken)
	return then, nil
}

// FormOf returns the form of the wording that a channel speaks.
func FormOf(c models.Channel) models.WordingForm {
	if c == models.ChannelSMS {
		return models.WordingSMS
	}
	return models.WordingText
}
