package workflows

import (
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"duban/models"
	"duban/models/calendar"
)

// Decide applies an action to an instance and returns the new state with what
// must happen outside. It changes none of its arguments, asks no clock and
// draws no lots. A refusal is an [*Error], with the state as it was.
func Decide(def Definition, people Directory, s State, a Action) (State, []Effect, error) {
	c := &turn{def: def, people: people, s: s.clone(), a: a, today: calendar.DateOf(a.At)}
	c.a.At = a.At.UTC().Round(0)
	if err := c.admit(); err != nil {
		return s, nil, err
	}
	if err := c.act(); err != nil {
		return s, nil, err
	}
	c.s.Sequence++
	return c.s, append(changedTasks(s, c.s), c.effects...), nil
}

// changedTasks compares the tasks before and after an action, so that no
// change of one can be forgotten.
func changedTasks(before, after State) []Effect {
	var changed []Effect
	for i, t := range after.Tasks {
		if i >= len(before.Tasks) || !reflect.DeepEqual(before.Tasks[i], t) {
			changed = append(changed, TaskChanged{t})
		}
	}
	return changed
}

// turn is one action being applied to a copy of the state.
type turn struct {
	def     Definition
	people  Directory
	s       State
	a       Action
	today   calendar.Date
	effects []Effect
}

func (c *turn) emit(e ...Effect) { c.effects = append(c.effects, e...) }

// admit refuses what makes no sense for any kind of action, or now.
func (c *turn) admit() error {
	switch {
	case c.def.Key == "" || c.s.Began() && (c.s.Definition != c.def.Key || c.s.Version != c.def.Version):
		return refuse(CodeWrongDefinition, "流程定义或版本不符：%s 第 %d 版", c.def.Key, c.def.Version)
	case c.today.Year() < 2000 || c.today.Year() > 2999:
		return refuse(CodeUnknownAction, "操作时间不对")
	case !utf8.ValidString(c.a.Comment) || utf8.RuneCountInString(c.a.Comment) > maxText:
		return refuse(CodeFormInvalid, "意见含有无法识别的字符或超过 %d 个字", maxText)
	case c.a.By == System && !slices.Contains([]ActionKind{Open, Deadline, Withdraw}, c.a.Kind),
		c.a.By != System && (c.a.Kind == Open || c.a.Kind == Deadline):
		return refuse(CodeNotAllowed, "此操作不能由%s进行", c.people.name(c.a.By))
	case c.a.By != System && !c.people.active(c.a.By):
		return refuse(CodeUnknownPerson, "没有这个在用的账号")
	}
	if c.a.Kind == Open || c.a.Kind == Submit && !c.s.Began() {
		return nil
	}
	return c.admitToRunning()
}

// admitToRunning refuses what the state of the instance as a whole rules out.
func (c *turn) admitToRunning() error {
	if !c.s.Began() {
		return refuse(CodeWrongState, "流程尚未发起")
	}
	if c.s.Outcome != "" && c.a.Kind != MarkRead {
		if t, ok := c.s.Task(c.a.Task); ok {
			return alreadyDecided(c.people, t)
		}
		return refuse(CodeWrongState, "流程已结束")
	}
	if c.s.Suspended {
		switch c.a.Kind {
		case Resume, Terminate, Comment, MarkRead, HandOver:
		case Withdraw:
			if c.a.By != System {
				return refuse(CodeWrongState, "流程已挂起，请联系管理员")
			}
		default:
			return refuse(CodeWrongState, "流程已挂起，请联系管理员")
		}
	}
	return nil
}

func (c *turn) act() error {
	switch c.a.Kind {
	case Open:
		return c.openByItself()
	case Submit:
		return c.submit()
	case Approve:
		return c.approve()
	case Reject:
		return c.reject()
	case SendBack:
		return c.sendBack()
	case Withdraw:
		return c.withdraw()
	case Transfer:
		return c.transfer()
	case Delegate:
		return c.delegate()
	case GiveBack:
		return c.giveBack()
	case AddSigner:
		return c.addSigner()
	case RemoveSigner:
		return c.removeSigner()
	case Deadline:
		return c.deadline()
	default:
		return c.accompany()
	}
}

// accompany applies the actions that take no decision.
func (c *turn) accompany() error {
	switch c.a.Kind {
	case Urge:
		return c.urge()
	case Comment:
		return c.comment()
	case CopyTo:
		return c.copyTo()
	case MarkRead:
		return c.markRead()
	case Suspend:
		return c.suspend()
	case Resume:
		return c.resume()
	case Terminate:
		return c.terminate()
	case HandOver:
		return c.handOver()
	case Reschedule:
		return c.reschedule()
	default:
		return refuse(CodeUnknownAction, "没有“%s”这种操作", c.a.Kind)
	}
}

// task returns the open task that the action names, if it is still as the
// person saw it.
func (c *turn) task() (*Task, error) {
	if _, ok := c.s.Task(c.a.Task); !ok {
		return nil, refuse(CodeUnknownTask, "没有这个待办")
	}
	t := &c.s.Tasks[c.a.Task-1]
	switch {
	case t.State.Done() || t.Version != c.a.TaskVersion:
		return nil, alreadyDecided(c.people, *t)
	case t.State == TaskWaiting:
		return nil, refuse(CodeWrongState, "还没有轮到这一席")
	case c.a.FormHash != "" && c.a.FormHash != c.s.FormHash:
		return nil, refuse(CodeFormChanged, "表单在您打开之后有改动，请重新查看")
	}
	return t, nil
}

// mine returns the task that the action names if the actor may decide it, and
// for whom: 0 unless as a stand-in.
func (c *turn) mine() (t *Task, actedFor int64, err error) {
	if t, err = c.task(); err != nil {
		return nil, 0, err
	}
	if t.Lender != 0 {
		return nil, 0, refuse(CodeWrongState, "已委派给%s，交回后才能办理", c.people.name(t.Assignee))
	}
	actedFor, err = c.authority(*t)
	return t, actedFor, err
}

// authority says for whom the actor holds a task: 0 for themselves, else the
// assignee on leave. One person speaks once in a round, so a stand-in has no
// other part in it.
func (c *turn) authority(t Task) (actedFor int64, err error) {
	step, _ := c.def.Step(t.Step)
	if c.a.By == t.Assignee {
		return 0, c.barred(step, c.a.By)
	}
	if t.Assignee == 0 || !slices.Contains(c.standIns(t.Assignee, func(int64) bool { return false }), c.a.By) {
		return 0, refuse(CodeNotYourTask, "这是%s的待办", c.people.assigneeName(t.Assignee))
	}
	if err := c.barred(step, c.a.By); err != nil {
		return 0, err
	}
	if !slices.Contains(c.reach(t), c.a.By) {
		return 0, refuse(CodeSelfApproval, "转托给您的人不得参与本步骤，请由%s本人办理", c.people.name(t.Assignee))
	}
	if c.hasSeat(c.a.By) {
		return 0, refuse(CodeAlreadySigner, "您在本步骤另有一席，不能再代%s办理", c.people.name(t.Assignee))
	}
	return t.Assignee, nil
}

// assigneeName names the holder of a seat, which may be empty.
func (p Directory) assigneeName(id int64) string {
	if id == 0 {
		return "待指派人员"
	}
	return p.name(id)
}

func (c *turn) standIns(principal int64, barred func(int64) bool) []int64 {
	return c.people.standIns(principal, c.today, c.def.Key, barred)
}

// reach returns who can take the task's decision today: its assignee and those
// who stand in, or the administrators if nobody has it.
func (c *turn) reach(t Task) []int64 {
	if t.Assignee == 0 {
		return c.people.holders(Party{Kind: PartyRole, Role: models.RoleAdmin})
	}
	step, _ := c.def.Step(t.Step)
	ins := c.standIns(t.Assignee, func(id int64) bool { return c.barred(step, id) != nil })
	return append([]int64{t.Assignee}, ins...)
}

// barred says why a person may not decide a step at all, nil if they may.
func (c *turn) barred(step Step, person int64) error {
	if step.ID == ApplyStep {
		return nil
	}
	if step.Self != SelfAllow && slices.Contains(c.s.Applicants, person) {
		return refuse(CodeSelfApproval, "申请人不得办理自己申请的“%s”", step.Title.Chinese)
	}
	for _, t := range c.s.Tasks {
		if t.ActedBy != 0 && (t.ActedBy == person || t.ActedFor == person) && c.def.separated(step.ID, t.Step) {
			other, _ := c.def.Step(t.Step)
			return refuse(CodeSeparation, "已办理“%s”的人不得再办理“%s”", other.Title.Chinese, step.Title.Chinese)
		}
	}
	return nil
}

// hasSeat reports whether a person has a part in the current round: a seat, a
// decision, or one taken for them.
func (c *turn) hasSeat(person int64) bool {
	for _, t := range c.s.Tasks {
		if t.Round == c.s.Round && t.State != TaskClosed &&
			(t.Assignee == person || t.Lender == person || t.ActedBy == person || t.ActedFor == person) {
			return true
		}
	}
	return false
}

// eligible says why a person cannot be given a seat in the current round, nil
// if they can.
func (c *turn) eligible(step Step, person int64) error {
	if !c.people.active(person) {
		return refuse(CodeUnknownPerson, "没有这个在用的账号")
	}
	if c.hasSeat(person) {
		return refuse(CodeAlreadySigner, "%s在本步骤已有一席", c.people.name(person))
	}
	return c.barred(step, person)
}

// admin refuses an actor who is no administrator, or one without a reason.
func (c *turn) admin() error {
	if !c.people.is(c.a.By, models.RoleAdmin) {
		return refuse(CodeNotAllowed, "只有系统管理员可以这样做")
	}
	return c.reasoned()
}

// reasoned refuses an action without a reason.
func (c *turn) reasoned() error {
	if strings.TrimSpace(c.a.Comment) == "" {
		return refuse(CodeReasonRequired, "请写明理由")
	}
	return nil
}
