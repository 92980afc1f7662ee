package notifier_test

import (
	"strings"
	"testing"

	"duban/models"
	"duban/notifier"
)

// A new row of the table of facts needs a label in every language.
func TestEveryFactIsLabelledInEveryLanguage(t *testing.T) {
	templates, err := notifier.NewTemplates("")
	if err != nil {
		t.Fatal(err)
	}
	colon := map[models.Language]string{models.Chinese: "：", models.English: ": "}
	for _, name := range notifier.TemplateNames() {
		for _, sample := range notifier.Samples(name) {
			for _, language := range notifier.Languages {
				m, err := templates.Render(models.Notification{Channel: models.ChannelEmail, Template: name, Language: language, Payload: sample.Payload}, models.User{})
				if err != nil {
					t.Fatal(err)
				}
				for line := range strings.Lines(m.Text) {
					if strings.HasPrefix(line, colon[language]) {
						t.Errorf("%s %s: a row without a label: %s", language, name, line)
					}
				}
			}
		}
	}
}
