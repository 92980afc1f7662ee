package notifier

import (
	"regexp"
	"strconv"
	"strings"
	"text/template/parse"
	"unicode/utf8"

	"duban/models"
)

// MaxSMSParts is in how many parts a text message may go at most.
const MaxSMSParts = 4

// DefaultSignature stands for the channel's signature where it is not known.
const DefaultSignature = "督办"

// Check lists everything that is wrong with a wording, in the order of its
// lines; none means that it can be published. It tries the words out on all
// [Samples] of the template, so that one that passes can put every message into
// words. The function counts in how many parts a text message goes.
func (t *Templates) Check(w models.Wording, parts func(text string) int) []Problem {
	var ps problems
	key := templateKey{w.Language, w.Template}
	builtin, known := t.builtin[key]
	switch {
	case !known:
		ps.add(0, "unknown_name", "没有 %s 的模板 %q", "there is no template %[2]q in %[1]s", w.Language, w.Template)
	case strings.TrimSpace(w.Source) == "":
		ps.add(0, "empty", "没有内容；要用回内置模板，请用“恢复内置”", "it is empty; to use the built-in words, restore them")
	case len(w.Source) > models.MaxWording:
		ps.add(0, "too_large", "超过 %d KB", "it has more than %d KB", models.MaxWording>>10)
	case !utf8.ValidString(w.Source):
		ps.add(0, "not_utf8", "不是 UTF-8 文字", "it is not UTF-8")
	case w.Form == models.WordingSMS:
		t.checkSMS(w, builtin, parts, &ps)
	case w.Form == models.WordingText:
		t.checkText(key, w.Source, builtin.about, &ps)
	default:
		ps.add(0, "unknown_form", "没有 %q 这种形式", "there is no form %q", w.Form)
	}
	return ps.sorted()
}

func (t *Templates) checkText(key templateKey, source string, a about, ps *problems) {
	trees, err := parse.Parse(sourceName, source, "{{", "}}", wordingFunctions)
	if err != nil {
		syntaxProblem(err, ps)
		return
	}
	checkStructure(key.language, trees, ps)
	if len(*ps) > 0 {
		return
	}
	words := template{about: a}
	if words.text, words.html, err = parseWords(key.language, key.name, source); err != nil {
		syntaxProblem(err, ps)
		return
	}
	for _, sample := range Samples(key.name) {
		for _, signer := range []*Templates{t.rehearsing("https://duban.example.gov.cn"), {phrases: t.phrases}} {
			if signer.try(words, sample, key.language, ps); len(*ps) > 0 {
				return // the others would say the same
			}
		}
	}
}

// aSyntaxError is how Go's templates say where something is written wrongly.
var (
	aSyntaxError = regexp.MustCompile(`^template: wording:(\d+)(?::\d+)?: (.*)`)
	noFunction   = regexp.MustCompile(`^function "(.*)" not defined`)
)

func syntaxProblem(err error, ps *problems) {
	line, detail := 0, oneLine(err.Error())
	if m := aSyntaxError.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
		detail = oneLine(m[2])
	}
	if m := noFunction.FindStringSubmatch(detail); m != nil {
		ps.add(line, "unknown_function", "没有函数 %s", "there is no function %s", m[1])
		return
	}
	ps.add(line, "syntax", "写法有误：%s", "it cannot be read: %s", detail)
}
