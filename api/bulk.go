package api

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"duban/workflows"
)

// approvedData is what became of a bulk approval.
type approvedData struct {
	Approved int
	Results  []approvedView
}

// approvedView is what became of one task.
type approvedView struct {
	workflows.TaskRef
	Refusal string
}

// approveAll approves the tasks that were ticked (批量同意). Each stands for
// itself: what is refused says why.
func (s *server) approveAll(c *gin.Context, r *request) error {
	e, err := readEntry(c)
	if err != nil {
		return err
	}
	var refs []workflows.TaskRef
	for _, text := range e.Values["task"] {
		if ref, ok := parseRef(text); ok {
			refs = append(refs, ref)
		}
	}
	switch {
	case len(refs) == 0:
		return &pageError{status: http.StatusUnprocessableEntity, text: "error.none_ticked", ways: []way{{"/tasks", "nav.tasks"}}}
	case len(refs) > maxWaiting:
		return &pageError{status: http.StatusUnprocessableEntity, text: "error.too_many", args: []any{maxWaiting}}
	}
	results, err := s.Engine.ApproveAll(c.Request.Context(), r.person.ID, refs, e.Get("comment"))
	if err != nil {
		return err
	}
	data := approvedData{}
	for _, result := range results {
		v := approvedView{TaskRef: result.TaskRef}
		if result.Refused == nil {
			data.Approved++
		} else {
			v.Refusal = wording(result.Refused, r.language)
		}
		data.Results = append(data.Results, v)
	}
	s.render(c, http.StatusOK, r.language, "approved", data)
	return nil
}

// parseRef reads what entryView.Ref wrote.
func parseRef(text string) (workflows.TaskRef, bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return workflows.TaskRef{}, false
	}
	instance, err1 := strconv.ParseInt(parts[0], 10, 64)
	task, err2 := strconv.Atoi(parts[1])
	version, err3 := strconv.Atoi(parts[2])
	return workflows.TaskRef{InstanceID: instance, Task: task, Version: version}, err1 == nil && err2 == nil && err3 == nil
}
