package robot

import (
	"net/url"
	"time"
)

// wecom is WeCom 企业微信, or 政务微信.
// https://developer.work.weixin.qq.com/document/path/91770
var wecom = platform{
	name:  "企业微信",
	hosts: []string{"qyapi.weixin.qq.com"},
	// 20 a minute. The margins here and elsewhere are for messages that travel
	// for different times.
	quotas:  []quota{{20, 62 * time.Second}},
	pause:   time.Minute,
	compose: composeWeCom,
	means:   wecomMeans,
}

// WeCom's limits, in bytes.
const (
	wecomMarkdown = 4096
	wecomText     = 2048
)

// composeWeCom writes markdown, unless somebody can be mentioned: only plain
// text knows people by their mobile numbers (mentioned_mobile_list). But it
// takes half as much, and to be read in full matters more than a mention.
func composeWeCom(n note, _ string, _ time.Time) (url.Values, []byte) {
	if plain := plainWeCom(n); n.mobile != "" && len(plain) <= wecomText {
		return nil, encode(map[string]any{
			"msgtype": "text",
			"text":    map[string]any{"content": plain, "mentioned_mobile_list": []string{n.mobile}},
		})
	}
	content := ""
	if n.subject != "" {
		content = "**" + literal(n.subject) + "**\n"
	}
	content += markdown(n.text, "\n", wecomMarkdown-len(content))
	return nil, encode(map[string]any{
		"msgtype":  "markdown",
		"markdown": map[string]any{"content": content},
	})
}

// plainWeCom returns the note as plain text. One piece of markup there is even
// here: <@userid> and <@all> mention people.
func plainWeCom(n note) string {
	s := n.subject
	if s != "" && n.text != "" {
		s += "\n\n"
	}
	return withoutTags.Replace(s + n.text)
}

// wecomMeans knows the codes that a robot answers.
// https://developer.work.weixin.qq.com/document/path/90313
func wecomMeans(code int, _ string) meaning {
	switch code {
	case 45009, 45033: // 接口调用超过限制, 接口并发调用超过限制
		return tooFast
	case 93000, // the address is wrong, or the robot was removed
		93004, // 机器人被停用
		93008, // 不在群里
		60020: // 不安全的访问 IP
		return fault
	case 40008, 40033, 40035, 40058, // kind, characters or parameters; too long is 40058
		44004, 45002: // empty, 消息内容大小超过限制
		return never
	}
	return again
}
