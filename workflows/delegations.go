package workflows

import (
	"context"
	"fmt"

	"duban/models"
)

// Lend stores a delegation for leave (委托). Everybody can lend their own
// tasks, and an administrator anybody's, with a reason. It is refused if it
// would lead back to its giver.
func (e *Engine) Lend(ctx context.Context, by int64, d models.Delegation) (models.Delegation, error) {
	err := e.Store.Tx(ctx, systemActor, func(tx *models.Tx) error {
		if err := tx.LockDelegations(); err != nil {
			return err
		}
		if err := e.mayLend(tx, by, d); err != nil {
			return err
		}
		stored, err := tx.Delegations(d.FirstDay)
		if err != nil {
			return err
		}
		existing := make([]Delegation, len(stored))
		for i, s := range stored {
			existing[i] = delegationOf(s)
		}
		if err := CheckDelegation(existing, delegationOf(d)); err != nil {
			return err
		}
		d.ID = 0
		return tx.AddDelegation(&d)
	})
	return d, err
}

// maxLeave bounds a delegation, in days: a longer absence is a hand-over.
const maxLeave = 366

func (e *Engine) mayLend(tx *models.Tx, by int64, d models.Delegation) error {
	users, err := e.persons(tx, by, d.FromID, d.ToID)
	if err != nil {
		return err
	}
	switch {
	case by != d.FromID && !users[by].Has(models.RoleAdmin):
		return refuse(CodeNotAllowed, "只能委托本人的待办")
	case !d.FirstDay.IsZero() && d.FirstDay.DaysUntil(d.LastDay) > maxLeave:
		return refuse(CodeFormInvalid, "委托不得超过 %d 天", maxLeave)
	case d.LastDay.Before(e.Store.Today()):
		return refuse(CodeFormInvalid, "委托的最后一天 %s 已过", d.LastDay)
	}
	for _, key := range d.Workflows {
		if _, err := e.newest(tx, key); err != nil {
			return err
		}
	}
	tx.As(users[by].Account)
	return nil
}

// persons reads active users by their ids.
func (e *Engine) persons(tx *models.Tx, ids ...int64) (map[int64]models.User, error) {
	users, err := tx.UnitPeople(-1, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[int64]models.User, len(users))
	for _, u := range users {
		found[u.ID] = u
	}
	for _, id := range ids {
		if !found[id].Active {
			return nil, refuse(CodeUnknownPerson, "没有这个在用的账号")
		}
	}
	return found, nil
}

// Revoke ends a delegation (撤销委托): by its giver, or by an administrator.
func (e *Engine) Revoke(ctx context.Context, by, delegationID int64) error {
	return e.Store.Tx(ctx, systemActor, func(tx *models.Tx) error {
		d, err := tx.Delegation(delegationID)
		if err != nil {
			return err
		}
		users, err := e.persons(tx, by)
		if err != nil {
			return err
		}
		if by != d.FromID && !users[by].Has(models.RoleAdmin) {
			return refuse(CodeNotAllowed, "只能撤销本人的委托")
		}
		tx.As(users[by].Account)
		if err := tx.RevokeDelegation(delegationID); err != nil {
			return fmt.Errorf("revoke delegation %d: %w", delegationID, err)
		}
		return nil
	})
}
