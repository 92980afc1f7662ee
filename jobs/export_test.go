package jobs

import (
	"fmt"
	"slices"

	"duban/models"
	"duban/models/calendar"
)

// DaysBothWays returns the occasions of a rule in a period as the sweep finds
// them and as the audit does, in one order.
func DaysBothWays(rule models.Rule, due, from, to calendar.Date, cal *calendar.Calendar) (sweep, audit []string) {
	for _, oc := range occasionsBetween(rule, due, from, to, cal) {
		sweep = append(sweep, fmt.Sprintf("%s %s %s", oc.Day, oc.key(), oc.Audience))
	}
	for d := from.AddDays(1); !d.After(to); d = d.AddDays(1) {
		for _, h := range hearingsOn(rule, due, d, cal) {
			audit = append(audit, fmt.Sprintf("%s %s %s", d, h.name, h.audience))
		}
	}
	slices.Sort(sweep)
	slices.Sort(audit)
	return sweep, audit
}
