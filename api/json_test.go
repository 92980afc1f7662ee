package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"duban/models"
	"duban/workflows"
)

// reply is any answer of the API.
type reply struct {
	Code, Message string
	By            *struct {
		ID   int64
		Name string
	}
	At, Until string
	Fields    []struct{ Field, Message string }
	ID        int64
	Status    string
	State     workflows.State
	History   []struct{ Kind string }
	Tasks     []struct {
		Instance, TaskVersion int64
		Task                  int
		Title, Workflow, Step string
		For                   string
	}
	Results []struct {
		Instance int64
		Approved bool
		Code     string
	}
	TaskOffers map[int][]string
	Instance   int64
}

func read(t *testing.T, w *httptest.ResponseRecorder, status int) reply {
	t.Helper()
	var r reply
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil || w.Code != status || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		t.Fatalf("%d, want %d: %v %s", w.Code, status, err, w.Body)
	}
	return r
}

func TestTheAPIDoesWhatThePagesDo(t *testing.T) {
	b := newBureau(t)
	owner := b.as("owner")
	begin := fmt.Sprintf("/api/v1/obligations/%d/instances", b.duties[models.Completion].ID)
	r := read(t, owner.json(begin, `{"workflow":"extension","form":{"reason":"x"}}`), http.StatusUnprocessableEntity)
	if r.Code != "form_invalid" || len(r.Fields) != 1 || r.Fields[0].Field != "new_date" {
		t.Errorf("%+v", r)
	}
	in := read(t, owner.json(begin, `{"workflow":"extension","form":{"new_date":"2025-12-31","reason":"到货推迟"},"comment":"附合同"}`), http.StatusOK)
	if in.ID != 1 || in.Status != "running" || in.State.Step != "confirm" || len(in.History) != 1 {
		t.Errorf("%+v", in)
	}
	if r := read(t, owner.json(begin, `{"workflow":"extension","form":{"new_date":"2025-12-31","reason":"到货推迟"}}`), http.StatusConflict); r.Code != "open_already" || r.Instance != 1 {
		t.Errorf("%+v", r)
	}
	manager := b.as("manager")
	tasks := read(t, manager.get("/api/v1/tasks"), http.StatusOK).Tasks
	if len(tasks) != 1 || tasks[0].Instance != 1 || tasks[0].Step != "confirm" || tasks[0].Workflow != "extension" {
		t.Fatalf("%+v", tasks)
	}
	task := tasks[0]
	approve := fmt.Sprintf(`{"kind":"approve","task":%d,"taskVersion":%d,"formHash":%q,"comment":"同意"}`, task.Task, task.TaskVersion, in.State.FormHash)
	const actions = "/api/v1/instances/1/actions"
	if r := read(t, b.as("leader").json(actions, approve), http.StatusForbidden); r.Code != "not_your_task" {
		t.Errorf("%+v", r)
	}
	if r := read(t, manager.json(actions, strings.Replace(approve, in.State.FormHash, "beef", 1)), http.StatusConflict); r.Code != "form_changed" {
		t.Errorf("%+v", r)
	}
	if r := read(t, manager.json(actions, strings.Replace(approve, "approve", "reject", 1)[:40]+`,"taskVersion":1}`), http.StatusBadRequest); r.Code != "bad_request" {
		t.Errorf("%+v", r)
	}
	if r := read(t, manager.json(actions, approve), http.StatusOK); r.State.Step != "supervise" {
		t.Errorf("%+v", r)
	}
	r = read(t, manager.json(actions, approve), http.StatusConflict)
	if r.Code != "already_decided" || r.By == nil || r.By.Name != "周强" || r.By.ID != b.id("manager") || r.At != "2025-07-01T01:00:00Z" {
		t.Errorf("%+v", r)
	}
	read(t, owner.json(actions, `{"kind":"urge"}`), http.StatusOK)
	w := owner.json(actions, `{"kind":"urge"}`)
	if r := read(t, w, http.StatusTooManyRequests); r.Code != "too_soon" || r.Until == "" || w.Header().Get("Retry-After") == "" {
		t.Errorf("%+v %v", r, w.Header())
	}
	for box, want := range map[string]int{"open": 0, "decided": 1, "started": 0, "copies": 0} {
		if got := read(t, manager.get("/api/v1/tasks?box="+box), http.StatusOK).Tasks; len(got) != want {
			t.Errorf("%s: %+v", box, got)
		}
	}
}

func TestTheAPIRefusesWhatAProgramMayNotSay(t *testing.T) {
	b := newBureau(t)
	in := b.submitted()
	admin := b.as("admin")
	actions := "/api/v1" + at(in) + "/actions"
	for _, body := range []string{
		`{"kind":"approve","by":5}`, `{"kind":"approve","at":"2025-01-01T00:00:00Z"}`, `{"kind":"approve","case":{}}`, `{"kind":"approve","from":5}`,
		`{"kind":"approve","rung":1}`, `{"kind":`, ``, `[]`, `{"kind":"approve"}{}`, `{"kind":"approve","task":"x"}`, `{"kind":"reschedule","dueOn":"soon"}`,
	} {
		if r := read(t, admin.json(actions, body), http.StatusBadRequest); r.Code != "bad_request" {
			t.Errorf("%s: %+v", body, r)
		}
	}
	for _, kind := range []string{"open", "deadline", "hand_over", "x", ""} {
		if r := read(t, admin.json(actions, fmt.Sprintf(`{"kind":%q,"comment":"x","to":[1]}`, kind)), http.StatusUnprocessableEntity); r.Code != "unknown_action" {
			t.Errorf("%s: %+v", kind, r)
		}
	}
	r := httptest.NewRequest(http.MethodPost, actions, strings.NewReader(`{"kind":"urge"}`))
	r.Header.Set("Content-Type", "text/plain") // what a form of another website can send
	read(t, admin.do(r), http.StatusBadRequest)
	if r := read(t, b.visitor().json(actions, `{"kind":"urge"}`), http.StatusUnauthorized); r.Code != "login_required" {
		t.Errorf("%+v", r)
	}
	for target, want := range map[string]int{
		"/api/v1/instances/99": 404, "/api/v1/instances/x": 404, "/api/v1/nothing": 404, "/api/v1/tasks?box=x": 400, "/api/v1/tasks?box=overdue": 200,
	} {
		read(t, admin.get(target), want)
	}
	if r := read(t, b.as("owner").get("/api/v1/tasks?box=overdue"), http.StatusForbidden); r.Code != "forbidden" {
		t.Errorf("%+v", r)
	}
	read(t, admin.json("/api/v1/instances/99/actions", `{"kind":"urge"}`), http.StatusNotFound)
	read(t, admin.json("/api/v1/obligations/99/instances", `{"workflow":"extension"}`), http.StatusNotFound)
	v := b.as("admin")
	v.header = http.Header{"Sec-Fetch-Site": {"cross-site"}}
	read(t, v.json(actions, `{"kind":"urge"}`), http.StatusForbidden)
	if is, err := b.engine.View(t.Context(), in.ID); err != nil || is.State.Sequence != in.State.Sequence {
		t.Errorf("something was done: %v", err)
	}
}

func TestSeveralAreApprovedAtOnce(t *testing.T) {
	b := newBureau(t)
	first := b.submitted()
	b.adjust()
	second := b.must(b.engine.Begin(t.Context(), "adjustment", b.duties[models.Completion].ID, workflows.Action{
		Kind: workflows.Submit, By: b.id("owner"), Form: workflows.Form{"new_budget": "500000000", "reason": "压减"},
	}))
	ref := func(in workflows.Instance) string {
		task := in.State.OpenTasks()[0]
		return fmt.Sprintf("%d.%d.%d", in.ID, task.ID, task.Version)
	}
	manager := b.as("manager")
	page := manager.get("/tasks")
	expect(t, page, http.StatusOK, "批量同意", "6月底支出进度达到")
	for _, in := range []workflows.Instance{first, second} {
		if !strings.Contains(page.Body.String(), `value="`+ref(in)+`"`) {
			t.Errorf("%s cannot be ticked", ref(in))
		}
	}
	w := manager.post("/tasks/approve", map[string][]string{"task": {ref(first), ref(second), "99.1.1", "x"}, "comment": {"一并同意"}})
	expect(t, w, http.StatusOK, "已同意 2 件，共选 3 件", "没有这个待办")
	expect(t, manager.post("/tasks/approve", nil), http.StatusUnprocessableEntity, "没有勾选")
	if text := words(b.as("finance").get("/tasks")); strings.Contains(text, "批量同意") {
		t.Errorf("finance has to fill something in, yet %s", text)
	}
	r := read(t, manager.json("/api/v1/tasks/approve", fmt.Sprintf(`{"tasks":[{"instance":%d,"task":2,"version":2}]}`, first.ID)), http.StatusOK)
	if len(r.Results) != 1 || r.Results[0].Approved || r.Results[0].Code != "already_decided" {
		t.Errorf("%+v", r)
	}
}
