package workflows_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/calendar"
	"duban/models/modelstest"
	"duban/models/money"
	"duban/workflows"
)

// bureau is a unit with people and one project, on a real database.
type bureau struct {
	*workflows.Engine
	t       testing.TB
	clock   *clockwork.FakeClock
	unit    models.Unit
	project models.Project
	// The people, by their accounts.
	owner, manager, finance, clerk, leader, head, admin, other int64
}

// july is a Tuesday, one day after the 6月底 target was missed.
var july = calendar.MustDate(2025, time.July, 1)

func newBureau(t testing.TB, driver models.Driver) *bureau {
	t.Helper()
	clock := clockwork.NewFakeClockAt(july.At(9, 0))
	return furnish(t, modelstest.Open(t, driver, clock), clock)
}

// eachBureau runs fn on every engine.
func eachBureau(t *testing.T, fn func(t *testing.T, o *bureau)) {
	t.Helper()
	for _, driver := range []models.Driver{models.SQLite, models.MySQL} {
		t.Run(string(driver), func(t *testing.T) { fn(t, newBureau(t, driver)) })
	}
}

func furnish(t testing.TB, s *models.Store, clock *clockwork.FakeClock) *bureau {
	t.Helper()
	o := &bureau{Engine: &workflows.Engine{Store: s, Clock: clock, Routing: models.Only(models.ChannelFile)}, t: t, clock: clock}
	if err := o.PublishBuiltin(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := s.Tx(t.Context(), "system", func(tx *models.Tx) error {
		o.unit = models.Unit{Code: "603001", Name: "示例中心", RecordsAsOf: july.AddDays(-1)}
		if err := tx.SaveUnit(&o.unit); err != nil {
			return err
		}
		for _, p := range []struct {
			id      *int64
			account string
			name    string
			roles   []models.Role
		}{
			{&o.owner, "owner", "王芳", []models.Role{models.RoleOwner}},
			{&o.manager, "manager", "周强", []models.Role{models.RoleManager}},
			{&o.finance, "finance", "陈雪", []models.Role{models.RoleFinance}},
			{&o.clerk, "clerk", "何静", []models.Role{models.RoleOffice}},
			{&o.leader, "leader", "刘明", []models.Role{models.RoleLeader}},
			{&o.head, "head", "高建", []models.Role{models.RoleHead}},
			{&o.admin, "admin", "管理员", []models.Role{models.RoleAdmin}},
			{&o.other, "other", "李军", []models.Role{models.RoleOwner}},
		} {
			u := models.User{Account: p.account, Name: p.name, UnitID: o.unit.ID, Roles: p.roles, Language: models.Chinese, Active: true}
			if _, _, err := tx.SaveUser(&u); err != nil {
				return err
			}
			*p.id = u.ID
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	o.project = o.addProject("P001", "会议费", 1_000_000)
	return o
}

// addProject adds a project with a plan and one indicator, of which nothing is
// paid, and its duties.
func (o *bureau) addProject(code, name string, budget money.Fen) models.Project {
	o.t.Helper()
	r := &models.ProjectRecord{
		Project: models.Project{
			FiscalYear: 2025, Code: code, Name: name, UnitID: o.unit.ID, Budget: budget, Fiscal: budget,
			OwnerID: o.owner, ManagerID: o.manager, State: models.ProjectActive,
		},
		Targets: []models.Target{
			{DueOn: calendar.MustDate(2025, 6, 30), Label: "6月底", Percent: money.PercentOf(50)},
			{DueOn: calendar.MustDate(2025, 12, 31), Label: "12月底", Percent: money.PercentOf(100)},
		},
		Indicators: []models.Indicator{
			{Sequence: 1, Level1: "产出指标", Level2: "数量指标", Level3: "会议次数", ValueText: "≥4次"},
			{Sequence: 2, Level1: "产出指标", Level2: "时效指标", Level3: "完成时间", ValueText: "2025年11月底前", DueOn: calendar.MustDate(2025, 11, 30)},
		},
	}
	err := o.Store.Tx(context.Background(), "system", func(tx *models.Tx) error {
		if err := tx.AddProjects([]*models.ProjectRecord{r}); err != nil {
			return err
		}
		_, err := tx.ReconcileDuties([]string{r.Subject()}, r.Duties(), "", o.Store.Today())
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return r.Project
}

// addDuty adds a duty of the project by hand.
func (o *bureau) addDuty(kind models.Kind, due calendar.Date) models.Obligation {
	o.t.Helper()
	d := models.Obligation{UnitID: o.unit.ID, ProjectID: o.project.ID, FiscalYear: 2025, Kind: kind, Title: "事项", DueOn: due}
	if err := o.Store.Tx(context.Background(), "system", func(tx *models.Tx) error { return tx.AddObligation(&d) }); err != nil {
		o.t.Fatal(err)
	}
	return d
}

// duty returns the project's duty of a kind with the earliest due date.
func (o *bureau) duty(project int64, kind models.Kind) models.Obligation {
	o.t.Helper()
	var d models.Obligation
	if err := o.Store.Read(context.Background()).Where("project_id = ? AND kind = ?", project, kind).Order("due_on").First(&d).Error; err != nil {
		o.t.Fatal(err)
	}
	return d
}

// open returns the one open task of an instance.
func open(t testing.TB, in workflows.Instance) workflows.Task {
	t.Helper()
	tasks := in.State.OpenTasks()
	if len(tasks) != 1 {
		t.Fatalf("instance %d at %s has %d open tasks, want 1", in.ID, in.State.Step, len(tasks))
	}
	return tasks[0]
}

// act takes an action on the one open task of an instance.
func (o *bureau) act(in workflows.Instance, by int64, kind workflows.ActionKind, form workflows.Form, comment string) workflows.Instance {
	o.t.Helper()
	t := open(o.t, in)
	next, err := o.Act(context.Background(), in.ID, workflows.Action{
		Kind: kind, By: by, Task: t.ID, TaskVersion: t.Version, FormHash: in.State.FormHash, Form: form, Comment: comment,
	})
	if err != nil {
		o.t.Fatalf("%s by %d at %s: %v", kind, by, in.State.Step, err)
	}
	return next
}

// measures is the form of a corrective action.
var measures = workflows.Form{
	"cause": "合同签订推迟", "measures": "7月完成支付", "promised_on": "2025-07-31", "promised_amount": "50000000",
}

func mustParse(t testing.TB, source string) workflows.Definition {
	t.Helper()
	d, err := workflows.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func replaceOnce(t testing.TB, s, from, to string) string {
	t.Helper()
	if !strings.Contains(s, from) {
		t.Fatalf("%q is not there", from)
	}
	return strings.Replace(s, from, to, 1)
}
