package notifier

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// smsReader reads the source of a text message. It walks the syntax tree
// itself because the library's decoder stops at the first error, and follows
// aliases, which can stand for far more than was written.
type smsReader struct {
	form     SMSForm
	lines    map[string]int // of body, vars.0, ...
	problems problems
}

const smsKeys = "template_id, signature, body, vars"

// parseSMS reads a form and lists what cannot be read. The lines are those of
// its parts.
func parseSMS(source string) (SMSForm, map[string]int, problems) {
	r := smsReader{lines: map[string]int{}}
	tree, err := parser.ParseBytes([]byte(source), 0, parser.AllowDuplicateMapKey())
	switch {
	case err != nil:
		line, detail := 0, ""
		var located yaml.Error
		if errors.As(err, &located) {
			line, detail = tokenLine(located.GetToken()), oneLine(located.GetMessage())
		}
		r.problems.add(line, "yaml_invalid", "YAML 写法有误：%s", "this is not YAML: %s", detail)
	case len(tree.Docs) != 1 || tree.Docs[0].Body == nil:
		r.problems.add(0, "yaml_document", "应恰好有一份“键: 值”，可用的键：%s", "there must be one mapping with the keys %s", smsKeys)
	default:
		r.document(tree.Docs[0].Body)
	}
	r.form.fill()
	return r.form, r.lines, r.problems
}

func (r *smsReader) document(node ast.Node) {
	r.mapping(node, smsKeys, map[string]func(ast.Node){
		"template_id": r.text("template_id", &r.form.TemplateID),
		"signature":   r.text("signature", &r.form.Signature),
		"body":        r.text("body", &r.form.Body),
		"vars":        r.vars,
	})
}

func (r *smsReader) vars(node ast.Node) {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		r.problems.add(tokenLine(node.GetToken()), "vars_list", "vars 应为列表，每项有 name 和 fact", "vars is a list of items with a name and a fact")
		return
	}
	for i, item := range list.Values {
		var v SMSVar
		at := fmt.Sprintf("vars.%d", i)
		r.lines[at] = tokenLine(item.GetToken())
		r.mapping(item, "name, fact", map[string]func(ast.Node){"name": r.text(at, &v.Name), "fact": r.text(at, &v.Fact)})
		r.form.Vars = append(r.form.Vars, v)
	}
}

// mapping reads a mapping that has no other keys than those given.
func (r *smsReader) mapping(node ast.Node, keys string, known map[string]func(ast.Node)) {
	m, ok := node.(ast.MapNode)
	if !ok {
		r.problems.add(tokenLine(node.GetToken()), "yaml_mapping", "应为“键: 值”，可用的键：%s", "this must be a mapping with the keys %s", keys)
		return
	}
	seen := map[string]bool{}
	for it := m.MapRange(); it.Next(); {
		entry := it.KeyValue()
		key, line := entry.Key.GetToken().Value, tokenLine(entry.Key.GetToken())
		read, ok := known[key]
		switch {
		case !ok:
			r.problems.add(line, "yaml_key", "没有 %q 这一项，可用：%s", "there is no key %q, only %s", key, keys)
		case seen[key]:
			r.problems.add(line, "yaml_twice", "%q 写了两次", "%q is there twice", key)
		default:
			seen[key] = true
			read(entry.Value)
		}
	}
}

// text returns a reader of a text into dst. The id of a template and the
// position of a place may be written as numbers.
func (r *smsReader) text(name string, dst *string) func(ast.Node) {
	return func(node ast.Node) {
		line := tokenLine(node.GetToken())
		r.lines[name] = line
		switch n := node.(type) {
		case *ast.StringNode:
			*dst = strings.TrimSpace(n.Value)
		case *ast.LiteralNode:
			*dst = strings.TrimSpace(n.Value.Value)
		case *ast.IntegerNode:
			*dst = n.GetToken().Value
		case *ast.NullNode: // a key whose value was not filled in
		default:
			r.problems.add(line, "yaml_text", "应为文字", "this must be a text")
		}
	}
}

// tokenLine returns the line of a token, 0 if there is none.
func tokenLine(t *token.Token) int {
	if t == nil || t.Position == nil {
		return 0
	}
	return t.Position.Line
}
