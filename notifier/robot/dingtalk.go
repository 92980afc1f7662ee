package robot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strconv"
	"time"
)

// dingtalk is DingTalk 钉钉.
// https://open.dingtalk.com/document/orgapp/custom-robot-access
var dingtalk = platform{
	name:    "钉钉",
	hosts:   []string{"oapi.dingtalk.com"},
	quotas:  []quota{{20, 62 * time.Second}}, // 20 a minute
	pause:   10 * time.Minute,                // 如果超过20条，会限流10分钟
	signs:   true,
	compose: composeDingTalk,
	means:   dingtalkMeans,
}

// dingtalkBody is the limit on the whole request, in bytes.
const dingtalkBody = 20000

// composeDingTalk writes markdown. A mention needs the number both in the list
// and in the text.
func composeDingTalk(n note, secret string, now time.Time) (url.Values, []byte) {
	top, at := "", map[string]any{"isAtAll": false}
	if n.mobile != "" {
		top, at["atMobiles"] = "@"+n.mobile+"\n\n", []string{n.mobile}
	}
	if n.subject != "" {
		top += "### " + literal(n.subject) + "\n\n"
	}
	// The title is what the list of conversations shows; it may not be blank.
	title := n.subject
	if title == "" {
		title = "督办提醒"
	}
	body := within(dingtalkBody, func(room int) []byte {
		return encode(map[string]any{
			"msgtype":  "markdown",
			"markdown": map[string]any{"title": title, "text": top + markdown(n.text, "\n\n", room)},
			"at":       at,
		})
	})
	if secret == "" {
		return nil, body
	}
	stamp := strconv.FormatInt(now.UnixMilli(), 10)
	return url.Values{"timestamp": {stamp}, "sign": {dingtalkSign(stamp, secret)}}, body
}

// dingtalkSign signs a time, in milliseconds, for the query (加签).
func dingtalkSign(stamp, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "\n" + secret))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// dingtalkMeans knows the codes that a robot answers.
// https://open.dingtalk.com/document/orgapp/custom-robots-send-group-messages
func dingtalkMeans(code int, _ string) meaning {
	switch code {
	case 130101, 410100: // send too fast, 发送速度太快而限流
		return tooFast
	case 310000, // 安全设置: keyword, signature, time or IP
		300001,         // token is not exist
		400013,         // 群已被解散
		400101, 400102, // access_token 不存在, 机器人已停用
		400106: // 机器人不存在
		return fault
	case 40035, 400105, // no JSON, 不支持的消息类型
		101002, 460101, // message is too long
		430101, 430102, 430103, 430104: // 含有不安全的外链、不合适的文本、图片、内容
		return never
	}
	return again
}
