package notifier

import (
	"fmt"
	"reflect"
	"strings"
	"text/template/parse"

	"duban/models"
)

// review reads the syntax trees of an administrator's wording before anything
// is executed. It follows every template from where the layouts call it, with
// the type of what it is given, so that a variable that does not exist, a loop
// without an end or a secret is found on whichever branch it hides.
type review struct {
	trees    map[string]*parse.Tree // by name: the shared words, the wording, the layouts
	own      map[string]bool        // the names that the wording defines
	visited  map[visit]int          // the steps that each takes at most
	calls    map[string]bool        // the templates that are being followed now
	reached  map[string]bool
	complex  bool // too complex, which is said once
	problems *problems
}

func newReview(ps *problems) review {
	return review{
		trees: map[string]*parse.Tree{}, own: map[string]bool{}, visited: map[visit]int{},
		calls: map[string]bool{}, reached: map[string]bool{}, problems: ps,
	}
}

// visit is a template together with what it is given.
type visit struct {
	name string
	dot  reflect.Type
}

// The functions that a wording may use: those that choose words. The others of
// Go's templates can format without bound, or hand over whole records.
var wordingFunctions = functions("and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len")

// The methods that a wording may call: those that write a value.
var wordingMethods = map[string]bool{"Money": true, "Over": true, "Chinese": true, "String": true, "More": true}

// Secrets are for their recipient, at the place that the layout gives them: a
// wording may ask whether there is one, and not show it.
var secretFields = map[string]bool{"Link": true, "Code": true, "CodeUntil": true, "Login": true}

// How long a message may take at most: the steps of all templates together,
// and the turns of a loop as they are counted.
const (
	maxSteps = 100_000
	maxTurns = 50
)

var (
	// anyType stands for a value whose type depends on the facts.
	anyType = reflect.TypeFor[any]()
	// wrongType stands for a value about which a problem was found already.
	wrongType = reflect.TypeFor[wrong]()
)

type wrong struct{}

// follow reviews the parts of a message as the layouts put them together.
func (r *review) follow() {
	root := reflect.TypeFor[view]()
	for _, entry := range []string{"subject", "text", "short", "html"} {
		r.template(entry, root, nil)
	}
}

// template reviews one template for what it is given, and returns how many
// steps it takes at most.
func (r *review) template(name string, dot reflect.Type, from *scope) int {
	r.reached[name] = true
	tree := r.trees[name]
	if tree == nil || tree.Root == nil {
		if from != nil && from.own {
			r.problems.add(from.line, "unknown_template", "没有名为 %q 的片段", "there is no part %q", name)
		}
		return 1
	}
	if r.calls[name] {
		r.problems.add(r.lineIn(from, name), "recursion", "片段 %q 引用了自身，没有尽头", "the part %q contains itself, without an end", name)
		return 1
	}
	key := visit{name, dot}
	if steps, ok := r.visited[key]; ok {
		return steps
	}
	r.calls[name] = true
	s := &scope{review: r, own: r.own[name], vars: []variable{{"$", dot}}}
	steps := s.list(tree.Root, dot)
	delete(r.calls, name)
	if steps >= maxSteps && s.own && !r.complex {
		r.complex = true // what contains it is too complex as well
		r.problems.add(s.line, "too_complex", "片段 %q 过于复杂：引用和循环层层相乘", "the part %q is too complex: parts and loops multiply", name)
	}
	r.visited[key] = steps
	return steps
}

// lineIn is the line that a problem about a part has: that of the call, if the
// wording made it.
func (r *review) lineIn(from *scope, name string) int {
	if from != nil && from.own {
		return from.line
	}
	if tree := r.trees[name]; tree != nil && r.own[name] {
		return lineAt(tree.Root)
	}
	return 0
}

// lineAt returns the line of a node in its source.
func lineAt(node parse.Node) int {
	location, _ := new(parse.Tree).ErrorContext(node) // the node knows its own tree
	var line, column int
	if _, err := fmt.Sscanf(location[strings.Index(location, ":")+1:], "%d:%d", &line, &column); err != nil {
		return 0
	}
	return line
}

// printable reports whether a value can stand in a text.
func printable(t reflect.Type) bool {
	switch t {
	case nil, anyType:
		return false
	case wrongType:
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	case reflect.Struct:
		return t.Implements(reflect.TypeFor[fmt.Stringer]())
	}
	return false
}

// builtinFunctions are what our own words may use beside.
var builtinFunctions = functions("print", "printf", "index", "slice")

// functions names functions for the parser, which only wants to know them.
func functions(names ...string) map[string]any {
	known := map[string]any{}
	for _, name := range names {
		known[name] = true
	}
	return known
}

// builtinTrees returns the syntax trees that surround the words of a template:
// those that come before it, and those that it cannot replace.
func builtinTrees(language models.Language) (phrases, layouts map[string]*parse.Tree, err error) {
	read := func(into map[string]*parse.Tree, file string) error {
		source, err := templateFiles.ReadFile(file)
		if err != nil {
			return err
		}
		trees, err := parse.Parse(file, string(source), "{{", "}}", wordingFunctions, builtinFunctions)
		for name, tree := range trees {
			into[name] = tree
		}
		return err
	}
	phrases, layouts = map[string]*parse.Tree{}, map[string]*parse.Tree{}
	if err = read(phrases, folder(language)+"/phrases.tmpl"); err != nil {
		return nil, nil, err
	}
	for _, file := range []string{"templates/layout.txt", "templates/layout.html"} {
		if err = read(layouts, file); err != nil {
			return nil, nil, err
		}
	}
	return phrases, layouts, nil
}
