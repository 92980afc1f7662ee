package jobs

import (
	"context"
	"strconv"
	"strings"
	"time"

	"duban/models"
	"duban/models/calendar"
	"duban/workflows"
)

// requests are the templates of messages that tell a person of a task.
var requests = []string{
	string(workflows.NotifyTask), string(workflows.NotifySentBack), string(workflows.NotifyRemind), string(workflows.NotifyUrge),
	string(workflows.NotifyUnassigned),
}

// examineTasks proves that whoever has had to decide something since before a
// moment was told so, and that an administrator was where nobody was found.
func (p *period) examineTasks(ctx context.Context, before time.Time) error {
	return p.store.EachOpenTask(ctx, before.UTC(), func(batch []models.OpenTask) error {
		p.result.Tasks += len(batch)
		instances := make([]int64, len(batch))
		for i, t := range batch {
			instances[i] = t.InstanceID
		}
		rows, err := p.store.RequestsMade(ctx, instances, requests)
		if err != nil {
			return err
		}
		ev := p.proofs()
		if err := ev.follow(ctx, rows); err != nil {
			return err
		}
		made := map[request][]models.Notification{}
		for _, n := range rows {
			to := n.RecipientID
			if n.Template == string(workflows.NotifyUnassigned) {
				to = 0 // any administrator
			}
			key := request{n.InstanceID, taskOf(n), to}
			made[key] = append(made[key], n)
		}
		for _, t := range batch {
			found := ev.best(nil, made[request{t.InstanceID, strconv.Itoa(t.Task), t.AssigneeID}])
			d := Difference{Title: t.Title, Gap: models.Gap{
				ObligationID: t.ObligationID, InstanceID: t.InstanceID, Task: t.Task, RecipientID: t.AssigneeID, Day: calendar.DateOf(t.TouchedAt),
			}}
			if err := p.count(found, d); err != nil {
				return err
			}
		}
		return nil
	})
}

// request is that a person decides a task of an instance.
type request struct {
	instance int64
	task     string
	person   int64
}

// taskOf returns the number of the task that a message of a workflow is about.
func taskOf(n models.Notification) string {
	part := strings.Split(n.DedupKey, "|")
	if len(part) < 6 || part[0] != "workflow" {
		return ""
	}
	return part[4]
}
