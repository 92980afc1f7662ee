package notifier

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// smsPlace is where a value goes in the approved text.
var smsPlace = regexp.MustCompile(`\$\{([^{}]*)\}`)

// Signed returns the form with the signature, unless it has one.
func (f SMSForm) Signed(signature string) SMSForm {
	if f.Signature == "" {
		f.Signature = signature
	}
	return f
}

// Validate reports what an administrator must correct before the form can be
// used. The provider's id of the text is not asked for: not every provider has
// one.
func (f SMSForm) Validate() error {
	switch {
	case f.Signature == "" || strings.ContainsAny(f.Signature, "【】"):
		return errors.New("必须填写已审核通过的签名，不含【】")
	case strings.TrimSpace(f.Body) == "":
		return errors.New("没有正文")
	}
	declared := map[string]bool{}
	for _, v := range f.Vars {
		if v.Name == "" || v.Fact == "" || declared[v.Name] {
			return fmt.Errorf("变量 %q 无名、重复或没有对应的内容", v.Name)
		}
		declared[v.Name] = true
	}
	used := map[string]bool{}
	for _, name := range Places(f.Body) {
		if !declared[name] {
			return fmt.Errorf("正文中的变量 ${%s} 没有定义", name)
		}
		used[name] = true
	}
	if len(used) != len(declared) {
		return fmt.Errorf("定义了 %d 个变量，正文中有 %d 个", len(declared), len(used))
	}
	return nil
}

// Missing returns the first place for which there is no fact, or none.
func (f SMSForm) Missing(facts map[string]string) string {
	for _, v := range f.Vars {
		if strings.TrimSpace(facts[v.Fact]) == "" {
			return v.Name
		}
	}
	return ""
}

// Words are the approved text with the facts in place.
func (f SMSForm) Words(facts map[string]string) string {
	return FillPlaces(f.Body, f.Values(facts), func(s string) string { return s })
}

// Text is what the person reads: 【签名】 and the words. Its length is what is
// paid for.
func (f SMSForm) Text(facts map[string]string) string {
	return "【" + f.Signature + "】" + f.Words(facts)
}

// Values returns the facts by the names of their places.
func (f SMSForm) Values(facts map[string]string) map[string]string {
	values := make(map[string]string, len(f.Vars))
	for _, v := range f.Vars {
		values[v.Name] = facts[v.Fact]
	}
	return values
}

// Places returns the names in a text's ${name} places, in their order.
func Places(text string) []string {
	var names []string
	for _, m := range smsPlace.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

// FillPlaces puts values into a text's ${name} places, encoded for where they
// stand.
func FillPlaces(text string, values map[string]string, encode func(string) string) string {
	return smsPlace.ReplaceAllStringFunc(text, func(p string) string {
		return encode(values[p[len("${"):len(p)-len("}")]])
	})
}
