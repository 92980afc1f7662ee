package api

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

// curve is what a chart draws: promised against actual spending through a year.
type curve struct {
	Year   int
	Today  calendar.Date
	Budget money.Fen
	Plan   []models.AmountOn // what is to be paid in total by each checkpoint
	Paid   []models.AmountOn // what was paid in total at the end of each day
}

// cumulate turns what was added on each day into the total on each day.
func cumulate(added []models.AmountOn) []models.AmountOn {
	total := make([]models.AmountOn, len(added))
	var sum money.Fen
	for i, a := range added {
		sum += a.Amount
		total[i] = models.AmountOn{Day: a.Day, Amount: sum}
	}
	return total
}

// last returns the last total before or, if with is set, on the given day.
func last(totals []models.AmountOn, day calendar.Date, with bool) money.Fen {
	var amount money.Fen
	for _, t := range totals {
		if t.Day.Before(day) || with && t.Day == day {
			amount = t.Amount
		}
	}
	return amount
}

// drawing is the geometry of one chart in SVG user units. Coordinates are
// approximations for the eye; every amount that is written beside them is exact.
type drawing struct {
	curve
	Size                     string // class: wide or narrow
	Width, Height            int
	Left, Right, Top, Bottom float64 // the edges of the plotted area
	Months                   []tick
	Levels                   []tick
	PlanPath, PaidPath       string
	PaidArea                 string
	Dots                     []dot // the checkpoints
	BudgetY, ZeroY           float64
	TodayX                   float64 // 0 when today is not in the year
	Now                      dot     // the end of the paid curve
	High                     money.Fen
}

// tick is one division of an axis.
type tick struct {
	At    float64
	Label float64       // where its label stands, on the axis of months
	Month time.Month    // of the axis of months
	Value money.Fen     // of the axis of amounts
	Day   calendar.Date // the first of the month
}

// dot is one amount on one day.
type dot struct {
	X, Y  float64
	Label float64 // where its text starts or ends
	End   bool    // the text ends there
	Below bool    // the text stands below, because that of a checkpoint is beside it
	models.AmountOn
}

// draw lays the curve out for wide screens and paper, and for narrow screens.
func draw(c curve) []drawing {
	return []drawing{
		layOut(c, drawing{Size: "wide", Width: 960, Height: 320, Left: 72, Right: 940, Top: 26, Bottom: 286}, 1),
		layOut(c, drawing{Size: "narrow", Width: 360, Height: 280, Left: 50, Right: 350, Top: 26, Bottom: 252}, 3),
	}
}

func layOut(c curve, d drawing, monthsPerLabel int) drawing {
	d.curve = c
	low, high := extent(c)
	step := niceStep(high-low, 4)
	low, high = floorTo(low, step), -floorTo(-high, step)
	d.High = high

	first, days := calendar.MustDate(c.Year, time.January, 1), float64(calendar.MustDate(c.Year, time.January, 1).DaysUntil(calendar.MustDate(c.Year+1, time.January, 1)))
	x := func(day calendar.Date, endOfDay float64) float64 { // days outside the year stand on its edge
		at := (float64(first.DaysUntil(day)) + endOfDay) / days
		return d.Left + (d.Right-d.Left)*min(1, max(0, at))
	}
	y := func(f money.Fen) float64 {
		return d.Bottom - (d.Bottom-d.Top)*float64(f-low)/float64(high-low)
	}

	for m := time.January; m <= time.December; m++ {
		day := calendar.MustDate(c.Year, m, 1)
		t := tick{At: x(day, 0), Day: day}
		if (int(m)-1)%monthsPerLabel == 0 {
			t.Month, t.Label = m, t.At+(d.Right-d.Left)/24
		}
		d.Months = append(d.Months, t)
	}
	for v := low; v <= high; v += step {
		d.Levels = append(d.Levels, tick{At: y(v), Value: v})
	}
	d.BudgetY, d.ZeroY = y(c.Budget), y(0)
	for _, p := range c.Plan {
		at := x(p.Day, 1)
		d.Dots = append(d.Dots, dot{X: at, Y: y(p.Amount), Label: at - 6, End: true, AmountOn: p})
	}
	d.PlanPath = steps(d.Left, d.ZeroY, d.Right, d.Dots)
	if c.Today.Year() == c.Year {
		d.TodayX = x(c.Today, 1)
	}
	d.addPaid(x, y)
	return d
}

// addPaid draws the paid curve up to today, or the end of the year.
func (d *drawing) addPaid(x func(calendar.Date, float64) float64, y func(money.Fen) float64) {
	if d.Today.Year() < d.Year {
		return
	}
	var points []dot
	for _, p := range d.Paid {
		points = append(points, dot{X: x(p.Day, 1), Y: y(p.Amount), AmountOn: p})
	}
	end := x(d.Today, 1)
	d.PaidPath = steps(d.Left, d.ZeroY, end, points)
	d.PaidArea = fmt.Sprintf("%s V%.1f H%.1f Z", d.PaidPath, d.ZeroY, d.Left)
	d.Now = dot{X: end, Label: end + 8, AmountOn: models.AmountOn{Day: d.Today}}
	if len(d.Paid) > 0 {
		d.Now.Amount = d.Paid[len(d.Paid)-1].Amount
	}
	d.Now.Y = y(d.Now.Amount)
	for _, p := range d.Dots {
		d.Now.Below = d.Now.Below || math.Abs(p.Y-d.Now.Y) < 16 && math.Abs(p.X-d.Now.X) < 90
	}
	if end > (d.Left+d.Right)/2 {
		d.Now.Label, d.Now.End = end-8, true
	}
}

// steps is the path of totals that hold until they change.
func steps(fromX, fromY, toX float64, points []dot) string {
	var b strings.Builder
	fmt.Fprintf(&b, "M%.1f %.1f", fromX, fromY)
	for _, p := range points {
		fmt.Fprintf(&b, " H%.1f V%.1f", p.X, p.Y)
	}
	fmt.Fprintf(&b, " H%.1f", toX)
	return b.String()
}

// extent returns the lowest and the highest amount that must be visible: at
// least nothing at all, and at least one 元 apart, so that no scale is empty.
func extent(c curve) (low, high money.Fen) {
	high = max(c.Budget, money.Fen(money.Yuan))
	for _, p := range slices.Concat(c.Plan, c.Paid) {
		low, high = min(low, p.Amount), max(high, p.Amount)
	}
	return low, high
}

// niceStep divides a range into about n steps of 1, 2, 2.5 or 5 times a power
// of ten.
func niceStep(span money.Fen, n int) money.Fen {
	rough := float64(span) / float64(n)
	power := math.Pow(10, math.Floor(math.Log10(max(rough, 1))))
	for _, m := range []float64{1, 2, 2.5, 5, 10} {
		if step := money.Fen(m * power); float64(step) >= rough {
			return max(step, 1)
		}
	}
	return money.Fen(10 * power)
}

// floorTo rounds f down to a multiple of step.
func floorTo(f, step money.Fen) money.Fen {
	r := f % step
	if r < 0 {
		r += step
	}
	return f - r
}

// bar is an executed share drawn as a bar of 100 units, with a mark where the
// plan stands. What lies beyond the budget is cut off.
type bar struct {
	Filled float64
	Plan   float64
	Marked bool
	Share  money.Share
}

func newBar(s money.Share, plan money.Percent, marked bool) bar {
	return bar{Filled: units(s.Percent()), Plan: units(plan), Marked: marked, Share: s}
}

// units returns a percentage as a length between 0 and 100.
func units(p money.Percent) float64 {
	return float64(min(max(p, 0), money.Whole)) / float64(money.PercentOf(1))
}
