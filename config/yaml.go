package config

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// applyYAML takes over every key of a file. It walks the syntax tree itself
// because the library's decoder stops at the first error, quotes the source
// (and so a password), and lets 25 pass for text and "25" for a number.
func (c *Config) applyYAML(name string, data []byte) []Problem {
	// Duplicates are found by the walk, with the rest of the problems.
	tree, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return []Problem{syntaxProblem(name, err)}
	}
	r := reader{config: c, file: name, fields: map[string]field{}, keys: map[string][]string{}}
	for _, f := range fieldsOf(c) {
		section, key, ok := strings.Cut(f.key, ".")
		if ok {
			if r.keys[section+"."] == nil {
				r.keys[""] = append(r.keys[""], section)
			}
			r.keys[section+"."] = append(r.keys[section+"."], key)
		} else {
			r.keys[""] = append(r.keys[""], f.key)
		}
		r.fields[f.key] = f
	}
	for i, doc := range tree.Docs {
		if i > 0 {
			r.add(Problem{Code: CodeSyntax, Line: lineOf(doc.Start), Value: "一个文件只能有一份文档（多了一个 ---）"})
			break
		}
		r.section("", doc.Body)
	}
	return r.problems
}

// syntaxProblem keeps the library's message and position, and drops the source
// that its Error method would quote.
func syntaxProblem(name string, err error) Problem {
	p := Problem{Code: CodeSyntax, File: name, Value: "无法解析"}
	var located yaml.Error
	if errors.As(err, &located) {
		p.Value = located.GetMessage()
		p.Line = lineOf(located.GetToken())
	}
	return p
}

// reader walks the syntax tree of one file.
type reader struct {
	config   *Config
	file     string
	fields   map[string]field    // by key
	keys     map[string][]string // the keys of a section, by "mail."; "" is the top
	problems []Problem
}

func (r *reader) add(p Problem) {
	p.File = r.file
	r.problems = append(r.problems, p)
}

// section reads the keys below prefix. A section without any keys is what
// remains when an administrator comments all of them out.
func (r *reader) section(prefix string, node ast.Node) {
	switch n := node.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
		return
	case ast.MapNode:
		seen := map[string]int{}
		for it := n.MapRange(); it.Next(); {
			r.entry(prefix, it.KeyValue(), seen)
		}
	default:
		r.add(Problem{
			Code: CodeWrongType, Key: strings.TrimSuffix(prefix, "."), Line: lineOf(node.GetToken()),
			Expected: "若干“键: 值”：" + strings.Join(r.keys[prefix], "、"),
		})
	}
}

// entry reads one key. The value of an unknown key is not repeated: it may be
// a password under a misspelt name.
func (r *reader) entry(prefix string, node *ast.MappingValueNode, seen map[string]int) {
	name := node.Key.GetToken().Value
	key, line := prefix+name, lineOf(node.Key.GetToken())
	if first, ok := seen[name]; ok {
		r.add(Problem{Code: CodeDuplicateKey, Key: key, Line: line, Value: fmt.Sprintf("第 %d 行已写过", first)})
		return
	}
	seen[name] = line
	if f, ok := r.fields[key]; ok {
		r.set(f, line, node.Value)
		return
	}
	if _, ok := r.keys[key+"."]; ok {
		r.section(key+".", node.Value)
		return
	}
	r.add(Problem{Code: CodeUnknownKey, Key: key, Line: line, Expected: strings.Join(r.keys[prefix], "、") + " 之一"})
}

func (r *reader) set(f field, line int, node ast.Node) {
	err := errType
	if fits(f, node) {
		err = yaml.NodeToValue(node, f.value.Addr().Interface())
	}
	if err != nil {
		p := Problem{Code: CodeWrongType, Key: f.key, Line: line, Expected: f.expected()}
		if scalar, ok := node.(ast.ScalarNode); ok && !f.secret() && node.Type() != ast.AnchorType {
			p.Value = scalar.GetToken().Value
		}
		r.add(p)
		return
	}
	r.config.origins[f.key] = origin{file: r.file, line: line}
}

var errType = errors.New("wrong type")

// fits reports whether the node is of the YAML type that the field needs.
func fits(f field, node ast.Node) bool {
	var ok bool
	switch f.value.Interface().(type) {
	case bool:
		_, ok = node.(*ast.BoolNode)
	case int:
		_, ok = node.(*ast.IntegerNode)
	case string, Secret, time.Duration, slog.Level:
		if _, ok = node.(*ast.StringNode); !ok {
			_, ok = node.(*ast.LiteralNode)
		}
	}
	return ok
}

// lineOf returns the line of a token, 0 if there is none.
func lineOf(t *token.Token) int {
	if t == nil || t.Position == nil {
		return 0
	}
	return t.Position.Line
}
