package workflows

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// reader walks the syntax tree of a definition. It walks it itself because the
// library's decoder stops at the first error and cannot name the step.
type reader struct {
	step     string // the step being read, for problems
	problems []Problem
	lines    map[place]int
}

// keys are the keys of a mapping, each with what reads its value. The second
// argument is the path of the key.
type keys map[string]func(node ast.Node, path string)

func (r *reader) fail(node ast.Node, path, format string, args ...any) {
	line := r.lines[place{r.step, path}]
	if node != nil {
		line = lineOf(node.GetToken())
	}
	r.problems = append(r.problems, Problem{line, r.step, path, fmt.Sprintf(format, args...)})
}

// document returns the one mapping of a YAML text.
func (r *reader) document(source string) ast.Node {
	if len(source) > maxSource {
		r.fail(nil, "", "超过 %d KB", maxSource>>10)
		return nil
	}
	tree, err := parser.ParseBytes([]byte(source), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		p := Problem{Message: "YAML 写法有误"}
		var located yaml.Error
		if errors.As(err, &located) {
			p.Message += "：" + located.GetMessage()
			p.Line = lineOf(located.GetToken())
		}
		r.problems = append(r.problems, p)
		return nil
	}
	if len(tree.Docs) != 1 || tree.Docs[0].Body == nil {
		r.fail(nil, "", "应恰好有一份文档")
		return nil
	}
	return tree.Docs[0].Body
}

// maxSource bounds a definition; the built-in ones have less than 4 KB.
const maxSource = 64 << 10

// mapping reads a mapping that has no other keys than those given.
func (r *reader) mapping(node ast.Node, path string, known keys) {
	m, ok := node.(ast.MapNode)
	if !ok {
		r.fail(node, path, "应为若干“键: 值”：%s", strings.Join(slices.Sorted(maps.Keys(known)), "、"))
		return
	}
	seen := map[string]int{}
	for it := m.MapRange(); it.Next(); {
		entry := it.KeyValue()
		key, line := entry.Key.GetToken().Value, lineOf(entry.Key.GetToken())
		full := join(path, key)
		if first, ok := seen[key]; ok {
			r.fail(entry.Key, full, "重复，第 %d 行已写过", first)
			continue
		}
		seen[key] = line
		read, ok := known[key]
		if !ok {
			r.fail(entry.Key, full, "没有这一项，可用：%s", strings.Join(slices.Sorted(maps.Keys(known)), "、"))
			continue
		}
		r.lines[place{r.step, full}] = line
		read(entry.Value, full)
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// list reads each item of a list.
func (r *reader) list(node ast.Node, path string, item func(node ast.Node, path string)) {
	seq, ok := node.(*ast.SequenceNode)
	if !ok {
		r.fail(node, path, "应为列表")
		return
	}
	for i, value := range seq.Values {
		at := fmt.Sprintf("%s[%d]", path, i+1)
		r.lines[place{r.step, at}] = lineOf(value.GetToken())
		item(value, at)
	}
}

// text returns a reader of a text into dst.
func text[T ~string](r *reader, dst *T) func(ast.Node, string) {
	return func(node ast.Node, path string) {
		if s, ok := textOf(node); ok {
			*dst = T(s)
			return
		}
		r.fail(node, path, "应为文字")
	}
}

func textOf(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return strings.TrimSpace(n.Value.Value), true
	}
	return "", false
}

// texts returns a reader of a list of texts into dst.
func (r *reader) texts(dst *[]string) func(ast.Node, string) {
	return func(node ast.Node, path string) {
		r.list(node, path, func(node ast.Node, path string) {
			var s string
			text(r, &s)(node, path)
			*dst = append(*dst, s)
		})
	}
}

// figure returns a reader of a bound into dst: a number as it is written, or
// a text such as 50万元.
func (r *reader) figure(dst *string) func(ast.Node, string) {
	return func(node ast.Node, path string) {
		switch n := node.(type) {
		case *ast.IntegerNode, *ast.FloatNode:
			*dst = n.GetToken().Value
		default:
			text(r, dst)(node, path)
		}
	}
}

// number returns a reader of an integer into dst.
func (r *reader) number(dst *int) func(ast.Node, string) {
	return func(node ast.Node, path string) {
		if n, ok := node.(*ast.IntegerNode); ok {
			if v, err := strconv.Atoi(n.GetToken().Value); err == nil {
				*dst = v
				return
			}
		}
		r.fail(node, path, "应为整数，不加引号")
	}
}

// truth returns a reader of true or false into dst.
func (r *reader) truth(dst *bool) func(ast.Node, string) {
	return func(node ast.Node, path string) {
		if n, ok := node.(*ast.BoolNode); ok {
			*dst = n.Value
			return
		}
		r.fail(node, path, "应为 true 或 false")
	}
}

// lineOf returns the line of a token, 0 if there is none.
func lineOf(t *token.Token) int {
	if t == nil || t.Position == nil {
		return 0
	}
	return t.Position.Line
}
