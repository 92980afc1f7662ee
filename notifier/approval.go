package notifier

import (
	"strings"

	"duban/models"
)

// span is a number of days until something, negative when it is over.
type span int

// Over returns the days since then.
func (s span) Over() int { return int(-s) }

// addApproval adds the facts of a message about a workflow (审批). What people
// typed stays one line wherever a line of its own could pass for ours.
func (v *view) addApproval(a models.Approval) {
	for _, s := range []*string{&a.WorkflowTitle, &a.Step, &a.Applicant, &a.By, &a.Assignee} {
		*s = oneLine(*s)
	}
	v.Comment = lines(a.Comment)
	v.Approval = &a
	// The workflow has rows of its own, and a day off matters to the duty's
	// due date, not to this decision.
	v.Workflow, v.DueOnHoliday = "", ""
	v.Limit, v.ShortLimit = v.date(a.DueOn)
	v.Left = span(a.DaysLeft)
	v.Matter = matter(a.WorkflowTitle, v.About, v.Title)
}

// approvalFacts returns the rows about the workflow.
func (v view) approvalFacts() []fact {
	if v.Approval == nil {
		return nil
	}
	return []fact{
		{Key: "workflow", Value: v.Approval.WorkflowTitle},
		{Key: "step", Value: v.Approval.Step},
		{Key: "applicant", Value: v.Approval.Applicant},
		{Key: "assignee", Value: v.Approval.Assignee},
		{Key: "limit", Value: v.Limit, Left: v.Left},
	}
}

// The room of a workflow's subject line after its headline, in columns, of
// which a Chinese character takes two: with the headline it is about forty
// characters.
const (
	matterColumns   = 52
	workflowColumns = 24
	whoseColumns    = 18
	dutyColumns     = 8 // the least that the duty gets
)

// matter names a workflow and the duty that it is about.
func matter(workflow, whose, duty string) string {
	words := fit(workflow, workflowColumns)
	separator := " · "
	if whose != "" {
		words += separator + fit(whose, whoseColumns)
		separator = " "
	}
	if duty != "" {
		words += separator + fit(duty, max(dutyColumns, matterColumns-columns(words+separator)))
	}
	return words
}

// fit cuts a string to a number of columns.
func fit(s string, limit int) string {
	used, end := 0, 0
	for i, r := range s {
		if used < limit {
			end = i // what comes before leaves room for the ellipsis
		}
		if used += columns(string(r)); used > limit {
			return strings.TrimSpace(s[:end]) + "…"
		}
	}
	return s
}

// columns returns how wide a string is. Everything from the CJK radicals on
// counts as wide, which errs on the safe side.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r >= 0x2E80 {
			n++
		}
	}
	return n
}

// lines splits what a person typed, without blank lines. The layouts indent or
// frame each, so that a comment cannot pass for a row of ours.
func lines(s string) []string {
	split := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("\n\r\v\f\u0085\u2028\u2029", r) })
	kept := split[:0]
	for _, line := range split {
		if line = oneLine(line); line != "" {
			kept = append(kept, line)
		}
	}
	return kept
}
