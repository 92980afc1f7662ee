package notifier

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"duban/models"
)

// BrokenError says that a stored wording cannot be used by this program.
type BrokenError struct {
	Wording  models.Wording
	Problems []Problem
}

// Error names the wording, and what is wrong with it.
func (e *BrokenError) Error() string {
	w := e.Wording
	says := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		if says[i] = p.In(models.Chinese); p.Line > 0 {
			says[i] = fmt.Sprintf("第 %d 行：%s", p.Line, says[i])
		}
	}
	return fmt.Sprintf("消息模板 %s/%s/%s 第 %d 版无法使用：%s", w.Template, w.Language, w.Form, w.Number, strings.Join(says, "；"))
}

// With returns a copy in which the wordings stand in for the built-in words;
// one with a blank source brings those back. The copy is usable in any case:
// for each wording that does not pass [Templates.Check], the built-in words
// stay, and the error has a *BrokenError.
func (t *Templates) With(wordings []models.Wording) (*Templates, error) {
	c := *t
	c.inForce = maps.Clone(t.inForce)
	var errs []error
	for _, w := range wordings {
		key := templateKey{w.Language, w.Template}
		if w.Source != "" {
			// How long a text message gets is no reason to drop it.
			if found := t.Check(w, func(string) int { return 1 }); len(found) > 0 {
				errs = append(errs, &BrokenError{w, found})
				w.Source = ""
			}
		}
		if words, ok := c.inForce[key]; ok {
			errs = append(errs, words.replace(key, w, t.builtin[key]))
			c.inForce[key] = words
		}
	}
	return &c, errors.Join(errs...)
}

// replace puts a checked wording in the place of the words of its form, or the
// built-in words if it is blank.
func (w *template) replace(key templateKey, by models.Wording, builtin template) error {
	switch {
	case by.Form == models.WordingSMS && by.Source == "":
		w.sms, w.smsNo = builtin.sms, 0
	case by.Form == models.WordingSMS:
		w.sms, _, _ = parseSMS(by.Source)
		w.smsNo = by.Number
	case by.Source == "":
		w.text, w.html, w.number = builtin.text, builtin.html, 0
	default:
		text, html, err := parseWords(key.language, key.name, by.Source)
		if err != nil {
			return err
		}
		w.text, w.html, w.number = text, html, by.Number
	}
	return nil
}

// Builtin returns the built-in source of a wording, false if there is no such
// template.
func (t *Templates) Builtin(of models.Wording) (string, bool) {
	key := templateKey{of.Language, of.Template}
	words, ok := t.builtin[key]
	if !ok {
		return "", false
	}
	if of.Form == models.WordingSMS {
		return smsSource(words.sms), true
	}
	source, err := builtinSource(key)
	return source, err == nil
}
