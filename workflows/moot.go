package workflows

import (
	"context"
	"errors"
	"fmt"

	"duban/models"
)

// mootBatch bounds how many instances one transaction withdraws.
const mootBatch = 50

// WithdrawMoot withdraws the running instances whose duty is settled or no
// longer required, because nothing is left to be decided, and returns how many.
// The reason says what the records show. An adjustment runs on: it is about the
// budget, and not about the duty that it was begun from.
func (e *Engine) WithdrawMoot(ctx context.Context) (int, error) {
	total, after := 0, int64(0)
	for {
		var n int
		var last int64
		err := e.Store.Tx(ctx, systemActor, func(tx *models.Tx) (err error) {
			n, last, err = e.withdrawBatch(tx, after)
			return err
		})
		if err != nil {
			return total, fmt.Errorf("withdraw moot instances: %w", err)
		}
		if last == 0 {
			return total, nil
		}
		total, after = total+n, last
	}
}

// withdrawBatch withdraws some of the moot instances with ids above after, and
// returns how many and the last id that it looked at, 0 if there was none.
func (e *Engine) withdrawBatch(tx *models.Tx, after int64) (n int, last int64, err error) {
	moot, err := tx.MootInstances(after, mootBatch)
	if err != nil {
		return 0, 0, err
	}
	for _, row := range moot {
		last = row.ID
		r, err := e.load(tx, row.ID)
		if is(err) {
			continue // its definition cannot be used any more
		}
		if err != nil {
			return 0, 0, err
		}
		if !r.matter.Obligation.Settled() || r.def.does(ReviseBudget) {
			continue
		}
		_, err = r.take(Action{Kind: Withdraw, By: System, Comment: r.mootReason()})
		if is(err) {
			continue // it ended while this transaction waited for it
		}
		if err != nil {
			return 0, 0, err
		}
		n++
	}
	return n, last, nil
}

// is reports whether err is a refusal.
func is(err error) bool {
	_, ok := errors.AsType[*Error](err)
	return ok
}

// mootReason says why nothing is left to be decided.
func (r *run) mootReason() string {
	o := r.matter.Obligation
	switch {
	case o.State == models.StateWaived:
		return "该事项已不再要求：" + o.DoneNote
	case o.Kind == models.SpendingTarget:
		return fmt.Sprintf("支出记录显示，该项目已于 %s 达到 %s 的支出进度", o.SettledOn.Chinese(), o.Percent)
	}
	return fmt.Sprintf("该事项已于 %s 完成", o.SettledOn.Chinese())
}
