package workflows

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"duban/models"
	"duban/models/money"
)

// Condition decides whether a step applies (条件). It is an expression of the
// expr language over the form's fields and the case:
//
//	amount >= 50 * wan && kind == "spending_target"
//
// Money is in 分, and yuan and wan are the 分 in one 元 and one 万元. All
// functions are switched off, the clock among them, so a condition can only
// depend on what is written in the instance.
type Condition struct {
	source  string
	program *vm.Program
	uses    []string // the names that occur in it, sorted
}

// maxConditionNodes bounds a condition: longer ones cannot be reviewed.
const maxConditionNodes = 200

// caseNames are the names that a condition knows besides the form's fields. A
// field cannot have one of them.
func caseNames() map[string]any { return Case{}.values() }

func (c Case) values() map[string]any {
	return map[string]any{
		"kind": string(c.Kind), "unit": c.Unit,
		"budget": int64(c.Budget), "gap": int64(c.Gap),
		"yuan": int64(money.Yuan), "wan": int64(money.TenThousand),
	}
}

// compileCondition reads a condition over the given fields.
func compileCondition(source string, fields []Field) (Condition, error) {
	env := caseNames()
	for _, f := range fields {
		if f.Type != FieldTable { // a condition can ask for its sum
			env[f.Name] = f.blank()
		}
	}
	program, err := expr.Compile(source, expr.Env(env), expr.AsBool(),
		expr.DisableAllBuiltins(), expr.MaxNodes(maxConditionNodes))
	if err != nil {
		return Condition{}, err
	}
	tree, err := parser.Parse(source)
	if err != nil {
		return Condition{}, err
	}
	names := identifiers{}
	ast.Walk(&tree.Node, names)
	return Condition{source: source, program: program, uses: slices.Sorted(maps.Keys(names))}, nil
}

// identifiers collects the names that occur in an expression.
type identifiers map[string]bool

// Visit implements ast.Visitor.
func (names identifiers) Visit(node *ast.Node) {
	if n, ok := (*node).(*ast.IdentifierNode); ok {
		names[n.Value] = true
	}
}

// String returns the condition as it was written, "" for none.
func (c Condition) String() string { return c.source }

// holds evaluates the condition. One that cannot be evaluated holds: it is
// better to ask a person too many than to pass one over.
func (c Condition) holds(d Definition, s State) bool {
	if c.program == nil {
		return true
	}
	env := s.Case.values()
	for _, f := range d.Form {
		env[f.Name] = f.value(s.Form[f.Name])
	}
	out, err := expr.Run(c.program, env)
	holds, ok := out.(bool)
	return err != nil || !ok || holds
}

// blank returns the value that an empty field has in a condition.
func (f Field) blank() any {
	switch f.Type {
	case FieldMoney:
		return int64(0)
	case FieldNumber:
		return float64(0)
	default:
		return ""
	}
}

// value returns what a condition sees of a stored value. A number has at most
// 15 digits, so comparing it as a float is still exact.
func (f Field) value(stored string) any {
	switch f.Type {
	case FieldMoney:
		n, _ := strconv.ParseInt(stored, 10, 64) // "" is blank, and nothing else fails
		return n
	case FieldNumber:
		n, _ := strconv.ParseFloat(stored, 64)
		return n
	default:
		return stored
	}
}

// words are the parts of a condition that people know by other names.
var words = regexp.MustCompile("\"[^\"]*\"|'[^']*'|\\* *(wan|yuan)\\b|[A-Za-z_][A-Za-z0-9_]*|[<>=!]=|&&|\\|\\|")

// Words writes a condition of the definition for people: "amount >= 50 * wan"
// as "金额 ≥ 50 万元".
func (d Definition) Words(c Condition, l models.Language) string {
	return words.ReplaceAllStringFunc(c.source, func(w string) string {
		if t, ok := symbol(strings.ReplaceAll(w, " ", "")); ok {
			return t.In(l)
		}
		if f, ok := d.Field(w); ok {
			return f.Label.In(l)
		}
		for _, f := range d.Form {
			for _, o := range f.Options {
				if strings.Trim(w, `"'`) == o.Value && w != o.Value {
					return o.Label.In(l)
				}
			}
		}
		return w
	})
}

// symbol returns how people write an operator or a name of the case.
func symbol(w string) (Text, bool) {
	switch w {
	case "&&", "and":
		return Text{"且", "and"}, true
	case "||", "or":
		return Text{"或", "or"}, true
	case ">=":
		return Text{"≥", "≥"}, true
	case "<=":
		return Text{"≤", "≤"}, true
	case "==":
		return Text{"=", "="}, true
	case "!=":
		return Text{"≠", "≠"}, true
	case "*wan":
		return Text{"万元", "× 10,000 yuan"}, true
	case "*yuan":
		return Text{"元", "yuan"}, true
	case "gap":
		return Text{"支出差额", "gap"}, true
	case "budget":
		return Text{"预算数", "budget"}, true
	case "kind":
		return Text{"事项类别", "kind"}, true
	case "unit":
		return Text{"单位", "unit"}, true
	}
	return Text{}, false
}
