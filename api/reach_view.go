package api

import (
	"fmt"
	"strings"
	"time"

	"duban/models"
)

// routeView is how messages of one urgency reach the person, in order.
type routeView struct {
	Urgency models.Urgency
	Steps   []reachView
	// After so much time without success the next channel is tried: hours, or
	// minutes if it is no number of hours; neither if that is not known.
	Hours, Minutes int
}

// reachView is a channel and what of the person it would reach.
type reachView struct {
	Channel models.Channel
	Where   string // masked; "" for a channel into a group or a file
	Public  bool
	Can     bool // whether it can reach the person
}

// choiceView is the form's inputs for one urgency: the first channel, the next.
type choiceView struct {
	Urgency models.Urgency
	Selects []selectView
}

// selectView is one input with the channels to choose from.
type selectView struct {
	Name    string
	Rank    int // 1 is tried first
	Options []channelOption
}

type channelOption struct {
	reachView
	Selected bool
}

// maxFallbacks bounds how many channels of one urgency can be put in order.
const maxFallbacks = 3

func (s *server) viewRoute(urgency models.Urgency) routeView {
	v := routeView{Urgency: urgency}
	if s.Patience == nil {
		return v
	}
	if patience := s.Patience(urgency); patience%time.Hour == 0 {
		v.Hours = int(patience / time.Hour)
	} else {
		v.Minutes = int(patience / time.Minute)
	}
	return v
}

func viewReach(u models.User, c models.Channel) reachView {
	v := reachView{Channel: c, Public: c.Public(), Can: u.Reachable(c)}
	switch c {
	case models.ChannelEmail:
		v.Where = maskEmail(u.Email)
	case models.ChannelSMS:
		v.Where = maskMobile(u.Mobile)
	default:
	}
	return v
}

func choices(u models.User, urgency models.Urgency, configured, chosen []models.Channel) choiceView {
	view := choiceView{Urgency: urgency}
	for i := range min(len(configured), maxFallbacks) {
		input := selectView{Name: inputName(urgency, i), Rank: i + 1}
		for _, c := range configured {
			input.Options = append(input.Options, channelOption{viewReach(u, c), i < len(chosen) && chosen[i] == c})
		}
		view.Selects = append(view.Selects, input)
	}
	return view
}

func inputName(urgency models.Urgency, i int) string { return fmt.Sprintf("%s%d", urgency, i+1) }

// maskEmail shows enough of an address to recognise it: li***@example.cn.
func maskEmail(address string) string {
	local, domain, ok := strings.Cut(address, "@")
	if !ok {
		return ""
	}
	shown := []rune(local)
	return string(shown[:min(2, max(len(shown)-1, 0))]) + "***@" + domain
}

// maskMobile shows the ends of a number: 138****8000.
func maskMobile(number string) string {
	digits := []rune(number)
	switch {
	case len(digits) == 0:
		return ""
	case len(digits) < 8:
		return "****"
	}
	return string(digits[:len(digits)-8]) + "****" + string(digits[len(digits)-4:])
}
