package models

import (
	"fmt"
	"slices"
	"time"

	"duban/models/calendar"
)

// Urgency says how soon a message must be read, and so by which channels it
// goes and what may hold it back.
type Urgency string

// The urgencies.
const (
	// Normal: a reminder before the last day, a copy, a result.
	Normal Urgency = "normal"
	// Urgent: due by the next day, overdue, an escalation, a decision that is awaited.
	Urgent Urgency = "urgent"
	// Instant: somebody waits in front of a screen for a code. Nothing holds
	// it back, and nothing tells it later.
	Instant Urgency = "instant"
)

// DigestChoice says what becomes of several reminders for one person (汇总).
type DigestChoice string

// The choices.
const (
	DigestDaily  DigestChoice = ""       // those of one morning come as one message
	DigestWeekly DigestChoice = "weekly" // they wait for the weekly report
	DigestOff    DigestChoice = "off"    // each comes by itself
)

// Reach says how a person wants to be reached (接收偏好). The zero value is
// what the server does by itself.
type Reach struct {
	// Normal and Urgent are the channels for messages of that urgency: the
	// first that can reach the person, then those to fall back on. None means
	// the server's.
	Normal []Channel `json:"normal,omitempty"`
	Urgent []Channel `json:"urgent,omitempty"`
	// QuietFrom and QuietUntil are clock times in Shanghai, 21:30 and 07:30,
	// between which nothing but Instant is sent (免打扰时段); blank for none.
	QuietFrom  string       `json:"quiet_from,omitempty"`
	QuietUntil string       `json:"quiet_until,omitempty"`
	Digest     DigestChoice `json:"digest,omitempty"`
	// Language is the one in which the person has chosen to be addressed, which
	// then counts more than what a list of people states; blank if they have not.
	Language Language `json:"language,omitempty"`
}

const clockTime = "15:04"

// maxQuiet bounds the quiet hours: from the end of one working day to the next.
const maxQuiet = 14 * time.Hour

// Validate returns what is wrong with the preferences, in words.
func (r Reach) Validate() error {
	for _, c := range slices.Concat(r.Normal, r.Urgent) {
		if !slices.Contains(Channels, c) {
			return fmt.Errorf("渠道 %q 不存在", c)
		}
	}
	for _, list := range [][]Channel{r.Normal, r.Urgent} {
		for i, c := range list {
			if slices.Contains(list[:i], c) {
				return fmt.Errorf("渠道 %q 重复", c)
			}
		}
	}
	if (r.QuietFrom == "") != (r.QuietUntil == "") {
		return fmt.Errorf("免打扰时段 %q 至 %q：起止时间应同时填写", r.QuietFrom, r.QuietUntil)
	}
	for _, at := range []string{r.QuietFrom, r.QuietUntil} {
		if _, err := time.Parse(clockTime, at); at != "" && (err != nil || len(at) != len(clockTime)) {
			return fmt.Errorf("免打扰时间 %q 应如 21:30", at)
		}
	}
	if length := r.quiet(); r.QuietFrom != "" && (length <= 0 || length > maxQuiet) {
		return fmt.Errorf("免打扰时段 %s 至 %s：应有长短，且不超过 %d 小时", r.QuietFrom, r.QuietUntil, maxQuiet/time.Hour)
	}
	if !slices.Contains([]DigestChoice{DigestDaily, DigestWeekly, DigestOff}, r.Digest) {
		return fmt.Errorf("汇总方式 %q 应为空、weekly 或 off", r.Digest)
	}
	if !slices.Contains([]Language{"", Chinese, English}, r.Language) {
		return fmt.Errorf("语言 %q 应为 zh-CN 或 en", r.Language)
	}
	return nil
}

// quiet returns how long the quiet hours last, 0 if there are none.
func (r Reach) quiet() time.Duration {
	from, err := time.Parse(clockTime, r.QuietFrom)
	if err != nil {
		return 0
	}
	until, err := time.Parse(clockTime, r.QuietUntil)
	if err != nil {
		return 0
	}
	if until.Before(from) {
		until = until.AddDate(0, 0, 1)
	}
	return until.Sub(from)
}

// QuietEnd returns when the quiet hours in which the moment lies are over, or
// the zero time if it lies in none.
func (r Reach) QuietEnd(now time.Time) time.Time {
	if r.QuietFrom == "" || r.QuietFrom == r.QuietUntil {
		return time.Time{}
	}
	local := now.In(calendar.Shanghai)
	at, ends := local.Format(clockTime), r.QuietUntil
	until, err := time.Parse(clockTime, ends)
	if err != nil {
		return time.Time{}
	}
	today := calendar.DateOf(now).At(until.Hour(), until.Minute())
	switch {
	case r.QuietFrom < ends && r.QuietFrom <= at && at < ends: // within a day
		return today
	case r.QuietFrom > ends && at < ends: // the night's second half
		return today
	case r.QuietFrom > ends && at >= r.QuietFrom:
		return calendar.DateOf(now).AddDays(1).At(until.Hour(), until.Minute())
	}
	return time.Time{}
}

// Routing finds the channels by which a message goes to a person.
type Routing struct {
	// Configured are the channels by which this server can send.
	Configured []Channel
	// Normal and Urgent are for people who have chosen none, in the order in
	// which they are tried.
	Normal, Urgent []Channel
}

// Only returns a routing that has one channel for everything.
func Only(c Channel) Routing {
	return Routing{Configured: []Channel{c}, Normal: []Channel{c}, Urgent: []Channel{c}}
}

// Route returns the channels for a message of the given urgency to the person,
// in the order in which they are to be tried, and none if there is no way to
// reach them. A secret, which is for its recipient alone, takes no channel that
// others read.
func (r Routing) Route(u User, urgency Urgency, secret bool) []Channel {
	wanted, server := u.Reach.Urgent, r.Urgent
	if urgency == Normal {
		wanted, server = u.Reach.Normal, r.Normal
	}
	if route := r.usable(u, wanted, secret); len(route) > 0 {
		return route
	}
	if route := r.usable(u, server, secret); len(route) > 0 {
		return route
	}
	return r.usable(u, r.Configured, true)
}

func (r Routing) usable(u User, channels []Channel, secret bool) []Channel {
	var route []Channel
	for _, c := range channels {
		if slices.Contains(r.Configured, c) && u.Reachable(c) && (!secret || !c.Public()) && !slices.Contains(route, c) {
			route = append(route, c)
		}
	}
	return route
}

// First returns the channel under which it is recorded that somebody could not
// be reached.
func (r Routing) First() Channel {
	for _, c := range slices.Concat(r.Normal, r.Configured) {
		if slices.Contains(r.Configured, c) {
			return c
		}
	}
	return ChannelFile
}

// Address makes the message go to the person: by which channel, and by which
// others if that one fails. If there is no way, it records why. The dedup key
// must be complete but for its last part, the channel.
func (r Routing) Address(n *Notification, to User, secret bool) {
	n.RecipientID, n.Language = to.ID, to.Language
	n.Channel = r.First()
	switch route := r.Route(to, n.Urgency, secret); {
	case to.ID == 0:
		n.State, n.Reason = NotificationSuppressed, SuppressedNoRecipient
	case len(route) == 0:
		n.State, n.Reason = NotificationSuppressed, SuppressedNoAddress
	default:
		n.Channel, n.Route = route[0], route[1:]
	}
	n.DedupKey += "|" + string(n.Channel)
	if n.Reason == SuppressedNoAddress { // its own name is kept for when there is one
		n.DedupKey += "|" + n.Reason
	}
}

// Reachable reports whether the person has what the channel needs to reach
// them. A group robot and a webhook reach everybody.
func (u User) Reachable(c Channel) bool {
	switch c {
	case ChannelEmail:
		return u.Email != ""
	case ChannelSMS:
		return u.Mobile != ""
	case ChannelFile, ChannelWeCom, ChannelDingTalk, ChannelFeishu, ChannelWebhook:
		return true
	}
	return false
}
