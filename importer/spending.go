package importer

import "fmt"

// planColumns are the headings of a spending plan whose shares are to follow
// in the next row.
type planColumns struct {
	heads []planHead
	cells int // of the heading row
}

// planHead is one heading, with the columns that it spans.
type planHead struct {
	label    string
	from, to int
}

// planRow takes the row that says 资金支出计划: headings, or the shares below
// them where a merged label is repeated, or both in turn.
func (r *recogniser) planRow(in row, f field) error {
	if f.unit != 0 {
		return r.fail(f.place, ErrUnsupportedLayout, f.text, "", "资金支出计划以预算数的百分比表示")
	}
	if r.project.planAt.line == 0 {
		r.project.planAt = f.place
	}
	return r.planCells(in, f.next)
}

// planCells takes the cells of a plan's row from a column on.
func (r *recogniser) planCells(in row, from int) error {
	heads, shares, stray := planHeads(in, from)
	switch {
	case len(heads) == 0 && len(r.plan.heads) > 0:
		return r.planShares(in)
	case stray != "" && (len(heads) > 0 || len(r.project.plan) == 0):
		return r.fail(place{in.sheet, in.line}, ErrCheckpointUnreadable, planField, shorten(stray), checkpointsExpected)
	case len(heads) == 0:
		return nil
	}
	r.flushPlan()
	r.plan = planColumns{heads: heads, cells: len(in.cells)}
	if !shares {
		return nil
	}
	return r.planShares(in) // 3月底, 25%, 6月底, 50%, in one row
}

const checkpointsExpected = "3月底、6月30日、一季度、2025年6月底这样的栏目"

// planHeads returns the headings in a row, whether shares stand between them,
// and the first text that is neither.
func planHeads(in row, from int) (heads []planHead, shares bool, stray string) {
	for col := from; col < len(in.cells); col++ {
		text := in.cells[col].text
		last := len(heads) - 1
		switch {
		case text == "", labels(text, labelPlan):
		case last >= 0 && heads[last].label == text && heads[last].to == col:
			heads[last].to++ // one heading, repeated by a merge
		case isCheckpoint(text):
			heads = append(heads, planHead{label: text, from: col, to: col + 1})
		case percentCell(in.cells[col]):
			shares = true
		case stray == "":
			stray = text
		}
	}
	return heads, shares, stray
}

// planShares pairs the headings with the shares in a row. A column reaches up
// to the next heading, so that cells merged differently still meet.
func (r *recogniser) planShares(in row) error {
	shift, ok := r.planShift(in)
	if !ok {
		r.short = r.cellCount(in, r.plan.cells)
		return nil
	}
	heads := r.plan.heads
	for i, h := range heads {
		to := len(in.cells) + shift
		if i+1 < len(heads) {
			to = heads[i+1].from
		}
		value := in.within(h.from-shift, to-shift)
		if value.text == h.label { // headings and shares in one row
			value = in.within(h.to, to)
		}
		if value.text != "" && isCheckpoint(value.text) || len(value.text) > maxLabelBytes {
			return r.fail(place{in.sheet, in.line}, ErrCheckpointUnreadable, planField, shorten(value.text), "栏目下面是百分比")
		}
		r.project.plan = append(r.project.plan, foundCheckpoint{place{in.sheet, in.line}, h.label, value})
	}
	r.plan = planColumns{}
	return nil
}

// planShift returns by how many columns the shares stand to the left of their
// headings, because the merged label beside the headings was left out. It
// reports false for a row whose cells cannot be placed.
func (r *recogniser) planShift(in row) (int, bool) {
	beside := r.plan.heads[0].from
	missing := r.plan.cells - len(in.cells)
	if beside > 0 && percentCell(in.cells[0]) && missing >= 0 && (!in.listed || missing == beside) {
		return beside, true
	}
	return 0, !in.listed || missing == 0
}

// cellCount is the error about a row whose cells cannot be placed, because
// some are missing and only their number says which is which.
func (r *recogniser) cellCount(in row, want int) *Error {
	return r.fail(place{in.sheet, in.line}, ErrCellCount, fmt.Sprintf("这一行有 %d 格", len(in.cells)),
		shorten(in.cells[in.first()].text), fmt.Sprintf("与表头一样有 %d 格，空格也要保留", want))
}

// flushPlan records headings below which nothing stands: all are blank.
func (r *recogniser) flushPlan() {
	for _, h := range r.plan.heads {
		r.project.plan = append(r.project.plan, foundCheckpoint{r.project.planAt, h.label, cell{}})
	}
	r.plan = planColumns{}
}
