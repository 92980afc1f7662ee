package importer

import (
	"errors"

	"duban/models"
)

// errDecided ends reading once the kind of a file is known.
var errDecided = errors.New("kind is known")

// Kind finds out from a file's content what it is for. Lists of people and of
// assignments are both models.ImportPeople; [IsAssignments] tells them apart.
func Kind(name string, data []byte) (models.ImportKind, error) {
	kind, _, err := source{name, data}.kind()
	return kind, err
}

// IsAssignments reports whether a file is a list of who answers for which
// project, rather than of people.
func IsAssignments(name string, data []byte) bool {
	_, assignments, err := source{name, data}.kind()
	return err == nil && assignments
}

// kind reads up to the first row that gives the file away.
func (s source) kind() (kind models.ImportKind, assignments bool, err error) {
	err = s.rows(func(in row) error {
		switch {
		case paymentLayout.heads(in):
			kind = models.ImportPayments
		case peopleLayout.heads(in):
			kind = models.ImportPeople
		case assignmentLayout.heads(in):
			kind, assignments = models.ImportPeople, true
		case holidayLayout.heads(in):
			kind = models.ImportHolidays
		case headsTargets(in):
			kind = models.ImportTargets
		default:
			return nil
		}
		return errDecided
	})
	switch {
	case errors.Is(err, errDecided):
		return kind, assignments, nil
	case err != nil:
		return "", false, err
	}
	return "", false, &Error{
		File: s.name, Code: ErrUnsupportedLayout,
		Expected: "项目绩效目标表、支出明细、人员名单、项目分工或节假日安排，以表中的栏目名称辨认",
	}
}

// heads reports whether a row is the heading row of a list.
func (l listLayout) heads(in row) bool {
	columns, _ := l.heading(in)
	return columns != nil
}

// headsTargets reports whether a row can only stand in a performance-target
// document.
func headsTargets(in row) bool {
	if text, ok := in.sole(); ok {
		title, _ := unnumbered(text)
		_, part := partOne(title)
		return part || tableHeading.MatchString(title)
	}
	if _, ok := indicatorHeader(in); ok {
		return true
	}
	for _, f := range fieldsOf(in) {
		if f.label == labelPlan {
			return true
		}
	}
	return false
}
