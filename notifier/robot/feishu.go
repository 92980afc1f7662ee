package robot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// feishu is Feishu 飞书 and Lark.
// https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
var feishu = platform{
	name:    "飞书",
	hosts:   []string{"open.feishu.cn", "open.larksuite.com"},
	quotas:  []quota{{100, 62 * time.Second}, {5, 1200 * time.Millisecond}}, // 100 a minute, 5 a second
	pause:   time.Minute,
	signs:   true,
	compose: composeFeishu,
	means:   feishuMeans,
}

// feishuBody is the limit on the whole request, in bytes. The documents say
// 20 KB, and not which.
const feishuBody = 20000

// withoutTags makes words of what some programs take for a mention,
// <at user_id="all">.
var withoutTags = strings.NewReplacer("<", "＜", ">", "＞")

// composeFeishu writes a rich text (富文本, post): its words are words, so
// nothing need be escaped, and keywords (自定义关键词) are looked for in them.
func composeFeishu(n note, secret string, now time.Time) (url.Values, []byte) {
	signature := map[string]any{}
	if secret != "" {
		stamp := strconv.FormatInt(now.Unix(), 10)
		signature["timestamp"], signature["sign"] = stamp, feishuSign(stamp, secret)
	}
	all := pieces(withoutTags.Replace(n.text))
	return nil, within(feishuBody, func(room int) []byte {
		message := map[string]any{
			"msg_type": "post",
			"content": map[string]any{"post": map[string]any{"zh_cn": map[string]any{
				"title":   withoutTags.Replace(n.subject),
				"content": paragraphs(fit(all, room)),
			}}},
		}
		for name, value := range signature {
			message[name] = value
		}
		return encode(message)
	})
}

// paragraphs arranges the pieces in lines. Blank ones are left out: an empty
// paragraph is not known to be allowed.
func paragraphs(all []piece) [][]map[string]string {
	lines := [][]map[string]string{}
	var line []map[string]string
	for _, p := range all {
		if p.href != "" {
			line = append(line, map[string]string{"tag": "a", "text": p.words, "href": p.href})
			continue
		}
		for i, words := range strings.Split(p.words, "\n") {
			if i > 0 && len(line) > 0 {
				lines, line = append(lines, line), nil
			}
			if words != "" {
				line = append(line, map[string]string{"tag": "text", "text": words})
			}
		}
	}
	if len(line) > 0 {
		lines = append(lines, line)
	}
	return lines
}

// feishuSign signs a time, in seconds, for the body (签名校验). What DingTalk
// signs is here the key, and nothing is signed.
func feishuSign(stamp, secret string) string {
	mac := hmac.New(sha256.New, []byte(stamp+"\n"+secret))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// feishuMeans knows the codes that a robot answers.
func feishuMeans(code int, words string) meaning {
	switch code {
	case 9499: // both "too many request" and "Bad Request"
		if strings.Contains(strings.ToLower(words), "bad request") {
			return never
		}
		return tooFast
	case 11232, 99991400: // too fast, for this robot or for all
		return tooFast
	case 19001, // the address is wrong
		19021, 19022, 19024: // signature or time, IP, keyword
		return fault
	case 19002: // parameters
		return never
	}
	return again
}
