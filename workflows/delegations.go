package workflows

import (
	"context"
	"fmt"
	"slices"
	"unicode/utf8"

	"duban/models"
)

// Lend stores a delegation for leave (委托). Everybody can lend their own
// tasks, and an administrator those of the people of their unit. It is refused
// if it would lead back to its giver, or out of the unit.
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
		slices.Sort(d.Workflows)
		d.Workflows = slices.Compact(d.Workflows)
		return tx.AddDelegation(&d)
	})
	return d, err
}

// The bounds of a delegation.
const (
	maxLeave  = 366 // days: a longer absence is a hand-over
	maxReason = 200 // characters
	maxScope  = 50  // workflows
)

func (e *Engine) mayLend(tx *models.Tx, by int64, d models.Delegation) error {
	users, err := e.persons(tx, by, d.FromID, d.ToID)
	if err != nil {
		return err
	}
	from, to := users[d.FromID], users[d.ToID]
	switch {
	case by != d.FromID && !administers(users[by], from):
		return refuse(CodeNotAllowed, "只能委托本人的待办")
	case to.UnitID != 0 && from.UnitID != 0 && to.UnitID != from.UnitID:
		return refuse(CodeUnknownPerson, "只能委托给本单位的人员")
	case !utf8.ValidString(d.Reason) || utf8.RuneCountInString(d.Reason) > maxReason:
		return refuse(CodeFormInvalid, "委托理由含有无法识别的字符或超过 %d 个字", maxReason)
	case len(d.Workflows) > maxScope:
		return refuse(CodeFormInvalid, "委托范围最多列 %d 个流程", maxScope)
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

// users reads users by their ids.
func (e *Engine) users(tx *models.Tx, ids ...int64) (map[int64]models.User, error) {
	users, err := tx.UnitPeople(-1, ids)
	found := make(map[int64]models.User, len(users))
	for _, u := range users {
		found[u.ID] = u
	}
	return found, err
}

// persons is users, of whom all must be active.
func (e *Engine) persons(tx *models.Tx, ids ...int64) (map[int64]models.User, error) {
	found, err := e.users(tx, ids...)
	if err != nil {
		return nil, err
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
		users, err := e.users(tx, by, d.FromID)
		if err != nil {
			return err
		}
		if by != d.FromID && !administers(users[by], users[d.FromID]) {
			return refuse(CodeNotAllowed, "只能撤销本人的委托")
		}
		tx.As(users[by].Account)
		if err := tx.RevokeDelegation(delegationID); err != nil {
			return fmt.Errorf("revoke delegation %d: %w", delegationID, err)
		}
		return nil
	})
}
