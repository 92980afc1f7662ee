package notifier

import "duban/models"

// Words is a text in both languages.
type Words struct{ Chinese, English string }

// In returns the text in a language.
func (w Words) In(language models.Language) string {
	if language == models.English {
		return w.English
	}
	return w.Chinese
}
