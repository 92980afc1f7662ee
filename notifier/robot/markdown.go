package robot

import (
	"net/url"
	"regexp"
	"strings"
)

// piece is a stretch of a text: words, or a link, whose words are its host.
type piece struct{ words, href string }

// String returns the markdown.
func (p piece) String() string {
	if p.href == "" {
		return p.words
	}
	return "[" + p.words + "](" + p.href + ")"
}

// aLink has only characters that cannot end a link's markup. Chinese words may
// follow without a space.
var aLink = regexp.MustCompile(`https?://[A-Za-z0-9._~:/?#@!$&+,;=%-]+`)

// pieces finds the links in a text. They must reach the reader unchanged: the
// characters of their signatures are markup elsewhere.
func pieces(text string) []piece {
	var found []piece
	words := func(s string) {
		if s != "" {
			found = append(found, piece{words: s})
		}
	}
	for {
		at := aLink.FindStringIndex(text)
		if at == nil {
			words(text)
			return found
		}
		href := strings.TrimRight(text[at[0]:at[1]], ".,;:!?")
		end := at[0] + len(href)
		if u, err := url.Parse(href); err == nil && u.Hostname() != "" {
			words(text[:at[0]])
			// The host says where it leads, whatever stands before it.
			found = append(found, piece{words: u.Host, href: href})
		} else {
			words(text[:end])
		}
		text = text[end:]
	}
}

// fit takes as many pieces as there is room for, in bytes of markdown. Words
// are cut, a link is not: half of one leads nowhere.
func fit(all []piece, room int) []piece {
	if size(all) <= room {
		return all
	}
	room -= len(ellipsis)
	if room < 0 {
		return nil
	}
	var taken []piece
	for _, p := range all {
		if n := len(p.String()); n <= room {
			taken = append(taken, p)
			room -= n
			continue
		}
		if p.href == "" {
			taken = append(taken, piece{words: head(p.words, room)})
		}
		break
	}
	return append(taken, piece{words: ellipsis})
}

func size(all []piece) int {
	n := 0
	for _, p := range all {
		n += len(p.String())
	}
	return n
}

// markdown returns the text with everything that would be markup made words,
// its links made links, and lines broken by newline, in at most room bytes.
func markdown(text, newline string, room int) string {
	all := pieces(text)
	for i, p := range all {
		all[i].words = strings.ReplaceAll(literal(p.words), "\n", newline)
	}
	var b strings.Builder
	for _, p := range fit(all, room) {
		b.WriteString(p.String())
	}
	return b.String()
}

// fullWidth replaces what is markup anywhere in a line. Neither WeCom nor
// DingTalk documents an escape, and their programs differ; full-width forms
// (全角) are read alike and mean nothing to any of them.
var fullWidth = strings.NewReplacer(
	`\`, "＼", "`", "｀", "*", "＊", "_", "＿", "~", "～", "[", "［", "]", "］",
	"<", "＜", ">", "＞", "|", "｜", "&", "＆", "#", "＃", "$", "＄",
)

// What is markup only at the start of a line: lists, rules and underlines, and
// an indentation, which makes code.
var (
	lineMarks   = regexp.MustCompile(`(?m)^[ ]*[-+=]+`)
	lineNumber  = regexp.MustCompile(`(?m)^([ ]*\d+)\.([ ]|$)`)
	lineBracket = regexp.MustCompile(`(?m)^([ ]*\d+)\)([ ]|$)`)
	lineIndent  = regexp.MustCompile(`(?m)^ +`)

	fullWidthMarks  = strings.NewReplacer("-", "－", "+", "＋", "=", "＝")
	fullWidthSpaces = strings.NewReplacer("  ", "　", " ", "　")
)

// literal returns the words so that they are shown as they are.
func literal(words string) string {
	words = fullWidth.Replace(words)
	words = lineMarks.ReplaceAllStringFunc(words, fullWidthMarks.Replace)
	words = lineNumber.ReplaceAllString(words, "$1．$2")
	words = lineBracket.ReplaceAllString(words, "$1）$2")
	return lineIndent.ReplaceAllStringFunc(words, fullWidthSpaces.Replace)
}
