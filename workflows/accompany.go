package workflows

import (
	"slices"
	"strings"
	"time"

	"duban/models"
)

// maxCopies bounds the people of one copy action.
const maxCopies = 50

// urge asks the people who hold the instance up to act (催办). The applicant,
// the office, which supervises, and administrators can, now and then.
func (c *turn) urge() error {
	if c.a.By != c.s.Applicant && !c.people.is(c.a.By, models.RoleOffice) && !c.people.is(c.a.By, models.RoleAdmin) {
		return refuse(CodeNotAllowed, "只有申请人、办公室和系统管理员可以催办")
	}
	if !c.s.UrgedAt.IsZero() {
		if until := c.s.UrgedAt.Add(time.Duration(c.def.UrgeHours) * time.Hour); c.a.At.Before(until) {
			return tooSoon(until)
		}
	}
	c.s.UrgedAt = c.a.At
	for _, t := range c.s.OpenTasks() {
		c.emit(Notify{NotifyUrge, c.reach(t), t.ID})
	}
	return nil
}

// comment adds a remark to the history (评论) and tells those concerned.
func (c *turn) comment() error {
	if !c.takesPart(c.a.By) {
		return refuse(CodeNotAllowed, "只有流程的参与人可以评论")
	}
	if strings.TrimSpace(c.a.Comment) == "" {
		return refuse(CodeReasonRequired, "请写明意见")
	}
	to := []int64{c.s.Applicant}
	for _, t := range c.s.OpenTasks() {
		to = append(to, t.Assignee)
	}
	slices.Sort(to)
	to = slices.DeleteFunc(slices.Compact(to), func(id int64) bool { return id == c.a.By || !c.people.active(id) })
	if len(to) > 0 {
		c.emit(Notify{NotifyComment, to, 0})
	}
	return nil
}

// takesPart reports whether a person may see and discuss the instance.
func (c *turn) takesPart(id int64) bool {
	if id == System {
		return false // nor is it a person who has decided what nobody has
	}
	return slices.Contains(c.s.Applicants, id) || c.people.is(id, models.RoleAdmin) ||
		slices.ContainsFunc(c.s.Copies, func(cp Copy) bool { return cp.To == id }) ||
		slices.ContainsFunc(c.s.Tasks, func(t Task) bool {
			return t.ActedBy == id || t.Lender == id || t.Assignee == id || t.State == TaskOpen && slices.Contains(c.reach(t), id)
		})
}

// copyTo gives people a copy to read (抄送).
func (c *turn) copyTo() error {
	switch {
	case !c.takesPart(c.a.By):
		return refuse(CodeNotAllowed, "只有流程的参与人可以抄送")
	case len(c.a.To) == 0:
		return refuse(CodeUnknownPerson, "请选择抄送人员")
	case len(c.a.To) > maxCopies:
		return refuse(CodeTooMany, "一次最多抄送 %d 人", maxCopies)
	}
	for _, id := range c.a.To {
		if !c.people.reachable(id) {
			return refuse(CodeUnknownPerson, "本单位没有这个在用的账号")
		}
	}
	c.copyOut(c.a.By, c.a.To)
	return nil
}

// copyOut gives a copy to the people who have none yet, and tells them.
func (c *turn) copyOut(by int64, to []int64) {
	if added := c.addCopies(by, to); len(added) > 0 {
		c.emit(Copied{added}, Notify{NotifyCopy, added, 0})
	}
}

// addCopies records copies for the people who have none yet, and returns them.
func (c *turn) addCopies(by int64, to []int64) (added []int64) {
	for _, id := range to {
		if !slices.ContainsFunc(c.s.Copies, func(have Copy) bool { return have.To == id }) {
			c.s.Copies = append(c.s.Copies, Copy{To: id, By: by, At: c.a.At})
			added = append(added, id)
		}
	}
	return added
}

// markRead records that a copy was read (已阅). Reading it again is no error.
func (c *turn) markRead() error {
	for i := range c.s.Copies {
		if cp := &c.s.Copies[i]; cp.To == c.a.By {
			if cp.ReadAt.IsZero() {
				cp.ReadAt = c.a.At
			}
			return nil
		}
	}
	return refuse(CodeNotAllowed, "没有抄送给您")
}

// terminate ends the instance without a decision (终止).
func (c *turn) terminate() error {
	if err := c.admin(); err != nil {
		return err
	}
	c.end(Terminated)
	return nil
}
