package jobs_test

import (
	"testing"

	"duban/jobs"
	"duban/models"
	"duban/models/modelstest"
	"duban/workflows"
)

func TestTheDefaultRulesNameWorkflowsThatServeTheirKind(t *testing.T) {
	catalog, err := workflows.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	rules, err := modelstest.Open(t, models.SQLite, nil).Rules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		if r.Workflow == "" {
			continue
		}
		if d, ok := catalog[r.Workflow]; !ok || !d.Serves(r.Kind) {
			t.Errorf("the rule for %s names %q, which does not serve it", r.Kind, r.Workflow)
		}
	}
}

func TestTheNarrowestRuleHolds(t *testing.T) {
	rule := func(unit, project int64) models.Rule {
		return models.Rule{Kind: models.Completion, UnitID: unit, ProjectID: project, Workflow: models.ProjectSubject(project) + models.UnitSubject(unit)}
	}
	set := jobs.NewRuleSet([]models.Rule{rule(0, 0), rule(1, 0), rule(1, 7)})
	for _, c := range []struct {
		unit, project int64
		want          string
	}{{2, 5, "p0u0"}, {1, 5, "p0u1"}, {1, 7, "p7u1"}} {
		if got := set.For(models.Obligation{Kind: models.Completion, UnitID: c.unit, ProjectID: c.project}); got.Workflow != c.want {
			t.Errorf("unit %d project %d: %s; want %s", c.unit, c.project, got.Workflow, c.want)
		}
	}
	if none := set.For(models.Obligation{Kind: models.Custom}); len(none.Steps) != 0 {
		t.Errorf("a kind without a rule has steps: %v", none.Steps)
	}
}
