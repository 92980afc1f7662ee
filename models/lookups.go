package models

import (
	"context"
	"fmt"
)

// Units returns every budget unit, in the order of their codes.
func (s *Store) Units(ctx context.Context) ([]Unit, error) {
	var units []Unit
	if err := s.Read(ctx).Order("code").Find(&units).Error; err != nil {
		return nil, fmt.Errorf("read units: %w", err)
	}
	return units, nil
}

// ProjectByCode returns the supervised project with a code, of the latest year
// if several have it.
func (s *Store) ProjectByCode(ctx context.Context, code string) (p Project, ok bool, err error) {
	res := s.Read(ctx).Where("code = ? AND state = ?", code, ProjectActive).Order("fiscal_year DESC").Limit(1).Find(&p)
	if res.Error != nil {
		return p, false, fmt.Errorf("read project %s: %w", code, res.Error)
	}
	return p, res.RowsAffected > 0, nil
}

// Manages reports whether a person is the manager of a supervised project.
func (s *Store) Manages(ctx context.Context, userID int64) (bool, error) {
	var n int64
	err := s.Read(ctx).Model(&Project{}).Where("manager_id = ? AND state = ?", userID, ProjectActive).Limit(1).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("read the projects of a manager: %w", err)
	}
	return n > 0, nil
}
