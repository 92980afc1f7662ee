package api

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"duban/jobs"
	"duban/models"
)

var verb = regexp.MustCompile(`%[a-z]`)

func TestEveryTextIsThereInBothLanguages(t *testing.T) {
	for key, text := range catalogue {
		if text.zh == "" || text.en == "" {
			t.Errorf("%s is missing in one language: %+v", key, text)
		}
		if zh, en := verb.FindAllString(text.zh, -1), verb.FindAllString(text.en, -1); strings.Join(zh, "") != strings.Join(en, "") {
			t.Errorf("%s takes %v in one language and %v in the other", key, zh, en)
		}
	}
}

func TestNoTextIsThereTwice(t *testing.T) {
	seen := map[string]bool{}
	for _, part := range catalogueParts {
		for key := range part {
			if seen[key] {
				t.Errorf("two parts of the catalogue have a text for %s", key)
			}
			seen[key] = true
		}
	}
}

func TestTemplatesUseTheCatalogueAndAllOfIt(t *testing.T) {
	used := map[string]bool{}
	literal := regexp.MustCompile(`\{\{[^}]*\bt "([^"]+)"|\(t "([^"]+)"`)
	group := regexp.MustCompile(`\bword "([^"]+)"`)
	// Groups whose keys Go code names, or a template puts together.
	groups := map[string]bool{"error": true, "refusal": true, "event": true, "link": true, "empty": true, "explain": true, "place": true, "role": true, "rows": true, "stated": true, "limit": true, "advice": true, "ics": true, "reworded": true}
	used["system"], used["colon"], used["for"], used["comma"], used["titled"] = true, true, true, true, true
	for _, key := range []string{"form.at_most", "form.money", "form.file", "form.too_large", "form.too_many_files", "channels.back"} {
		used[key] = true
	}
	names := slices.Clone(partFiles)
	for _, name := range pageNames {
		names = append(names, "templates/"+name+".html")
	}
	for _, name := range names {
		source, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range literal.FindAllStringSubmatch(string(source), -1) {
			key := m[1] + m[2]
			used[key] = true
			if _, ok := catalogue[key]; !ok {
				t.Errorf("%s uses %q, which the catalogue does not have", name, key)
			}
		}
		for _, m := range group.FindAllStringSubmatch(string(source), -1) {
			groups[m[1]] = true
		}
		// Texts that stand second on a line escape the pattern above.
		for _, m := range regexp.MustCompile(`\bt "([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
			used[m[1]] = true
		}
		used["nav.overview"], used["nav.projects"], used["nav.obligations"], used["nav.messages"], used["nav.problems"] = true, true, true, true, true
	}
	for key := range catalogue {
		prefix, _, _ := strings.Cut(key, ".")
		if !used[key] && !groups[prefix] {
			t.Errorf("nothing uses %s", key)
		}
	}
}

func TestEveryValueHasItsWord(t *testing.T) {
	check := func(group string, value string) {
		t.Helper()
		if _, ok := catalogue[group+"."+value]; !ok {
			t.Errorf("no word for %s.%s", group, value)
		}
	}
	for _, k := range models.Kinds {
		check("kind", string(k))
	}
	for _, s := range append(allStates, late) {
		check("state", string(s))
	}
	for _, l := range allLights {
		check("light", string(l))
	}
	for _, s := range messageStates {
		check("delivery", string(s))
	}
	for _, s := range problemStates {
		check("problem", string(s))
	}
	for _, v := range models.Verdicts {
		check("verdict", string(v))
	}
	for _, c := range jobs.Causes {
		check("cause", string(c))
	}
	for _, a := range []models.Audience{models.ToOwner, models.ToManager, models.ToFinance, models.ToOffice, models.ToLeader} {
		check("audience", string(a))
	}
}
