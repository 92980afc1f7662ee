package models

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"
)

// UsersByID returns the users with the given ids; ids without a user are
// missing from the map.
func (s *Store) UsersByID(ctx context.Context, ids []int64) (map[int64]User, error) {
	users := make(map[int64]User, len(ids))
	for chunk := range slices.Chunk(ids, insertChunk) {
		var batch []User
		if err := s.Read(ctx).Where("id IN ?", chunk).Find(&batch).Error; err != nil {
			return nil, fmt.Errorf("read users: %w", err)
		}
		for _, u := range batch {
			users[u.ID] = u
		}
	}
	return users, nil
}

// UserByAccount returns the user with a login name.
func (s *Store) UserByAccount(ctx context.Context, account string) (u User, ok bool, err error) {
	res := s.Read(ctx).Where("account = ?", account).Limit(1).Find(&u)
	if res.Error != nil {
		return u, false, fmt.Errorf("read user %s: %w", account, res.Error)
	}
	return u, res.RowsAffected > 0, nil
}

// Users returns every user, in the order of their ids.
func (s *Store) Users(ctx context.Context) ([]User, error) { return usersIn(s.Read(ctx)) }

// Users is Store.Users inside the transaction.
func (tx *Tx) Users() ([]User, error) { return usersIn(tx.db) }

func usersIn(db *gorm.DB) ([]User, error) {
	var users []User
	if err := db.Order("id").Find(&users).Error; err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	return users, nil
}

// SaveUser adds the user, or changes the one with the same account, and
// reports which of the two it did, if any. What came up while nobody could be
// told is then said to the person, if it is theirs to hear.
func (tx *Tx) SaveUser(u *User) (added, changed bool, err error) {
	var have User
	res := tx.db.Where("account = ?", u.Account).Limit(1).Find(&have)
	if res.Error != nil {
		return false, false, fmt.Errorf("read user %s: %w", u.Account, res.Error)
	}
	if res.RowsAffected == 0 {
		if err := tx.Create(u); err != nil {
			return false, false, err
		}
		if err := tx.hearAgain(u.duties(tx.db)); err != nil {
			return false, false, err
		}
		return true, false, tx.Audit("user.added", "users", u.ID, change{nil, u.standing()})
	}
	u.ID, u.Stamps, u.Version = have.ID, have.Stamps, have.Version
	u.Reach = have.Reach // a person's own, which no list of people states
	if have.Reach.Language != "" {
		u.Language = have.Reach.Language
	}
	if slices.Equal(u.Roles, have.Roles) && equalUsers(*u, have) {
		return false, false, nil
	}
	// The entry names no addresses: the chain must not spread phone numbers.
	if err := tx.Audit("user.changed", "users", u.ID, change{have.standing(), u.standing()}); err != nil {
		return false, false, err
	}
	if err := save(tx, u, u.ID, &u.Version); err != nil {
		return false, false, err
	}
	return false, true, tx.hearAgain(u.duties(tx.db))
}

// SaveReach changes how a person wants to be reached, and in which language if
// they have chosen one. Messages that are waiting already keep their channels.
func (tx *Tx) SaveReach(userID int64, reach Reach) error {
	if err := reach.Validate(); err != nil {
		return err
	}
	var u User
	if err := tx.db.First(&u, userID).Error; err != nil {
		return notFound(err, "user", userID)
	}
	u.Reach = reach
	if reach.Language != "" {
		u.Language = reach.Language
	}
	if err := save(tx, &u, u.ID, &u.Version); err != nil {
		return err
	}
	return tx.Audit("user.reach", "users", u.ID, reach)
}

// duties narrows a query to the duties that a user may have to hear about.
func (u User) duties(db *gorm.DB) *gorm.DB {
	if u.UnitID == 0 {
		return db
	}
	return db.Where("unit_id = ?", u.UnitID)
}

func equalUsers(a, b User) bool {
	return a.Name == b.Name && a.Email == b.Email && a.Mobile == b.Mobile &&
		a.Language == b.Language && a.UnitID == b.UnitID && a.Active == b.Active
}
