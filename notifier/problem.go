package notifier

import (
	"cmp"
	"fmt"
	"slices"

	"duban/models"
)

// Problem is something that an administrator must correct before a wording can
// be published.
type Problem struct {
	Line int    // of the source, from 1; 0 if it has no place there
	Code string // stable English identifier, unknown_variable
	says Words
}

// In returns what is wrong, in a language, without the line.
func (p Problem) In(language models.Language) string { return p.says.In(language) }

// maxProblems bounds a list of problems: who gets that many corrects some and
// looks again.
const maxProblems = 50

// problems collects them, each place and code once.
type problems []Problem

// add records a problem. An argument of type Words is filled in by language.
func (ps *problems) add(line int, code, chinese, english string, args ...any) {
	fill := func(format string, language models.Language) string {
		filled := make([]any, len(args))
		for i, arg := range args {
			if w, ok := arg.(Words); ok {
				arg = w.In(language)
			}
			filled[i] = arg
		}
		return fmt.Sprintf(format, filled...)
	}
	p := Problem{line, code, Words{fill(chinese, models.Chinese), fill(english, models.English)}}
	known := slices.ContainsFunc(*ps, func(q Problem) bool {
		return q.Line == p.Line && q.Code == p.Code && (p.Line != 0 || q.says == p.says)
	})
	if !known && len(*ps) < maxProblems {
		*ps = append(*ps, p)
	}
}

// sorted returns the problems in the order of their lines.
func (ps problems) sorted() []Problem {
	slices.SortStableFunc(ps, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return ps
}
