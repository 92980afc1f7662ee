package workflows

import (
	"context"
	"errors"

	"duban/models"
)

// HandedOver is what became of one thing of a leaver.
type HandedOver struct {
	InstanceID int64
	Title      string // of the duty
	Refused    *Error // nil if the successor has it now
}

// HandOver gives everything undecided of a leaver to a successor (离职转办): the
// tasks, the applications, and the projects that the leaver answers for. Each
// instance is one transaction, because the successor may not take part in some
// of them: those are reported, and an administrator finds somebody else. Only
// an administrator can do this, with a reason.
func (e *Engine) HandOver(ctx context.Context, by, from, to int64, reason string) ([]HandedOver, error) {
	actor, err := e.mayHandOver(ctx, by, from, to, reason)
	if err != nil {
		return nil, err
	}
	instances, err := e.Store.InstancesOf(ctx, from)
	if err != nil {
		return nil, err
	}
	var done []HandedOver
	for _, in := range instances {
		h := HandedOver{InstanceID: in.ID, Title: in.Title}
		_, err := e.Act(ctx, in.ID, Action{Kind: HandOver, By: by, From: from, To: []int64{to}, Comment: reason})
		refusal, refused := errors.AsType[*Error](err)
		if err != nil && !refused {
			return done, err
		}
		if h.Refused = refusal; refused && refusal.Code == CodeWrongState {
			continue // decided meanwhile
		}
		done = append(done, h)
	}
	return done, e.Store.Tx(ctx, actor.Account, func(tx *models.Tx) error { return tx.HandProjectsOver(from, to) })
}

// administers reports whether somebody is an administrator for a person: of
// their unit, or of all.
func administers(actor, person models.User) bool {
	return actor.Active && actor.Has(models.RoleAdmin) && (actor.UnitID == 0 || actor.UnitID == person.UnitID)
}

// mayHandOver returns who hands over, and refuses what no single instance would.
func (e *Engine) mayHandOver(ctx context.Context, by, from, to int64, reason string) (models.User, error) {
	users, err := e.Store.UsersByID(ctx, []int64{by, from, to})
	if err != nil {
		return models.User{}, err
	}
	actor, leaver, successor := users[by], users[from], users[to]
	switch {
	case !administers(actor, leaver) || !administers(actor, successor):
		return actor, refuse(CodeNotAllowed, "只有系统管理员可以这样做，并且只限本单位人员之间")
	case leaver.ID == 0 || !successor.Active || from == to || successor.UnitID != 0 && successor.UnitID != leaver.UnitID:
		return actor, refuse(CodeUnknownPerson, "请选择移交人和另一位在用的接手人")
	}
	c := turn{a: Action{Comment: reason}}
	return actor, c.reasoned()
}
