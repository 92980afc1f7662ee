package jobs

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// CronError says what is wrong with a cron expression, for the person who
// wrote it.
type CronError struct {
	Expression string
	Problem    string // in Chinese: what is wrong and what was expected
}

// Error implements error.
func (e *CronError) Error() string {
	return fmt.Sprintf("cron 表达式 %q：%s", e.Expression, e.Problem)
}

// CronSpec is a cron expression that has been checked.
type CronSpec struct {
	expression string
	location   *time.Location
	schedule   cron.Schedule
	daysOred   bool
}

// maxExpression bounds what is handed to the parser.
const maxExpression = 128

// ParseCron reads a cron expression of five fields (minute, hour, day of
// month, month, day of week) or a shorthand such as @daily, in a time zone. It
// returns a *CronError for anything else, and for an expression that never
// fires, such as 30 February.
func ParseCron(expression, zone string) (spec CronSpec, err error) {
	fail := func(problem string) error { return &CronError{Expression: expression, Problem: problem} }
	// The parser panics on some inputs, TZ= without fields among them.
	defer func() {
		if r := recover(); r != nil {
			spec, err = CronSpec{}, fail("无法识别")
		}
	}()
	if zone == "" {
		return CronSpec{}, fail("没有时区，应如 Asia/Shanghai")
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return CronSpec{}, fail(fmt.Sprintf("未知的时区 %q，应如 Asia/Shanghai", zone))
	}
	text := strings.TrimSpace(expression)
	switch fields := strings.Fields(text); {
	case len(text) > maxExpression:
		return CronSpec{}, fail("过长")
	case strings.HasPrefix(strings.ToLower(text), "@every"):
		// Its fires hang on when somebody asks, so replicas could not agree on one.
		return CronSpec{}, fail("不支持 @every；例如 */30 * * * * 表示每 30 分钟")
	case strings.Contains(text, "TZ="):
		return CronSpec{}, fail("时区请填写在时区一栏，不要写进表达式")
	case strings.ContainsAny(strings.ToUpper(text), "LW#?") && !strings.HasPrefix(text, "@") && !namesOnly(text):
		return CronSpec{}, fail("不支持 L、W、#、? 写法；只支持数字、*、逗号、- 和 /")
	case !strings.HasPrefix(text, "@") && len(fields) != 5:
		return CronSpec{}, fail(fmt.Sprintf("应为五段（分 时 日 月 周），现有 %d 段", len(fields)))
	}
	schedule, err := cron.ParseStandard(text)
	if err != nil {
		return CronSpec{}, fail("无法识别（" + err.Error() + "）；例如 30 8 * * * 表示每天 8:30")
	}
	spec = CronSpec{expression: text, location: loc, schedule: schedule, daysOred: daysOred(text)}
	if spec.Next(time.Unix(0, 0)).IsZero() {
		return CronSpec{}, fail("永远不会到来，例如不存在的日期")
	}
	return spec, nil
}

// namesOnly reports whether the letters of the expression are names of months
// and days, where an L may occur as in JUL.
func namesOnly(text string) bool {
	for _, name := range []string{
		"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
		"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT",
	} {
		text = strings.ReplaceAll(strings.ToUpper(text), name, "")
	}
	return !strings.ContainsAny(text, "LW#?")
}

// daysOred reports whether both the day of month and the day of week are
// restricted: cron then fires on either.
func daysOred(text string) bool {
	f := strings.Fields(text)
	return len(f) == 5 && !strings.HasPrefix(f[2], "*") && !strings.HasPrefix(f[4], "*")
}

// Next returns the first fire after t, in UTC, or the zero time.
func (c CronSpec) Next(t time.Time) time.Time {
	next := c.schedule.Next(t.In(c.location))
	if next.IsZero() {
		return next
	}
	return next.UTC()
}

// Preview returns the next n fires after t, in the schedule's time zone.
func (c CronSpec) Preview(t time.Time, n int) []time.Time {
	fires := make([]time.Time, 0, n)
	for range n {
		if t = c.Next(t); t.IsZero() {
			break
		}
		fires = append(fires, t.In(c.location))
	}
	return fires
}

// Latest returns the last fire at or before t, or the zero time if there was
// none in the ten years before.
func (c CronSpec) Latest(t time.Time) time.Time {
	for _, back := range []time.Duration{time.Hour, 25 * time.Hour, 32 * 24 * time.Hour, 367 * 24 * time.Hour, 10 * 366 * 24 * time.Hour} {
		var latest time.Time
		for fire := c.Next(t.Add(-back)); !fire.IsZero() && !fire.After(t); fire = c.Next(fire) {
			latest = fire
		}
		if !latest.IsZero() {
			return latest
		}
	}
	return time.Time{}
}

// Warning tells about an expression that may not mean what it seems to, or "".
func (c CronSpec) Warning() string {
	if c.daysOred {
		return "同时限定了“日”和“周”：两者满足其一就会执行"
	}
	return ""
}

// withZone is the expression as gocron takes it.
func (c CronSpec) withZone() string { return "CRON_TZ=" + c.location.String() + " " + c.expression }
