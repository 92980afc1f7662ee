package workflows

import (
	"fmt"
	"strings"
	"time"

	"duban/models/calendar"
)

// Code identifies a kind of refusal for programs. Codes never change.
type Code string

// The reasons for which [Decide] refuses an action.
const (
	CodeNotYourTask     Code = "not_your_task"    // the task is another person's
	CodeNotAllowed      Code = "not_allowed"      // the person may not do this at all
	CodeAlreadyDecided  Code = "already_decided"  // By has acted at At
	CodeWrongState      Code = "wrong_state"      // not now: ended, suspended, waiting, lent
	CodeWrongDefinition Code = "wrong_definition" // the instance belongs to another version
	CodeFormInvalid     Code = "form_invalid"     // Fields says what
	CodeFormChanged     Code = "form_changed"     // not the form that the person saw
	CodeSelfApproval    Code = "self_approval"    // the applicant, or a stand-in's own application
	CodeSeparation      Code = "separation"       // decided a step that must be another person's
	CodeCycle           Code = "cycle"            // a delegation that leads back to its giver
	CodeTooSoon         Code = "too_soon"         // not before Until
	CodeUnknownTask     Code = "unknown_task"
	CodeUnknownStep     Code = "unknown_step"
	CodeUnknownPerson   Code = "unknown_person"  // nobody active has that id
	CodeUnknownAction   Code = "unknown_action"  // or one without a time
	CodeNoAssignee      Code = "no_assignee"     // nobody can decide Step
	CodeAlreadySigner   Code = "already_signer"  // has a seat in the step already
	CodeReasonRequired  Code = "reason_required" // the comment must say why
	CodeTooMany         Code = "too_many"        // more signers or copies than anybody can mean
)

// Error is a refusal of [Decide]. The state is unchanged.
type Error struct {
	Code    Code
	Message string // in Chinese, for the person who acted

	By       int64     // CodeAlreadyDecided: who acted, 0 for the system
	At       time.Time // CodeAlreadyDecided: when
	Until    time.Time // CodeTooSoon
	Step     string    // CodeNoAssignee, CodeUnknownStep
	Instance int64     // CodeOpenAlready: the one that runs
	Fields   []FieldProblem
}

// FieldProblem is what is wrong with one field of a form.
type FieldProblem struct {
	Field   string
	Message string
}

// Error returns the message with the code.
func (e *Error) Error() string { return fmt.Sprintf("%s [%s]", e.Message, e.Code) }

// Is makes errors.Is compare by code: errors.Is(err, &Error{Code: CodeCycle}).
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

func refuse(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func formInvalid(fields []FieldProblem) *Error {
	lines := make([]string, len(fields))
	for i, f := range fields {
		lines[i] = f.Message
	}
	e := refuse(CodeFormInvalid, "表单有误：%s", strings.Join(lines, "；"))
	e.Fields = fields
	return e
}

// alreadyDecided names who touched the task last.
func alreadyDecided(people Directory, t Task) *Error {
	e := refuse(CodeAlreadyDecided, "%s已于 %s 处理，请查看最新进展",
		people.name(t.TouchedBy), t.TouchedAt.In(calendar.Shanghai).Format("2006-01-02 15:04"))
	e.By, e.At = t.TouchedBy, t.TouchedAt
	return e
}

func tooSoon(until time.Time) *Error {
	e := refuse(CodeTooSoon, "请在 %s 之后再试", until.In(calendar.Shanghai).Format("2006-01-02 15:04"))
	e.Until = until
	return e
}

func noAssignee(s Step) *Error {
	e := refuse(CodeNoAssignee, "步骤“%s”找不到可以办理的人，请管理员核对人员和角色", s.Title.Chinese)
	e.Step = s.ID
	return e
}
