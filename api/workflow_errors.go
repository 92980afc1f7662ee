package api

import (
	"errors"
	"net/http"

	"duban/models"
	"duban/workflows"
)

// statuses are the answers to the engine's refusals, on pages and in the API.
var statuses = map[workflows.Code]int{
	workflows.CodeNotYourTask:     http.StatusForbidden,
	workflows.CodeNotAllowed:      http.StatusForbidden,
	workflows.CodeSelfApproval:    http.StatusForbidden,
	workflows.CodeSeparation:      http.StatusForbidden,
	workflows.CodeAlreadyDecided:  http.StatusConflict,
	workflows.CodeWrongState:      http.StatusConflict,
	workflows.CodeFormChanged:     http.StatusConflict,
	workflows.CodeOpenAlready:     http.StatusConflict,
	workflows.CodeAlreadySigner:   http.StatusConflict,
	workflows.CodeVersionTaken:    http.StatusConflict,
	workflows.CodeTooSoon:         http.StatusTooManyRequests,
	workflows.CodeWrongDefinition: http.StatusNotFound,
	workflows.CodeFormInvalid:     http.StatusUnprocessableEntity,
	workflows.CodeReasonRequired:  http.StatusUnprocessableEntity,
	workflows.CodeCycle:           http.StatusUnprocessableEntity,
	workflows.CodeNoAssignee:      http.StatusUnprocessableEntity,
	workflows.CodeTooMany:         http.StatusUnprocessableEntity,
	workflows.CodeUnknownTask:     http.StatusUnprocessableEntity,
	workflows.CodeUnknownStep:     http.StatusUnprocessableEntity,
	workflows.CodeUnknownPerson:   http.StatusUnprocessableEntity,
	workflows.CodeUnknownAction:   http.StatusUnprocessableEntity,
}

// statusOf returns the status of a refusal. One that is not known yet is the
// asker's fault, not the server's.
func statusOf(e *workflows.Error) int {
	if status, ok := statuses[e.Code]; ok {
		return status
	}
	return http.StatusUnprocessableEntity
}

// wording returns what a refusal says. The engine speaks Chinese; readers of
// English get the kind of refusal in their language, with the exact words.
func wording(e *workflows.Error, language models.Language) string {
	if language != models.English {
		return e.Message
	}
	return word(language, "refusal", e.Code) + " (" + e.Message + ")"
}

// refused turns a refusal into a page.
func refused(e *workflows.Error, language models.Language) *pageError {
	p := &pageError{status: statusOf(e), text: "error.refused", args: []any{wording(e, language)}}
	if e.Code == workflows.CodeOpenAlready && e.Instance != 0 {
		p.ways = []way{{instancePath(e.Instance), "link.instance"}}
	}
	return p
}

// refusedAt is refused with the way back to the instance.
func refusedAt(err error, language models.Language, instance int64) error {
	e, ok := errors.AsType[*workflows.Error](err)
	if !ok {
		return err
	}
	p := refused(e, language)
	p.ways = append(p.ways, way{instancePath(instance), "link.instance"})
	return p
}

// correctable reports whether a refusal is about what was entered, so that the
// page comes back with it.
func correctable(err error) (*workflows.Error, bool) {
	e, ok := errors.AsType[*workflows.Error](err)
	return e, ok && statusOf(e) == http.StatusUnprocessableEntity
}

// linkErrors are what can be wrong with a signed link.
var linkErrors = map[error]*pageError{
	models.ErrLinkForged:  {status: http.StatusNotFound, text: "link.forged"},
	models.ErrLinkExpired: {status: http.StatusGone, text: "link.expired"},
	models.ErrLinkUsed:    {status: http.StatusGone, text: "link.used"},
	models.ErrLinkLocked:  {status: http.StatusGone, text: "link.locked"},
}

// aboutLink reports whether an error is one of a link.
func aboutLink(err error) bool {
	for known := range linkErrors {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// linkError turns what is wrong with a link into a page with ways on.
func linkError(err error, ways ...way) error {
	for known, told := range linkErrors {
		if errors.Is(err, known) {
			return &pageError{status: told.status, text: told.text, ways: ways}
		}
	}
	return err
}
