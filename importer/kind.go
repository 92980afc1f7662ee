package importer

import (
	"errors"
	"fmt"

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

// Rank orders files that are imported together, the lowest first, so that each
// finds on record what it names: target tables bring units and projects, which
// people and assignments belong to. A file that cannot be recognised comes
// first: its error concerns all that follow.
func Rank(name string, data []byte) int {
	kind, assignments, err := source{name, data}.kind()
	switch {
	case err != nil:
		return 0
	case kind == models.ImportPayments:
		return 5
	case assignments:
		return 4
	case kind == models.ImportPeople:
		return 3
	case kind == models.ImportHolidays:
		return 2
	}
	return 1
}

// kind reads up to the first row that gives the file away.
func (s source) kind() (kind models.ImportKind, assignments bool, err error) {
	var nearest nearMiss
	err = s.rows(func(in row) error {
		nearest.consider(in)
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
	if nearest.layout != nil {
		return "", false, &Error{
			File: s.name, Sheet: nearest.at.sheet, Line: nearest.at.line, Code: ErrHeaderMissing,
			Expected: fmt.Sprintf("这像是%s，但缺少栏目%s；也许是栏目名称写错了", nearest.layout.sheet, nearest.layout.needs(nearest.groups)),
		}
	}
	return "", false, &Error{
		File: s.name, Code: ErrUnsupportedLayout,
		Expected: "项目绩效目标表、支出明细、人员名单、项目分工或节假日安排，以表中的栏目名称辨认",
	}
}

// nearMiss is the row that comes nearest to the heading row of a list.
type nearMiss struct {
	missingColumns
	layout *listLayout
}

// consider looks whether a row lacks fewer of some list's columns than any row
// before it. One that has only one of them is no heading.
func (n *nearMiss) consider(in row) {
	for _, l := range []*listLayout{&paymentLayout, &peopleLayout, &assignmentLayout, &holidayLayout} {
		_, missing := l.heading(in)
		known := len(l.required) - len(missing)
		if len(missing) > 0 && known > 0 && len(missing) <= known && (n.layout == nil || len(missing) < len(n.groups)) {
			n.layout, n.at, n.groups = l, place{in.sheet, in.line}, missing
		}
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
