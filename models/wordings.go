package models

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"
)

// WordingForm says for which kind of channel a wording is.
type WordingForm string

// The forms.
const (
	WordingText WordingForm = "text" // e-mail, robots, webhooks
	WordingSMS  WordingForm = "sms"  // 短信
)

// WordingForms lists both.
var WordingForms = []WordingForm{WordingText, WordingSMS}

// Wording is one published version of the words of a message (消息模板). It is
// never changed: a message that was sent keeps the one that it was sent with.
type Wording struct {
	ID int64
	Stamps
	Template    string // reminder_before, workflow_task, ...
	Language    Language
	Form        WordingForm
	Number      int    // its version, from 1; unique with the three above
	Source      string // blank: the built-in words are in force again
	PublishedBy string // account
}

// MaxWording bounds the source of a wording, in bytes.
const MaxWording = 32 << 10

// ErrWording means that a wording cannot be stored as it is.
var ErrWording = errors.New("消息模板有误")

// WordingStamp changes whenever a wording is published. Ids alone would not
// do: a server may commit a higher one first.
type WordingStamp struct {
	Last, Count int64
}

// PublishWording puts words into force and gives them the next number. The one
// who publishes has seen the wording with the given number, 0 for the built-in
// one; if it is not in force any more, the error is an ErrConflict.
func (tx *Tx) PublishWording(w *Wording, seen int) error {
	switch {
	case w.Template == "" || !slices.Contains(WordingForms, w.Form) || w.Language != Chinese && w.Language != English:
		return fmt.Errorf("%w：没有 %q 的 %s/%s", ErrWording, w.Template, w.Language, w.Form)
	case len(w.Source) > MaxWording:
		return fmt.Errorf("%w：%d 字节，最多 %d", ErrWording, len(w.Source), MaxWording)
	}
	last, err := newestWording(tx.db, *w)
	if err != nil {
		return err
	}
	if last.Number != seen {
		return fmt.Errorf("%s/%s/%s 第 %d 版：%w", w.Template, w.Language, w.Form, last.Number, ErrConflict)
	}
	w.ID, w.Number, w.PublishedBy = 0, seen+1, tx.actor
	if err := tx.Create(w); err != nil {
		if duplicate(err) { // somebody else was quicker
			return fmt.Errorf("%s/%s/%s 第 %d 版：%w", w.Template, w.Language, w.Form, w.Number, ErrConflict)
		}
		return err
	}
	sum := sha256.Sum256([]byte(w.Source))
	return tx.Audit("wording.published", "wordings", w.ID, map[string]any{
		"template": w.Template, "language": w.Language, "form": w.Form, "number": w.Number,
		"builtin": w.Source == "", "sha256": hex.EncodeToString(sum[:]),
	})
}

// of selects the versions of one wording.
func (w Wording) of(db *gorm.DB) *gorm.DB {
	return db.Where("template = ? AND language = ? AND form = ?", w.Template, w.Language, w.Form)
}

func newestWording(db *gorm.DB, of Wording) (Wording, error) {
	var last Wording
	if err := of.of(db).Order("number DESC").Limit(1).Find(&last).Error; err != nil {
		return last, fmt.Errorf("read the wording of %s: %w", of.Template, err)
	}
	return last, nil
}

// Wordings returns the newest version of every wording that was ever
// published. One with a blank source says that the built-in one is in force.
func (s *Store) Wordings(ctx context.Context) ([]Wording, error) {
	var list []Wording
	err := s.Read(ctx).Where("number = (SELECT MAX(w.number) FROM wordings w WHERE w.template = wordings.template" +
		" AND w.language = wordings.language AND w.form = wordings.form)").Order("template, language, form").Find(&list).Error
	if err != nil {
		return nil, fmt.Errorf("read the wordings: %w", err)
	}
	return list, nil
}

// WordingHistory returns up to limit versions of a wording, the newest first.
func (s *Store) WordingHistory(ctx context.Context, of Wording, limit int) ([]Wording, error) {
	var list []Wording
	if err := of.of(s.Read(ctx)).Order("number DESC").Limit(limit).Find(&list).Error; err != nil {
		return nil, fmt.Errorf("read the history of %s: %w", of.Template, err)
	}
	return list, nil
}

// Wording returns the version with the number that is given with the template,
// the language and the form, or ErrNotFound.
func (s *Store) Wording(ctx context.Context, of Wording) (Wording, error) {
	var list []Wording
	err := of.of(s.Read(ctx)).Where("number = ?", of.Number).Limit(1).Find(&list).Error
	return single(list, err, "消息模板版本", int64(of.Number))
}

// WordingStamp returns what changes whenever a wording is published.
func (s *Store) WordingStamp(ctx context.Context) (WordingStamp, error) {
	var stamp WordingStamp
	err := s.Read(ctx).Model(&Wording{}).Select("COALESCE(MAX(id), 0) AS last, COUNT(*) AS count").Scan(&stamp).Error
	if err != nil {
		return stamp, fmt.Errorf("read the stamp of the wordings: %w", err)
	}
	return stamp, nil
}

// recentMessages bounds how far back a message is looked for, in messages.
const recentMessages = 50_000

// MessagesOf returns up to limit of the latest messages of a template that went
// to somebody, the newest first. It looks only at recent ones: there is no
// index, and an example is all that is wanted.
func (s *Store) MessagesOf(ctx context.Context, template string, limit int) ([]Message, error) {
	last, err := s.LastNotificationID(ctx)
	if err != nil {
		return nil, err
	}
	var messages []Message
	err = s.Read(ctx).Table("notifications n").Joins("JOIN users r ON r.id = n.recipient_id").
		Select("n.*, r.name AS recipient_name").Where("n.template = ? AND n.id > ?", template, last-recentMessages).
		Order("n.id DESC").Limit(limit).Scan(&messages).Error
	if err != nil {
		return nil, fmt.Errorf("read messages of %s: %w", template, err)
	}
	return messages, nil
}
