package notifier

import (
	"strconv"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

// section is a table of a message that tells several things. Its key names the
// heading.
type section struct {
	Key   string
	Total int
	Rows  []row
	More  int // how many it leaves out
}

// row is a line of a table. What it says about its dates is its kind's: duty,
// settled, flow or mute.
type row struct {
	Kind  string
	Link  string
	Light models.Light // blank for what has none
	Color string
	Title string
	About string // the project, or the unit
	When  string
	Left  span // until When
	Who   string
	Why   string

	Plan, Actual, Missing string // of a spending target; Missing is blank if it is reached

	page string // the page that Link opens
	id   int64
}

// lamp is how many duties have a light.
type lamp struct {
	Light models.Light
	Color string
	Count int
}

// week is a line of the trend.
type week struct {
	On, Plan, Actual string
	Bar              []segment
}

// tables are what a message shows that tells several things.
type tables struct {
	Sections []section
	Lamps    []lamp // the worst first, without those of which there are none
	Weeks    []week
	WeeksTo  string // the day up to which payments are on record
	Listed   int    // duties in the digest
	Overdue  int    // of those
	Today    int    // due today, of those
	Next     string // the day on which the first of the others is due
	Brief    []row  // what a group is told, where all would be too long
}

// briefRows is how many lines a group is told.
const briefRows = 5

// addTables adds what digests and weekly reports list.
func (v *view) addTables() {
	if d := v.Digest; d != nil {
		v.count(d.Items)
		v.Lamps, v.Sections = v.lamps(d.Lights), []section{v.duties("items", models.First(d.Items, len(d.Items)))}
		v.trend(d.Trend)
	}
	if w := v.Weekly; w != nil && w.Situation != nil {
		s := w.Situation
		v.Lamps = v.lamps(s.Lights)
		v.Sections = append(v.Sections, v.duties("worst", s.Worst), v.duties("due", s.Due), v.duties("settled", s.Settled), v.flows(s.Flows), v.mutes(s.Mutes))
		v.trend(s.Trend)
	}
	for _, s := range v.Sections {
		if len(v.Brief) == 0 {
			v.Brief = s.Rows[:min(briefRows, len(s.Rows))]
		}
	}
}

func (v *view) count(items []models.DigestItem) {
	v.Listed = len(items)
	for _, i := range items {
		switch {
		case i.DaysLeft < 0:
			v.Overdue++
		case i.DaysLeft == 0:
			v.Today++
		case v.Next == "":
			_, v.Next = v.date(i.DueOn)
		}
	}
}

func (v *view) lamps(lights map[models.Light]int) []lamp {
	var lamps []lamp
	for _, l := range []models.Light{models.Red, models.Yellow, models.Blue, models.Green} {
		if lights[l] > 0 {
			lamps = append(lamps, lamp{l, lightColor(l), lights[l]})
		}
	}
	return lamps
}

func (v *view) duties(key string, e models.Excerpt[models.DigestItem]) section {
	s := section{Key: key, Total: e.Total, More: e.More()}
	for _, i := range e.Items {
		r := row{
			Kind: "duty", Light: i.Light, Color: lightColor(i.Light), Title: oneLine(i.Title), About: oneLine(i.ProjectName),
			Left: span(i.DaysLeft), page: "obligations", id: i.ObligationID,
		}
		if r.About == "" {
			r.About = oneLine(i.UnitName)
		}
		_, r.When = v.date(i.DueOn)
		if !i.SettledOn.IsZero() {
			_, r.When = v.date(i.SettledOn)
			r.Kind, r.Light, r.Color = "settled", "", ""
		}
		if i.Kind == models.SpendingTarget && i.Budget > 0 {
			r.Plan, r.Actual = i.Plan.String(), i.Actual.String()
			if i.Missing > 0 {
				r.Missing = v.brief(i.Missing)
			}
		}
		s.Rows = append(s.Rows, r)
	}
	return s
}

func (v *view) flows(e models.Excerpt[models.OverdueFlow]) section {
	s := section{Key: "flows", Total: e.Total, More: e.More()}
	for _, f := range e.Items {
		_, when := v.date(f.DueOn)
		s.Rows = append(s.Rows, row{
			Kind: "flow", Title: oneLine(f.Title), About: oneLine(f.ProjectName), When: when, Left: span(f.DaysLeft), Who: oneLine(f.Assignee),
			page: "instances", id: f.InstanceID,
		})
	}
	return s
}

func (v *view) mutes(e models.Excerpt[models.MutedProject]) section {
	s := section{Key: "mutes", Total: e.Total, More: e.More()}
	for _, m := range e.Items {
		_, when := v.date(m.Since)
		s.Rows = append(s.Rows, row{Kind: "mute", Title: oneLine(m.ProjectName), When: when, Who: oneLine(m.Owner), Why: oneLine(m.Reason)})
	}
	return s
}

func (v *view) trend(t *models.Trend) {
	if t == nil {
		return
	}
	v.Weeks = nil
	_, v.WeeksTo = v.date(t.AsOf)
	for _, w := range t.Weeks {
		color := lightColor(models.Green)
		if w.Actual < w.Plan {
			color = lightColor(models.Blue)
		}
		_, on := v.date(w.On)
		v.Weeks = append(v.Weeks, week{on, w.Plan.String(), w.Actual.String(), bar(w.Actual, w.Plan, color)})
	}
}

// brief writes an amount in one unit only, from which no line is broken.
func (v *view) brief(f money.Fen) string {
	if v.Language == models.English {
		return "CNY\u00a0" + grouped(f.String())
	}
	return grouped(f.In(money.TenThousand)) + "\u00a0万元"
}

// linkRows gives each row the address of what it is about.
func (t *Templates) linkRows(v *view) {
	for _, s := range v.Sections {
		for i, r := range s.Rows {
			if r.page != "" {
				s.Rows[i].Link = t.url(r.page, strconv.FormatInt(r.id, 10))
			}
		}
	}
}

// addAlarm adds the facts of a message about duban itself.
func (v *view) addAlarm(a models.Alarm) {
	a.Subject, a.Detail = oneLine(a.Subject), oneLine(a.Detail)
	v.Alarm = &a
	if !a.Since.IsZero() {
		v.Since = v.moment(a.Since)
	}
	count := ""
	if a.Count > 0 {
		count = strconv.Itoa(a.Count)
	}
	v.AsOfText = "" // it is about messages and jobs, not about records
	for _, f := range []fact{{Key: "since", Value: v.Since}, {Key: "count", Value: count}, {Key: "detail", Value: a.Detail}} {
		if f.Value != "" {
			v.Facts = append(v.Facts, f)
		}
	}
}

// period writes the days of a weekly report.
func (v *view) period(w models.WeeklyReport) (from, to string) {
	write := func(d calendar.Date) string {
		_, short := v.date(d)
		return short
	}
	return write(w.From), write(w.To)
}
