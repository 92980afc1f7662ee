package models

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
)

// timeline is a record with what the audit trail says about its changes, so
// that it can be seen as it was at an earlier moment.
type timeline[T any] struct {
	now     T
	created time.Time
	changes []revision[T] // in order
}

// revision is one change of a record. What the trail does not say is nil: older
// programs recorded less.
type revision[T any] struct {
	at      time.Time
	was, is *T
}

// at returns the record as it was at a moment, whether there was one, and
// whether that is known for certain; if not, it is returned as it is now.
func (l timeline[T]) at(t time.Time) (record T, exists, known bool) {
	if l.created.After(t) {
		return record, false, true
	}
	var before *T
	for _, c := range l.changes {
		switch {
		case !c.at.After(t):
			before = c.is
		case c.was != nil:
			return *c.was, true, true
		case before != nil:
			return *before, true, true
		default:
			return l.now, true, false
		}
	}
	return l.now, true, true
}

// wholeDetails are the actions of which some entries hold the record as it is,
// and nothing else.
var wholeDetails = []string{"project.changed", "rule.saved", "calendar.saved"}

// revisionOf reads what an entry says about a change.
func revisionOf[T any](e AuditEntry) (revision[T], error) {
	var said struct{ Was, Is *T }
	err := json.Unmarshal([]byte(e.Detail), &said)
	if (err != nil || said.Is == nil) && slices.Contains(wholeDetails, e.Action) {
		said.Was, said.Is = nil, new(T)
		err = json.Unmarshal([]byte(e.Detail), said.Is)
	}
	if err != nil {
		return revision[T]{}, fmt.Errorf("audit entry %d: %w", e.Seq, err)
	}
	return revision[T]{at: e.At, was: said.Was, is: said.Is}, nil
}

// changesOf reads the changes of records from their entries, by record.
func changesOf[T any](entries []AuditEntry) (map[int64][]revision[T], error) {
	changes := map[int64][]revision[T]{}
	for _, e := range entries {
		r, err := revisionOf[T](e)
		if err != nil {
			return nil, err
		}
		changes[e.EntityID] = append(changes[e.EntityID], r)
	}
	return changes, nil
}

// trail reads the entries of a query that are about the given kind of records,
// in their order.
func trail(q *gorm.DB, entity string, actions ...string) ([]AuditEntry, error) {
	var entries []AuditEntry
	err := q.Where("entity = ? AND action IN ?", entity, actions).Order("seq").Find(&entries).Error
	if err != nil {
		return nil, fmt.Errorf("read the audit trail of %s: %w", entity, err)
	}
	return entries, nil
}
