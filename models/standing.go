package models

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"duban/models/calendar"
)

// Standing is how things stand about messages that are about to be sent: all
// that decides whether their turn has come, and whether they still say
// something.
type Standing struct {
	Users    map[int64]User
	Duties   map[int64]Obligation
	Silences []Silence // that are in force
	Acks     map[int64][]Acknowledgement

	newest map[heard]calendar.Date
	closed map[taskOf]bool
}

type heard struct{ obligation, recipient int64 }

type taskOf struct {
	instance int64
	task     int
}

// Newer reports whether a later reminder about the same duty is there for the
// same person, which makes this one stale.
func (st Standing) Newer(n Notification) bool {
	return st.newest[heard{n.ObligationID, n.RecipientID}].After(n.Day)
}

// Decided reports whether the decision that a message asks for has been taken.
func (st Standing) Decided(n Notification) bool {
	a := n.Payload.Approval
	return a != nil && a.Link != nil && st.closed[taskOf{a.Link.InstanceID, a.Link.Task}]
}

// Standing reads how things stand about some messages.
func (s *Store) Standing(ctx context.Context, messages []Notification) (st Standing, err error) {
	err = s.View(ctx, func(tx *Tx) error {
		st, err = tx.Standing(messages)
		return err
	})
	return st, err
}

// Standing is Store.Standing inside the transaction.
func (tx *Tx) Standing(messages []Notification) (Standing, error) {
	st := Standing{
		Users: map[int64]User{}, Duties: map[int64]Obligation{}, Acks: map[int64][]Acknowledgement{},
		newest: map[heard]calendar.Date{}, closed: map[taskOf]bool{},
	}
	people, duties, instances := subjects(messages)
	for _, read := range []func(*gorm.DB) error{
		func(db *gorm.DB) error { return st.readPeople(db, people) },
		func(db *gorm.DB) error { return st.readDuties(db, duties, people) },
		func(db *gorm.DB) error { return st.readTasks(db, instances) },
		func(db *gorm.DB) error {
			now := tx.store.now()
			return db.Where("starts_at <= ? AND (ends_at IS NULL OR ends_at > ?)", now, now).Order("id").Find(&st.Silences).Error
		},
	} {
		if err := read(tx.db); err != nil {
			return st, fmt.Errorf("read how things stand about %d messages: %w", len(messages), err)
		}
	}
	return st, nil
}

// subjects returns the people, duties and workflows that messages are about.
func subjects(messages []Notification) (people, duties, instances []int64) {
	for _, n := range messages {
		people = append(people, n.RecipientID)
		if n.ObligationID != 0 {
			duties = append(duties, n.ObligationID)
		}
		if n.InstanceID != 0 {
			instances = append(instances, n.InstanceID)
		}
	}
	return people, duties, instances
}

func (st *Standing) readPeople(db *gorm.DB, ids []int64) error {
	var users []User
	err := db.Where("id IN ?", ids).Find(&users).Error
	for _, u := range users {
		st.Users[u.ID] = u
	}
	return err
}

func (st *Standing) readDuties(db *gorm.DB, duties, people []int64) error {
	if len(duties) == 0 {
		return nil
	}
	var rows []Obligation
	if err := db.Where("id IN ?", duties).Find(&rows).Error; err != nil {
		return err
	}
	for _, o := range rows {
		st.Duties[o.ID] = o
	}
	var acks []Acknowledgement
	if err := db.Where("obligation_id IN ?", duties).Order("id").Find(&acks).Error; err != nil {
		return err
	}
	for _, a := range acks {
		st.Acks[a.ObligationID] = append(st.Acks[a.ObligationID], a)
	}
	var newest []struct {
		ObligationID, RecipientID int64
		Day                       calendar.Date
	}
	// What a digest has told counts; what was suppressed otherwise was not said.
	err := db.Model(&Notification{}).Select("obligation_id, recipient_id, MAX(day) AS day").
		Where("obligation_id IN ? AND recipient_id IN ? AND instance_id = 0 AND (state <> ? OR reason = ?)",
			duties, people, NotificationSuppressed, SuppressedDigest).
		Group("obligation_id, recipient_id").Scan(&newest).Error
	for _, n := range newest {
		st.newest[heard{n.ObligationID, n.RecipientID}] = n.Day
	}
	return err
}

func (st *Standing) readTasks(db *gorm.DB, instances []int64) error {
	if len(instances) == 0 {
		return nil
	}
	var tasks []WorkflowTask
	err := db.Select("instance_id, task").Where("instance_id IN ? AND state <> ?", instances, "open").Find(&tasks).Error
	for _, t := range tasks {
		st.closed[taskOf{t.InstanceID, t.Task}] = true
	}
	return err
}
