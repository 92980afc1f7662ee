package importer

import "duban/models/money"

// openUnit makes a budget unit the current one. A table may name its unit
// after its project; then the unit is that of the open table.
func (r *recogniser) openUnit(at place, code, name string) error {
	if r.project != nil && r.project.headerSeen {
		if err := r.closeProject(); err != nil {
			return err
		}
	}
	if r.unit == nil || name != r.unit.name || code != r.unit.code && code != "" {
		r.useUnit(at, code, name)
	}
	return nil
}

// useUnit makes a unit that may have been named before the current one. What
// was promised before any unit was named is its promise.
func (r *recogniser) useUnit(at place, code, name string) {
	key := code + "\x00" + name
	u := r.units[key]
	if u == nil {
		u = &foundUnit{place: at, code: code, name: name}
		r.units[key] = u
		r.doc.units = append(r.doc.units, u)
	}
	if !r.pending.empty() {
		u.promises, r.pending = r.pending, promises{}
	}
	r.unit = u
	if r.project == nil {
		r.section = tableHead
	}
}

// openProject begins a project table.
func (r *recogniser) openProject(at place) error {
	if err := r.closeProject(); err != nil {
		return err
	}
	r.project = &foundProject{place: at, heading: r.heading.name, amountUnit: r.amounts.take()}
	if r.heading.text != "" {
		r.headings.withTable[r.heading.text] = true
		r.heading = heading{}
	}
	r.section = tableHead
	return nil
}

// closeProject ends the open table and checks that it is whole.
func (r *recogniser) closeProject() error {
	p := r.project
	if p == nil {
		return nil
	}
	r.flushPlan()
	switch {
	case p.code.value.text == "":
		return r.fail(p.place, ErrProjectCodeMissing, "项目编码", "", "“项目编码”右边一格是项目的编码")
	case len(p.indicators) == 0 && p.planAt.line == 0:
		return r.fail(p.place, ErrTruncated, "项目", p.code.value.text, "项目编码之后有资金支出计划和绩效指标表")
	case len(p.indicators) == 0:
		return r.fail(p.place, ErrTruncated, "项目", p.code.value.text, "资金支出计划之后有绩效指标表（一级指标、指标值等）")
	}
	if r.unit == nil {
		r.useUnit(p.place, "", "")
	}
	r.unit.projects = append(r.unit.projects, p)
	r.project = nil
	r.section = outside
	return nil
}

// tableRow takes a row that belongs to a table, if it belongs to anything.
func (r *recogniser) tableRow(in row) error {
	columns, isHeader := indicatorHeader(in)
	switch {
	case isHeader:
		return r.openIndicators(in, columns)
	case r.section == tableIndicators && !r.leavesIndicators(in):
		return r.indicatorRow(in)
	}
	fields := fieldsOf(in)
	if len(fields) == 0 {
		return r.unlabelledRow(in)
	}
	if err := r.refuseList(in, fields); err != nil {
		return err
	}
	for _, f := range fields {
		if err := r.field(in, f); err != nil {
			return err
		}
	}
	return nil
}

// fieldsOf pairs the labels of a row with the values to their right. What
// stands behind 资金支出计划 belongs to it alone.
func fieldsOf(in row) []field {
	var fields []field
	for col, c := range in.cells {
		if c.text == "" {
			continue
		}
		last := len(fields) - 1
		if l, unit := labelOf(c.text); l != noLabel {
			if last >= 0 && fields[last].label == l && fields[last].next == col {
				fields[last].next++ // one label, repeated by a merge
				continue
			}
			fields = append(fields, field{place: place{in.sheet, in.line}, label: l, text: c.text, unit: unit, next: col + 1})
			if l == labelPlan {
				return fields
			}
		} else if l, value := labelled(c.text); l != noLabel && (last < 0 || fields[last].stated) {
			fields = append(fields, field{
				place: place{in.sheet, in.line}, label: l, text: c.text, next: col + 1,
				value: cell{text: value}, stated: true,
			})
		} else if last >= 0 && !fields[last].stated {
			fields[last].value, fields[last].stated = c, true
		}
	}
	return fields
}

// refuseList recognises the layouts that put labels above the values instead
// of beside them. A label alone may also be where a file breaks off.
func (r *recogniser) refuseList(in row, fields []field) error {
	unstated := 0
	for _, f := range fields {
		if !f.stated {
			unstated++
		}
	}
	for _, f := range fields {
		if f.label != labelCode || f.stated {
			continue
		}
		refusal := r.fail(f.place, ErrUnsupportedLayout, "项目编码", "", "每个项目一张表，“项目编码”右边一格是编码；"+
			"不能读一行一个项目的清单，也不能读一行一格而不用制表符的文本")
		if unstated == len(fields) && unstated >= 3 {
			return refusal
		}
		if len(fields) == 1 && f.next >= len(in.cells) {
			r.short = refusal
		}
	}
	return nil
}

// field takes one label of a project table with its value.
func (r *recogniser) field(in row, f field) error {
	switch f.label {
	case labelUnit:
		return r.unitField(f)
	case labelCode, labelName:
		return r.identity(f)
	}
	if r.project == nil {
		if f.label == labelPlan {
			return r.fail(f.place, ErrUnsupportedLayout, f.text, "", "资金支出计划之前有“项目编码”")
		}
		return nil // a table about the unit, not about a project
	}
	p := r.project
	switch f.label {
	case labelBudgetGroup, labelPurpose:
		r.section = tableBudget
		p.purpose = append(p.purpose, f.value.text)
	case labelBudget:
		r.section, p.budget = tableBudget, f
	case labelFiscal:
		r.section, p.fiscal = tableBudget, f
	case labelOther:
		r.section, p.other = tableBudget, f
	case labelGoal:
		r.section = tableGoal
		p.goal = append(p.goal, f.value.text)
	case labelPlan:
		r.section = tablePlan
		return r.planRow(in, f)
	}
	return nil
}

// unitField takes 预算单位：603001某某中心, with or without a code.
func (r *recogniser) unitField(f field) error {
	if f.value.text == "" {
		return nil
	}
	if code, name, ok := unitNamedIn(f.value.text, true); ok {
		return r.openUnit(f.place, code, name)
	}
	if r.unit != nil && r.unit.code != "" {
		return nil // the same unit by a shorter name, or an office of it
	}
	return r.openUnit(f.place, "", f.value.text)
}

// identity takes 项目编码 or 项目名称, of which the first begins a project.
func (r *recogniser) identity(f field) error {
	p := r.project
	if p == nil || p.headerSeen || f.label == labelCode && p.code.label != 0 || f.label == labelName && p.name.label != 0 {
		if err := r.openProject(f.place); err != nil {
			return err
		}
		p = r.project
	}
	if f.label == labelCode {
		p.code = f
	} else {
		p.name = f
	}
	return nil
}

// unlabelledRow takes a row that continues the labelled one above it.
func (r *recogniser) unlabelledRow(in row) error {
	first := in.cells[in.first()].text
	if code, name, ok := unitNamedIn(first, r.belowHeading()); ok && !r.continuesCell(in) {
		return r.openUnit(place{in.sheet, in.line}, code, name)
	}
	if r.project == nil {
		return nil
	}
	switch r.section {
	case tableBudget:
		r.project.purpose = append(r.project.purpose, first)
	case tableGoal:
		r.project.goal = append(r.project.goal, first)
	case tablePlan:
		return r.planCells(in, 0)
	}
	return nil
}

// percentCell reports whether a cell states a percentage.
func percentCell(c cell) bool {
	_, err := money.ParsePercent(c.number())
	return err == nil
}
