package notifier_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"duban/models"
	"duban/notifier"
)

const base = "https://duban.example.gov.cn"

var linkKey = models.LinkKey("a key of the tests")

func aLink() models.Link {
	return models.Link{
		UserID: 3, InstanceID: 12, Task: 2, TaskVersion: 5, FormHash: "f00d",
		ExpiresAt: time.Date(2025, 7, 2, 16, 30, 0, 0, time.UTC), Nonce: "ABCDEFGHIJ",
	}
}

func aLogin() models.Reminder {
	link := aLink()
	link.InstanceID, link.Task, link.TaskVersion, link.FormHash = 0, 0, 0, ""
	return models.Reminder{Login: &models.Login{Link: link}}
}

// aDecision returns a message with which its recipient can decide.
func aDecision(language models.Language) models.Notification {
	return with(notifier.WorkflowTask, language, func(a *models.Approval) {
		link := aLink()
		a.Link = &link
	})
}

var anURL = regexp.MustCompile(`https?://[^\s"<]+`)

func TestLinksOfMessages(t *testing.T) {
	decision, login := linkKey.Token(aLink()), linkKey.Token(aLogin().Login.Link)
	for _, tc := range []struct {
		name    string
		baseURL string
		key     models.LinkKey
		message func(models.Language) models.Notification
		url     string // "" for none
		code    string // "" for none
	}{
		{"a decision", base, linkKey, aDecision, base + "/links/" + decision, linkKey.Code(decision)},
		{"a decision without a key", base, nil, aDecision, base + "/instances/12", ""},
		{"a decision without a base URL", "", linkKey, aDecision, "", ""},
		{"a decision without either", "", nil, aDecision, "", ""},
		{"nothing to decide", base, linkKey, aCopy, base + "/instances/12", ""},
		{"nothing to decide, no key", base, nil, aCopy, base + "/instances/12", ""},
		{"nothing to decide, no base URL", "", linkKey, aCopy, "", ""},
		{"a login", base, linkKey, aLoginMessage, base + "/links/" + login, linkKey.Code(login)},
		{"a login without a base URL", "", linkKey, aLoginMessage, "", linkKey.Code(login)},
		{"a login without a key", base, nil, aLoginMessage, "", ""},
		{"a reminder", base, linkKey, aReminderMessage, base + "/obligations/5", ""},
	} {
		for _, language := range allLanguages {
			t.Run(tc.name+"/"+string(language), func(t *testing.T) {
				m, err := templates(t, tc.baseURL).WithLinks(tc.key).Render(tc.message(language), models.User{Name: "张三"})
				if err != nil {
					t.Fatal(err)
				}
				check(t, m, nil)
				sameWords(t, m)
				for part, text := range map[string]string{"text": m.Text, "HTML": m.HTML} {
					if urls := strings.Join(anURL.FindAllString(text, -1), " "); urls != tc.url {
						t.Errorf("%s links to %q, not %q", part, urls, tc.url)
					}
					hasCode(t, part, text, language, tc.code)
				}
			})
		}
	}
}

// hasCode checks that a part shows the given code, and no other.
func hasCode(t *testing.T, part, text string, language models.Language, code string) {
	t.Helper()
	word, until := "验证码 ", "有效期至2025年7月3日 00:30（北京时间）"
	if language == models.English {
		word, until = "Code ", "until 3 July 2025 00:30 (Beijing time)"
	}
	shown := regexp.MustCompile(word + `(?:<[^>]*>)*(\d+)`).FindStringSubmatch(text)
	switch {
	case code == "" && (shown != nil || strings.Contains(text, until)):
		t.Errorf("%s shows a code:\n%s", part, text)
	case code != "" && (shown == nil || shown[1] != code || !strings.Contains(text, until)):
		t.Errorf("%s does not show the code %s:\n%s", part, code, text)
	}
}

func aCopy(language models.Language) models.Notification {
	return with(notifier.WorkflowCopy, language, unchanged)
}

func aLoginMessage(language models.Language) models.Notification {
	return aNotification(notifier.LoginCode, language, aLogin())
}

func aReminderMessage(language models.Language) models.Notification {
	return aNotification(notifier.ReminderBefore, language, aReminder(models.Custom))
}

func TestTheCodeIsNoPartOfAnyLinkNorOfTheSubject(t *testing.T) {
	ts := templates(t, base).WithLinks(linkKey)
	for _, n := range []models.Notification{aDecision(models.Chinese), aLoginMessage(models.Chinese)} {
		m, err := ts.Render(n, models.User{})
		if err != nil {
			t.Fatal(err)
		}
		url := anURL.FindString(m.Text)
		code := linkKey.Code(url[strings.LastIndex(url, "/")+1:])
		if strings.Contains(url, code) || strings.Contains(m.Subject, code) {
			t.Errorf("the code %s is in %q or %q", code, url, m.Subject)
		}
		if strings.Count(m.Text, code) != 1 || strings.Count(m.HTML, code) != 1 {
			t.Errorf("the code is not there exactly once:\n%s", m.Text)
		}
	}
}

func TestPlainTemplatesNeverShowATokenOrACode(t *testing.T) {
	plain := templates(t, base)
	signing := plain.WithLinks(linkKey)
	for _, name := range append([]string{notifier.LoginCode}, workflowTemplates...) {
		n := aDecision(models.Chinese)
		if n.Template = name; name == notifier.LoginCode {
			n.Payload = aLogin()
		}
		signed, err := signing.Render(n, models.User{})
		if err != nil {
			t.Fatal(err)
		}
		url := anURL.FindString(signed.Text)
		token := url[strings.LastIndex(url, "/")+1:]
		m, err := plain.Render(n, models.User{})
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{token, linkKey.Code(token), "/links/", aLink().Nonce} {
			if strings.Contains(m.Subject+m.Text+m.HTML, secret) {
				t.Errorf("%s shows %q:\n%s", name, secret, m.Text)
			}
		}
	}
}
