package notifier

import (
	"reflect"
	"strings"
	"text/template/parse"
	"unicode"
)

// scope is the review of one template: its variables, and the line at which it
// is.
type scope struct {
	*review
	own  bool // the wording's own, whose problems count; ours are sound
	line int
	vars []variable
}

type variable struct {
	name string
	typ  reflect.Type
}

func (s *scope) fail(code, chinese, english string, args ...any) {
	if s.own {
		s.problems.add(s.line, code, chinese, english, args...)
	}
}

// list reviews nodes one after another and returns how many steps they take.
func (s *scope) list(list *parse.ListNode, dot reflect.Type) int {
	if list == nil {
		return 0
	}
	steps := 0
	for _, node := range list.Nodes {
		steps = min(maxSteps, steps+1+s.node(node, dot))
	}
	return steps
}

func (s *scope) node(node parse.Node, dot reflect.Type) int {
	switch n := node.(type) {
	case *parse.TextNode:
		s.markup(n)
	case *parse.ActionNode:
		s.line = n.Line
		t := s.pipe(n.Pipe, dot, false)
		if len(n.Pipe.Decl) == 0 && !printable(t) {
			s.fail("not_text", "%s 不是文字或数字，不能直接写在消息里", "%s is neither a text nor a number and cannot be shown", n.Pipe)
		}
	case *parse.IfNode:
		s.line = n.Line
		return s.branches(&n.BranchNode, func() (reflect.Type, int) { s.pipe(n.Pipe, dot, true); return dot, 1 }, dot)
	case *parse.WithNode:
		s.line = n.Line
		return s.branches(&n.BranchNode, func() (reflect.Type, int) { return s.pipe(n.Pipe, dot, false), 1 }, dot)
	case *parse.RangeNode:
		s.line = n.Line
		return s.branches(&n.BranchNode, func() (reflect.Type, int) { return s.each(n.Pipe, dot), maxTurns }, dot)
	case *parse.TemplateNode:
		s.line = n.Line
		var given reflect.Type
		if n.Pipe != nil {
			given = s.pipe(n.Pipe, dot, false)
		}
		return s.template(n.Name, given, s)
	}
	return 0
}

// markup refuses what a mail program would take for a tag: the same words are
// the plain text and the HTML, and the layout is ours.
func (s *scope) markup(n *parse.TextNode) {
	odd := strings.IndexFunc(string(n.Text), func(r rune) bool {
		return r == '<' || r == '>' || unicode.IsControl(r) && r != '\n' && r != '\t'
	})
	if odd < 0 || !s.own {
		return
	}
	s.line = lineAt(n) + strings.Count(string(n.Text[:odd]), "\n")
	s.fail("markup", "文字中不能有 < > 或控制字符：版式由系统排定", "the text must not have < > or control characters: the layout is fixed")
}

// branches reviews what stands under a condition. Variables end with it.
func (s *scope) branches(n *parse.BranchNode, enter func() (inner reflect.Type, turns int), dot reflect.Type) int {
	had := len(s.vars)
	inner, turns := enter()
	steps := turns * s.list(n.List, inner)
	s.vars = s.vars[:had]
	steps += s.list(n.ElseList, dot)
	s.vars = s.vars[:had]
	return min(maxSteps, steps)
}

// each reviews what a loop goes over, and returns what it yields: only lists,
// which are as long as the facts are. A number would be as long as it is large.
func (s *scope) each(p *parse.PipeNode, dot reflect.Type) reflect.Type {
	decl := p.Decl
	t := s.value(p, dot, false)
	if t == nil || t.Kind() != reflect.Slice {
		if t != wrongType {
			s.fail("not_a_list", "%s 不是列表，不能用 range", "%s is no list for a range", p)
		}
		t = reflect.TypeFor[[]wrong]()
	}
	for i, v := range decl {
		typ := t.Elem()
		if i == 0 && len(decl) == 2 {
			typ = reflect.TypeFor[int]()
		}
		s.vars = append(s.vars, variable{v.Ident[0], typ})
	}
	return t.Elem()
}

// pipe returns the type of a pipeline, and remembers the variable that it
// declares. In a condition it may ask for a secret.
func (s *scope) pipe(p *parse.PipeNode, dot reflect.Type, condition bool) reflect.Type {
	t := s.value(p, dot, condition)
	for _, v := range p.Decl {
		if p.IsAssign && s.variable(v.Ident[0]) != t {
			s.fail("assignment", "%s 原来不是这种内容", "%s held something of another kind", v.Ident[0])
		}
		s.vars = append(s.vars, variable{v.Ident[0], t})
	}
	return t
}

// variable returns the type of a variable. Go's parser has seen to it that it
// is declared.
func (s *scope) variable(name string) reflect.Type {
	for i := len(s.vars) - 1; i >= 0; i-- {
		if s.vars[i].name == name {
			return s.vars[i].typ
		}
	}
	return anyType
}

func (s *scope) value(p *parse.PipeNode, dot reflect.Type, condition bool) reflect.Type {
	if len(p.Decl) > 0 {
		condition = false // the variable could be shown
	}
	var t reflect.Type
	for i, command := range p.Cmds {
		if i > 0 {
			s.fail("pipe", "不支持“|”，请直接写变量", "“|” is not supported, write the variable")
		}
		t = s.command(command.Args, dot, condition)
	}
	return t
}

// command returns the type of a value, of a function's result, or of a
// method's.
func (s *scope) command(args []parse.Node, dot reflect.Type, condition bool) reflect.Type {
	id, ok := args[0].(*parse.IdentifierNode)
	if !ok {
		t := s.operand(args[0], dot, condition)
		for _, arg := range args[1:] {
			s.operand(arg, dot, false)
		}
		return t
	}
	logic := id.Ident == "and" || id.Ident == "or" || id.Ident == "not"
	result := reflect.TypeFor[string]()
	for _, arg := range args[1:] {
		if t := s.operand(arg, dot, condition && logic); !printable(t) {
			result = anyType
		}
	}
	switch id.Ident {
	case "and", "or":
		return result
	case "len":
		return reflect.TypeFor[int]()
	}
	return reflect.TypeFor[bool]()
}

func (s *scope) operand(node parse.Node, dot reflect.Type, condition bool) reflect.Type {
	switch n := node.(type) {
	case *parse.DotNode:
		return dot
	case *parse.FieldNode:
		return s.fields(dot, n.Ident, condition)
	case *parse.ChainNode:
		return s.fields(s.operand(n.Node, dot, false), n.Field, condition)
	case *parse.VariableNode:
		return s.fields(s.variable(n.Ident[0]), n.Ident[1:], condition)
	case *parse.PipeNode:
		return s.value(n, dot, condition)
	case *parse.StringNode:
		return reflect.TypeFor[string]()
	case *parse.NumberNode:
		return reflect.TypeFor[int]()
	case *parse.BoolNode:
		return reflect.TypeFor[bool]()
	}
	return anyType
}

// fields follows a chain such as .Approval.Step.
func (s *scope) fields(t reflect.Type, chain []string, condition bool) reflect.Type {
	for i, name := range chain {
		if secretFields[name] && (!condition || i < len(chain)-1) {
			s.fail("secret", ".%s 只能用在 if 条件里：链接和验证码由系统放在固定的位置", ".%s may only be asked for in an if: the layout has the places of links and codes", name)
			return wrongType
		}
		next := member(t, name)
		if next == nil {
			s.fail("unknown_variable", "没有变量 .%s", "there is no variable .%s", name)
			return wrongType
		}
		t = next
	}
	return t
}

// member returns the type of a field, or of a method's result, nil if a
// wording may use no such name.
func member(t reflect.Type, name string) reflect.Type {
	switch t {
	case nil, anyType:
		return nil
	case wrongType:
		return wrongType
	}
	if m, ok := t.MethodByName(name); ok {
		if !wordingMethods[name] {
			return nil
		}
		return m.Type.Out(0)
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	if f, ok := t.FieldByName(name); ok && f.IsExported() {
		return f.Type
	}
	return nil
}
