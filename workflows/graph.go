package workflows

import (
	"fmt"
	"strings"

	"duban/models"
	"duban/models/money"
)

// Graph is the picture of a definition (流程图): one column of nodes, and edges
// that pass by the steps whose condition does not hold.
type Graph struct {
	Title string
	Nodes []Node
	Edges []Edge
}

// Node is one box of a graph.
type Node struct {
	ID    string
	Title string
	Lines []string
	End   bool // the outcome, and no step
}

// Edge leads from one node to another, by their positions. Its label is the
// condition under which it is taken, if there is one.
type Edge struct {
	From, To int
	Label    string
}

// Graph draws the definition in the given language.
func (d Definition) Graph(l models.Language) Graph {
	g := Graph{Title: fmt.Sprintf("%s v%d", d.Title.In(l), d.Version)}
	for _, s := range append([]Step{d.Apply}, d.Steps...) {
		g.Nodes = append(g.Nodes, Node{ID: s.ID, Title: s.Title.In(l), Lines: s.describe(l)})
	}
	end := Node{ID: "end", Title: Text{"同意，办结", "Approved"}.In(l), End: true}
	for _, e := range d.Effects {
		end.Lines = append(end.Lines, e.Do.title().In(l))
	}
	g.Nodes = append(g.Nodes, end)
	for i := range g.Nodes[:len(g.Nodes)-1] {
		g.Edges = append(g.Edges, d.edgesFrom(i, l)...)
	}
	return g
}

// edgesFrom returns the edges from a node to the next one, and past each
// conditional step to the first that always applies.
func (d Definition) edgesFrom(node int, l models.Language) []Edge {
	var edges []Edge
	otherwise := Text{"否则", "otherwise"}.In(l)
	for i := node; i < len(d.Steps); i++ {
		when := d.Steps[i].When
		label := d.Words(when, l)
		if when.source == "" && i > node {
			label = otherwise
		}
		edges = append(edges, Edge{node, i + 1, label})
		if when.source == "" {
			return edges
		}
	}
	last := Edge{From: node, To: len(d.Steps) + 1}
	if len(edges) > 0 {
		last.Label = otherwise
	}
	return append(edges, last)
}

// describe says in a few lines who decides a step, and how.
func (s Step) describe(l models.Language) []string {
	n := narrator{l: l}
	lines := []string{titles(s.Who, l)}
	if s.ID != ApplyStep {
		lines = append(lines, s.Mode.title(s.Share).In(l))
	}
	if s.Limit > 0 {
		lines = append(lines, n.say("限 %d 个工作日", "within %d workdays", s.Limit))
	}
	if len(s.Copies) > 0 {
		lines = append(lines, n.say("抄送 %s", "copies to %s", titles(s.Copies, l)))
	}
	return lines
}

func (m Mode) title(share money.Percent) Text {
	switch m {
	case ModeAll:
		return Text{"会签", "all"}
	case ModeSequential:
		return Text{"依次审批", "one after another"}
	case ModeShare:
		return Text{"按比例 ≥ " + share.String(), "share ≥ " + share.String()}
	default:
		return Text{"或签", "any one"}
	}
}

func (e EffectName) title() Text {
	switch e {
	case MoveDueDate:
		return Text{"调整到期日", "moves the due date"}
	case ReviseBudget:
		return Text{"调整预算并重算目标", "revises the budget"}
	case CloseObligation:
		return Text{"办结事项", "closes the duty"}
	case RefineBudget:
		return Text{"细化代编预算", "refines the placeholder budget"}
	case RecordReport:
		return Text{"登记报告", "records the report"}
	case CloseAfterVerification:
		return Text{"回查后销号", "closes after verification"}
	}
	return Text{string(e), string(e)}
}

// DOT writes the graph in the language of Graphviz.
func (g Graph) DOT() string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph workflow {\n\tlabel=%s;\n\tnode [shape=box];\n", dotText(g.Title))
	for _, n := range g.Nodes {
		shape := ""
		if n.End {
			shape = ", shape=ellipse"
		}
		fmt.Fprintf(&b, "\t%s [label=%s%s];\n", dotText(n.ID), dotText(strings.Join(append([]string{n.Title}, n.Lines...), "\n")), shape)
	}
	for _, e := range g.Edges {
		fmt.Fprintf(&b, "\t%s -> %s [label=%s];\n", dotText(g.Nodes[e.From].ID), dotText(g.Nodes[e.To].ID), dotText(e.Label))
	}
	return b.String() + "}\n"
}

// dotText quotes a text for DOT, in which only quotes and backslashes are special.
func dotText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
