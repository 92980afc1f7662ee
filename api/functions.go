package api

import (
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

// functions are what the templates of one language can call.
func (s *server) functions(language models.Language) template.FuncMap {
	return template.FuncMap{
		"t":        func(key string, args ...any) string { return say(language, key, args...) },
		"word":     func(group string, value any) string { return word(language, group, value) },
		"href":     func(path string, pairs ...any) string { return link(path, s.override(language), pairs) },
		"lang":     func() string { return string(language) },
		"override": func() string { return s.override(language) },
		"wan":      wan,
		"yuan":     yuan,
		"date":     func(d calendar.Date) string { return longDate(language, d) },
		"instant":  instant,
		"ending":   ending,
		"titled":   func(u models.User) string { return titled(language, u) },
		"points":   func(p money.Percent) string { return strings.TrimSuffix(p.String(), "%") },
		"add":      func(a, b int) int { return a + b },
		"min":      func(a, b int) int { return min(a, b) },
		"abs":      func(n int) int { return max(n, -n) },
		"blank":    func(d calendar.Date) bool { return d.IsZero() },
		"level":    func(f money.Fen) string { return strings.TrimSuffix(wan(f), ".00") },
		"list":     func(items ...any) []any { return items },
	}
}

// override returns the language as links must carry it on: blank if it is the
// one that pages have anyway.
func (s *server) override(language models.Language) string {
	if language == s.Language {
		return ""
	}
	return string(language)
}

// link returns a path with a query of pairs of name and value, without the
// blank ones, and with the language.
func link(path, language string, pairs []any) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if v := fmt.Sprint(pairs[i+1]); v != "" {
			q.Set(fmt.Sprint(pairs[i]), v)
		}
	}
	if language != "" {
		q.Set("lang", language)
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// wan returns an amount in 万元, exactly, with thousands separators.
func wan(f money.Fen) string {
	return grouped(f.In(money.TenThousand))
}

// yuan returns an amount in 元 with 分 and thousands separators.
func yuan(f money.Fen) string { return grouped(f.String()) }

// grouped puts thousands separators into a decimal number.
func grouped(text string) string {
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "−", text[1:]
	}
	whole, fraction, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return sign + whole + "." + fraction
}

// longDate returns the date with its day of the week.
func longDate(language models.Language, d calendar.Date) string {
	if language == models.English {
		return d.String() + " " + d.Weekday().String()[:3]
	}
	return d.Chinese() + " 周" + string([]rune("日一二三四五六")[d.Weekday()])
}

// instant returns a time as a clock in Shanghai shows it.
func instant(t time.Time) string { return t.In(calendar.Shanghai).Format("2006-01-02 15:04") }

// ending is instant for the end of something: what ends with a day ends at its
// 24:00, and not on the next one.
func ending(t time.Time) string {
	local := t.In(calendar.Shanghai)
	if local.Hour() == 0 && local.Minute() == 0 {
		return calendar.DateOf(t).AddDays(-1).String() + " 24:00"
	}
	return instant(t)
}

// titled names a person with what they answer for.
func titled(language models.Language, u models.User) string {
	if len(u.Roles) == 0 {
		return u.Name
	}
	roles := make([]string, len(u.Roles))
	for i, role := range u.Roles {
		roles[i] = word(language, "role", role)
	}
	return say(language, "titled", u.Name, strings.Join(roles, say(language, "comma")))
}
