package notifier

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"text/template/parse"

	"duban/models"
)

// The parts that a wording must define.
var requiredParts = []string{"accent", "headline", "subject", "lead", "ask"}

// fixedPhrases are shared words that state facts, or say where a code is. A
// wording that replaced them could lose or distort those.
var fixedPhrases = []string{
	"label", "kind", "light", "points", "remaining", "colon", "progress", "lag", "holiday",
	"code", "codenote", "after_code", "status", "time_left", "applied_by", "for_whom",
	"heading", "none", "more", "lamp", "lamps", "when", "left", "figures", "who", "trend", "trend_note", "semicolon",
}

var aColor = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// checkStructure checks which parts there are, and reviews how they are used.
func checkStructure(language models.Language, own map[string]*parse.Tree, ps *problems) {
	phrases, layouts, err := builtinTrees(language)
	if err != nil {
		ps.add(0, "builtin", "内置模板无法读取：%v", "the built-in words cannot be read: %v", err)
		return
	}
	top := own[sourceName]
	own = maps.Clone(own)
	delete(own, sourceName)
	checkOutside(top, ps)
	checkNames(own, layouts, ps)
	if len(*ps) > 0 {
		return
	}
	r := newReview(ps)
	for _, trees := range []map[string]*parse.Tree{phrases, own, layouts} { // a later one replaces an earlier
		maps.Copy(r.trees, trees)
	}
	for name := range own {
		r.own[name] = true
	}
	r.follow()
	for name := range r.own {
		if !r.reached[name] {
			ps.add(lineAt(own[name].Root), "unused", "%q 没有用到：是否写错了名称？", "nothing uses %q: is its name right?", name)
		}
	}
}

// checkOutside finds words that no part contains.
func checkOutside(top *parse.Tree, ps *problems) {
	if top == nil || top.Root == nil {
		return
	}
	for _, node := range top.Root.Nodes {
		if text, ok := node.(*parse.TextNode); !ok || strings.TrimSpace(string(text.Text)) != "" {
			ps.add(lineAt(node), "outside", "写在 {{define}} 之外的内容不会出现在消息里", "what is outside of a {{define}} is never shown")
		}
	}
}

// checkNames checks that every part is there that must be, and none that must
// not be replaced.
func checkNames(own, layouts map[string]*parse.Tree, ps *problems) {
	for name, tree := range own {
		_, layout := layouts[name]
		switch {
		case layout:
			ps.add(lineAt(tree.Root), "reserved", "%q 由系统版式使用，不能重新定义", "the layout has the name %q", name)
		case slices.Contains(fixedPhrases, name):
			ps.add(lineAt(tree.Root), "reserved", "%q 用来如实写出内容，不能重新定义", "%q states the facts and cannot be replaced", name)
		case name == "accent" && !onlyColors(tree.Root):
			ps.add(lineAt(tree.Root), "accent", "accent 应为颜色，如 #1f4e79", "accent is a colour such as #1f4e79")
		}
	}
	for _, name := range requiredParts {
		if own[name] == nil {
			ps.add(0, "part_missing", "缺少 {{define %q}}…{{end}}", "{{define %q}}…{{end}} is missing", name)
		}
	}
}

// onlyColors reports whether a part can yield nothing but one colour: it stands
// inside of an attribute.
func onlyColors(list *parse.ListNode) bool {
	if list == nil {
		return true
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.TextNode:
			if text := strings.TrimSpace(string(n.Text)); text != "" && !aColor.MatchString(text) {
				return false
			}
		case *parse.IfNode:
			if !onlyColors(n.List) || !onlyColors(n.ElseList) {
				return false
			}
		default:
			return false
		}
	}
	return true
}
