package notifier

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"duban/models"
)

// rehearsalKey signs what is tried out. Nobody can use such a link: a
// database's own key is drawn by chance.
var rehearsalKey = models.LinkKey("rehearsal")

// rehearsing returns a copy that signs links which are good for nothing.
func (t *Templates) rehearsing(baseURL string) *Templates {
	c := t.WithLinks(rehearsalKey)
	c.baseURL = baseURL
	return c
}

// Rehearsing returns a copy for previews: what it shows looks as what is sent,
// but its links and codes are good for nothing.
func (t *Templates) Rehearsing() *Templates { return t.rehearsing(t.baseURL) }

// maxSubject bounds a subject line, in characters.
const maxSubject = 200

// try puts a sample into words and lists what is wrong with them.
func (t *Templates) try(words template, sample Sample, language models.Language, ps *problems) {
	v, err := t.view(sample.Payload, "张三", language)
	if err != nil {
		failure(err, sample, ps)
		return
	}
	t.addLinks(&v, models.Notification{ObligationID: 1, Channel: models.ChannelEmail})
	for _, name := range requiredParts {
		var part bounded
		if err := words.text.ExecuteTemplate(&part, name, v); err != nil {
			failure(err, sample, ps)
			return
		}
		text := part.String()
		switch {
		case strings.TrimSpace(text) == "":
			ps.add(0, "blank", "%s 在“%s”时没有内容", "%s is blank for “%s”", name, sample.Situation)
		case name == "accent" && !aColor.MatchString(text):
			ps.add(0, "accent", "accent 在“%s”时应为一种颜色，如 #1f4e79", "accent must be one colour such as #1f4e79 for “%s”", sample.Situation)
		case name == "subject" && strings.ContainsFunc(text, breaksLine):
			ps.add(0, "subject_lines", "subject 应为一行，不能含换行或控制字符", "the subject must be one line, without control characters")
		case name == "subject" && utf8.RuneCountInString(text) > maxSubject:
			ps.add(0, "subject_long", "subject 在“%s”时有 %d 字，最多 %d 字", "the subject for “%s” has %d characters, at most %d are allowed",
				sample.Situation, utf8.RuneCountInString(text), maxSubject)
		}
	}
	var m Message
	if err := words.execute(v, &m); err != nil {
		failure(err, sample, ps)
	}
}

func breaksLine(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// aFailure is how Go's templates say where the facts do not suffice.
var aFailure = regexp.MustCompile(`template: wording:(\d+):\d+: executing "[^"]*" at <(.*?)>: (.*)`)

func failure(err error, sample Sample, ps *problems) {
	if errors.Is(err, errLongBody) {
		ps.add(0, "too_long", "消息超过 %d KB", "the message has more than %d KB", maxBody>>10)
		return
	}
	line, place, detail := 0, "", oneLine(err.Error())
	if m := aFailure.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
		place, detail = m[2], oneLine(m[3])
	}
	ps.add(line, "fails", "%s 在“%s”时出错：%s", "%s fails for “%s”: %s", place, sample.Situation, detail)
}

func (t *Templates) checkSMS(w models.Wording, builtin template, parts func(string) int, ps *problems) {
	form, lines, found := parseSMS(w.Source)
	*ps = append(*ps, found...)
	if len(*ps) == 0 {
		form.check(w.Template, lines, ps)
	}
	if len(*ps) > 0 {
		return
	}
	longest := ""
	for _, sample := range Samples(w.Template) {
		v, err := t.view(sample.Payload, "张三", w.Language)
		t.Rehearsing().addLinks(&v, models.Notification{ObligationID: 1, Channel: models.ChannelSMS})
		var facts map[string]string
		if err == nil {
			facts, err = v.named(builtin.about, builtin.text)
		}
		if err != nil {
			failure(err, sample, ps)
			return
		}
		for _, place := range form.Vars {
			if facts[place.Fact] == "" {
				ps.add(lines["body"], "fact_blank", "%q 在“%s”时为空，短信商会拒收", "%q is blank for “%s”, which providers refuse", place.Fact, sample.Situation)
				return
			}
		}
		if text := form.Signed(DefaultSignature).Text(facts); len([]rune(text)) > len([]rune(longest)) {
			longest = text
		}
	}
	if n := parts(longest); n > MaxSMSParts {
		ps.add(lines["body"], "sms_long", "最长时为 %d 字，分 %d 条计费，最多 %d 条", "with the longest values it has %d characters and goes in %d parts, %d at most",
			len([]rune(longest)), n, MaxSMSParts)
	}
}
