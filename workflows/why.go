package workflows

import (
	"fmt"
	"strings"

	"duban/models"
	"duban/models/calendar"
)

// Explanation answers why a task came to its person (为什么由我办理).
type Explanation struct {
	Step  string   // the step's title
	Rule  string   // how many must agree
	Chain []string // from the definition to the person, one sentence a link
}

// String returns the explanation as lines of text.
func (e Explanation) String() string {
	return strings.Join(append([]string{e.Step, e.Rule}, e.Chain...), "\n")
}

// Why explains a task as on a given day. It reports false if there is no such
// task.
func Why(def Definition, people Directory, s State, task int, on calendar.Date, l models.Language) (Explanation, bool) {
	t, ok := s.Task(task)
	if !ok {
		return Explanation{}, false
	}
	step, _ := def.Step(t.Step)
	n := narrator{def, people, l}
	e := Explanation{Step: step.Title.In(l), Rule: n.rule(step)}
	if step.When.source != "" {
		e.Chain = append(e.Chain, n.say("满足条件：%s", "The condition holds: %s", def.Words(step.When, l)))
	}
	e.Chain = append(e.Chain, n.origin(s, t, n.first(t)))
	for _, h := range t.Why.Hops {
		e.Chain = append(e.Chain, n.hop(h))
	}
	if t.ActedFor != 0 {
		e.Chain = append(e.Chain, n.say("%s受托代%s办理", "%s acted for %s by delegation", n.name(t.ActedBy), n.name(t.ActedFor)))
	}
	if t.State == TaskOpen && t.Assignee != 0 {
		c := turn{def: def, people: people, s: s, today: on}
		for _, id := range c.reach(t)[1:] {
			e.Chain = append(e.Chain, n.say("%s受托，可代%s办理", "%s may act for %s by delegation", n.name(id), n.name(t.Assignee)))
		}
	}
	return e, true
}

// narrator tells the explanation in one language.
type narrator struct {
	def    Definition
	people Directory
	l      models.Language
}

func (n narrator) say(zh, en string, args ...any) string {
	if n.l == models.English {
		return fmt.Sprintf(en, args...)
	}
	return fmt.Sprintf(zh, args...)
}

func (n narrator) name(id int64) string {
	switch {
	case id == System && n.l == models.English:
		return "nobody"
	case id == System:
		return "无人"
	}
	return n.people.name(id)
}

// first returns the person whom the task was given to at first.
func (n narrator) first(t Task) int64 {
	if len(t.Why.Hops) > 0 {
		return t.Why.Hops[0].From
	}
	return t.Assignee
}

func (n narrator) rule(s Step) string {
	switch {
	case s.ID == ApplyStep:
		return n.say("填报后提交", "Fill the form in and submit it")
	case s.Mode == ModeAll:
		return n.say("会签：每个人都要同意", "Everybody must agree")
	case s.Mode == ModeSequential:
		return n.say("依次审批：前一位同意后轮到下一位", "One after another, all must agree")
	case s.Mode == ModeShare:
		return n.say("按比例：至少 %s 同意", "At least %s must agree", s.Share)
	}
	return n.say("或签：任一人的决定即为本步骤的决定", "The first decision is the step's decision")
}

func (n narrator) origin(s State, t Task, first int64) string {
	party := t.Why.Party.Title().In(n.l)
	switch t.Why.How {
	case OriginParty:
		return n.say("本步骤由%s办理：%s", "The step asks %s: %s", party, n.name(first))
	case OriginFallback:
		return n.say("本步骤无人可办，改由后备的%s办理：%s", "Nobody holds the step, so it falls to %s: %s", party, n.name(first))
	case OriginUp:
		return n.say("本应由%s（%s）办理，因回避改由上一级%s办理", "%s (%s) may not decide here, so the next one up does: %s",
			n.name(t.Why.Instead), party, n.name(first))
	case OriginAdded:
		return n.say("由%s加签给%s", "%s added %s as a signer", n.name(t.AddedBy), n.name(first))
	case OriginApplicant:
		return n.say("流程被退回，由申请人%s重新填报", "It was sent back to the applicant: %s", n.name(s.Applicant))
	default:
		return n.say("按定义找不到可以办理的人，由管理员指派", "The definition finds nobody, so an administrator assigns it")
	}
}

func (n narrator) hop(h Hop) string {
	from, to := n.name(h.From), n.name(h.To)
	switch h.Kind {
	case Delegate:
		return n.say("%s委派%s代为准备，交回后由本人决定", "%s lent it to %s, who gives it back", from, to)
	case GiveBack:
		return n.say("%s交回%s", "%s gave it back to %s", from, to)
	case HandOver:
		return n.say("%s离职或调岗，移交%s", "%s has left; %s took over", from, to)
	case Deadline:
		return n.say("%s逾期未办，上移至%s", "%s was overdue, so it moved up to %s", from, to)
	default:
		return n.say("%s转办给%s", "%s transferred it to %s", from, to)
	}
}
