package workflows

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/goccy/go-yaml/ast"

	"duban/models"
	"duban/models/money"
)

// Parse reads a definition from YAML. An unknown key is an error, as is
// whatever [Definition.Validate] finds; all of them are returned together, as
// an [InvalidError]. The keys, with what they mean if they are left out:
//
//	key, version, title {zh, en}, kinds
//	withdraw    undecided | running | never
//	urge_hours  24
//	upwards     [manager, role:leader, unit_leader]
//	form        list of name, label, type, required, min, max, options; of a
//	            table: rows (free, or indicators, checkpoints) and columns, a
//	            list of the same keys, in which max may also name a number
//	            column before it; sum (table.column) of a computed field
//	apply       title, who, empty, limit, ladder, copies
//	steps       list of id, title, who, mode (any), share, when, limit, ladder,
//	            copies, empty (error, skip, or a list of parties), duplicate
//	            (ask), self (up), separate_from, fills
//	effects     list of do, with {parameter: field}
func Parse(source string) (Definition, error) {
	d := Definition{
		Withdraw: WithdrawUndecided, UrgeHours: 24,
		Upwards: []Party{{Kind: PartyManager}, {Kind: PartyRole, Role: models.RoleLeader}, {Kind: PartyUnitLeader}},
		source:  source, lines: map[place]int{},
	}
	r := &reader{lines: d.lines}
	if body := r.document(source); body != nil {
		r.definition(body, &d)
	}
	if len(r.problems) == 0 {
		r.problems = append(d.compile(), d.problems()...)
	}
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b Problem) int { return a.Line - b.Line })
		return Definition{}, InvalidError(r.problems)
	}
	return d, nil
}

func (r *reader) definition(node ast.Node, d *Definition) {
	r.mapping(node, "", keys{
		"key":        text(r, &d.Key),
		"version":    r.number(&d.Version),
		"title":      r.title(&d.Title),
		"withdraw":   text(r, &d.Withdraw),
		"urge_hours": r.number(&d.UrgeHours),
		"upwards": func(node ast.Node, path string) {
			d.Upwards = nil
			r.parties(&d.Upwards)(node, path)
		},
		"kinds": func(node ast.Node, path string) {
			r.list(node, path, func(node ast.Node, path string) {
				var k models.Kind
				text(r, &k)(node, path)
				d.Kinds = append(d.Kinds, k)
			})
		},
		"form": func(node ast.Node, path string) {
			r.list(node, path, func(node ast.Node, path string) { d.Form = append(d.Form, r.field(node, path)) })
		},
		"apply": func(node ast.Node, _ string) { d.Apply = r.apply(node) },
		"steps": func(node ast.Node, path string) {
			r.list(node, path, func(node ast.Node, _ string) { d.Steps = append(d.Steps, r.oneStep(node, len(d.Steps)+1)) })
		},
		"effects": func(node ast.Node, path string) {
			r.list(node, path, func(node ast.Node, path string) { d.Effects = append(d.Effects, r.completion(node, path)) })
		},
	})
}

func (r *reader) title(dst *Text) func(ast.Node, string) {
	return func(node ast.Node, path string) {
		r.mapping(node, path, keys{"zh": text(r, &dst.Chinese), "en": text(r, &dst.English)})
	}
}

func (r *reader) parties(dst *[]Party) func(ast.Node, string) {
	return func(node ast.Node, path string) {
		r.list(node, path, func(node ast.Node, path string) {
			var s string
			text(r, &s)(node, path)
			p, ok := parseParty(s)
			if !ok {
				r.fail(node, path, "“%s”不是办理人，应为 owner、manager、unit_leader、role:角色 或 account:账号", s)
			}
			*dst = append(*dst, p)
		})
	}
}

func (r *reader) field(node ast.Node, path string) Field {
	var f Field
	known := r.fieldKeys(&f)
	known["rows"] = text(r, &f.RowsFrom)
	known["sum"] = text(r, &f.Sum)
	known["columns"] = func(node ast.Node, path string) {
		r.list(node, path, func(node ast.Node, path string) { f.Columns = append(f.Columns, r.column(node, path)) })
	}
	r.mapping(node, path, known)
	r.amounts(&f, path)
	return f
}

// column reads a column of a table, which has fewer keys than a field.
func (r *reader) column(node ast.Node, path string) Field {
	var f Field
	r.mapping(node, path, r.fieldKeys(&f))
	r.amounts(&f, path)
	return f
}

func (r *reader) fieldKeys(f *Field) keys {
	return keys{
		"name": text(r, &f.Name), "label": r.title(&f.Label), "type": text(r, &f.Type),
		"required": r.truth(&f.Required), "min": r.figure(&f.Min), "max": r.figure(&f.Max),
		"options": func(node ast.Node, path string) {
			r.list(node, path, func(node ast.Node, path string) {
				var o Option
				r.mapping(node, path, keys{"value": text(r, &o.Value), "label": r.title(&o.Label)})
				f.Options = append(f.Options, o)
			})
		},
	}
}

// amounts turns the bounds of an amount into 分.
func (r *reader) amounts(f *Field, path string) {
	if f.Type == FieldMoney {
		f.Min = r.fen(f.Min, path+".min")
		f.Max = r.fen(f.Max, path+".max")
	}
}

// fen turns a bound written in 元 or 万元 into 分.
func (r *reader) fen(s, path string) string {
	if s == "" {
		return ""
	}
	v, err := money.Parse(s, money.Yuan)
	if err != nil {
		r.fail(nil, path, "%v", err)
		return ""
	}
	return strconv.FormatInt(int64(v), 10)
}

// apply reads the apply step, which has fewer keys than the others.
func (r *reader) apply(node ast.Node) Step {
	s := newStep()
	s.ID = ApplyStep
	r.step = s.ID
	defer func() { r.step = "" }()
	known := r.stepKeys(&s)
	r.mapping(node, "", keys{
		"title": known["title"], "who": known["who"], "empty": known["empty"],
		"limit": known["limit"], "ladder": known["ladder"], "copies": known["copies"],
	})
	if s.Limit > 0 && s.Ladder == nil {
		// Filling in is never transferred upwards: a superior who applied
		// could not approve any more.
		s.Ladder = slices.DeleteFunc(standardLadder(), func(rung Rung) bool { return rung.Do == RungTransferUp })
	}
	return s
}

func newStep() Step {
	return Step{Mode: ModeAny, Empty: EmptyError, Duplicate: DuplicateAsk, Self: SelfUp}
}

// oneStep reads the n-th step. Problems name it by its id, which may stand
// anywhere in it.
func (r *reader) oneStep(node ast.Node, n int) Step {
	s := newStep()
	r.step = fmt.Sprintf("#%d", n)
	if m, ok := node.(ast.MapNode); ok {
		for it := m.MapRange(); it.Next(); {
			if id, ok := textOf(it.KeyValue().Value); ok && it.KeyValue().Key.GetToken().Value == "id" && id != "" {
				r.step = id
			}
		}
	}
	defer func() { r.step = "" }()
	r.lines[place{r.step, ""}] = lineOf(node.GetToken())
	r.mapping(node, "", r.stepKeys(&s))
	if s.Limit > 0 && s.Ladder == nil {
		s.Ladder = standardLadder()
	}
	return s
}

func (r *reader) stepKeys(s *Step) keys {
	return keys{
		"id": text(r, &s.ID), "title": r.title(&s.Title), "who": r.parties(&s.Who),
		"mode": text(r, &s.Mode), "when": text(r, &s.When.source), "limit": r.number(&s.Limit),
		"copies": r.parties(&s.Copies), "duplicate": text(r, &s.Duplicate), "self": text(r, &s.Self),
		"separate_from": r.texts(&s.SeparateFrom), "fills": r.texts(&s.Fills),
		"share": func(node ast.Node, path string) {
			var share string
			r.figure(&share)(node, path)
			p, err := money.ParsePercent(share)
			if err != nil {
				r.fail(node, path, "%v", err)
			}
			s.Share = p
		},
		"ladder": func(node ast.Node, path string) {
			s.Ladder = []Rung{}
			r.list(node, path, func(node ast.Node, path string) {
				var rung Rung
				r.mapping(node, path, keys{"after": r.number(&rung.After), "do": text(r, &rung.Do)})
				s.Ladder = append(s.Ladder, rung)
			})
		},
		"empty": func(node ast.Node, path string) {
			if _, ok := node.(*ast.SequenceNode); ok {
				s.Empty = EmptyFallback
				r.parties(&s.Fallback)(node, path)
				return
			}
			text(r, &s.Empty)(node, path)
		},
	}
}

func (r *reader) completion(node ast.Node, path string) Completion {
	e := Completion{With: map[string]string{}}
	r.mapping(node, path, keys{
		"do": text(r, &e.Do),
		"with": func(node ast.Node, path string) {
			m, ok := node.(ast.MapNode)
			if !ok {
				r.fail(node, path, "应为若干“参数: 字段”")
				return
			}
			known := keys{}
			for it := m.MapRange(); it.Next(); {
				parameter := it.KeyValue().Key.GetToken().Value
				known[parameter] = func(node ast.Node, path string) {
					var field string
					text(r, &field)(node, path)
					e.With[parameter] = field
				}
			}
			r.mapping(node, path, known)
		},
	})
	return e
}
