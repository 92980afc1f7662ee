package notifier

import (
	"path"
	"strings"
	texttemplate "text/template"

	"duban/models"
)

// phrasebook has the words that a language shares among its messages, and knows
// by heart those for identifiers, such as a kind of duty: they are needed for
// every row of every message, and a template takes a thousand times as long as
// a map to choose among twenty.
type phrasebook struct {
	shared  *texttemplate.Template
	byHeart map[phrase]string
}

// phrase is a part of phrases.tmpl, and the identifier that it is asked for.
type phrase struct{ part, key string }

// labelKeys are the identifiers for which the part "label" has words.
var labelKeys = []string{
	"unit", "project", "kind", "title", "due", "budget", "paid", "plan", "actual", "behind", "missing", "light", "source",
	"workflow", "step", "applicant", "assignee", "limit", "since", "count", "detail",
}

func newPhrasebook(language models.Language) (*phrasebook, error) {
	shared, err := texttemplate.ParseFS(templateFiles, path.Join(folder(language), "phrases.tmpl"))
	if err != nil {
		return nil, err
	}
	b := &phrasebook{shared: shared, byHeart: map[phrase]string{}}
	phrases := []phrase{{"kind", ""}, {"light", ""}} // for what it has no words of its own for
	for _, key := range labelKeys {
		phrases = append(phrases, phrase{"label", key})
	}
	for _, kind := range models.Kinds {
		phrases = append(phrases, phrase{"kind", string(kind)})
	}
	for _, light := range models.Lights {
		phrases = append(phrases, phrase{"light", string(light)})
	}
	for _, p := range phrases {
		if b.byHeart[p], err = b.say(p.part, p.key); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// of returns the words for an identifier.
func (b *phrasebook) of(part, key string) string {
	words, known := b.byHeart[phrase{part, key}]
	if !known {
		words = b.byHeart[phrase{part, ""}]
	}
	return words
}

// say puts a part into words.
func (b *phrasebook) say(part string, about any) (string, error) {
	var words strings.Builder
	err := b.shared.ExecuteTemplate(&words, part, about)
	return words.String(), err
}

// explain gives the facts their labels, and puts those into words whose values
// are identifiers or bare numbers.
func (b *phrasebook) explain(facts []fact) (err error) {
	for i := range facts {
		f := &facts[i]
		f.Label = b.of("label", f.Key)
		switch f.Key {
		case "kind", "light":
			f.Value = b.of(f.Key, f.Value)
		case "behind":
			f.Value, err = b.say("points", f.Value)
		case "limit":
			var remaining string
			remaining, err = b.say("remaining", f.Left)
			f.Value += remaining
		}
		if err != nil {
			return err
		}
	}
	return nil
}
