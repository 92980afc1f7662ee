package sms

import "duban/notifier"

// huaweiVerdicts follows https://support.huaweicloud.com/api-msgsms/sms_05_0050.html
// for the code of the request and the status of the number.
var huaweiVerdicts = verdicts{
	"E000000": notifier.Retry, // system error, or a request that it cannot parse

	// E000001 to E000045 are about the headers that authenticate us, E0001xx
	// about the application: unknown, frozen for its debts, without the right.
	"E00000*": notifier.Down,
	"E00002*": notifier.Down,
	"E00003*": notifier.Down,
	"E00004*": notifier.Down,
	"E0001*":  notifier.Down,
	"APIGW*":  notifier.Down,
	"E000620": notifier.Down, // our address is not in the white list
	"E000623": notifier.Down, // 发送量达到限额
	"E000629": notifier.Down, // 套餐包用尽
	"E000630": notifier.Down, // 国家/地区级限额

	// 流控 of the platform.
	"E200015": notifier.Down,

	// 模板 and 通道.
	"E200018": notifier.Down,
	"E200019": notifier.Down,
	"E200020": notifier.Down,
	"E200021": notifier.Down,
	"E200029": notifier.Down,
	"E200030": notifier.Down,
	"E200032": notifier.Down,
	"E200033": notifier.Down,

	// The number, and what this message says.
	"E000503": notifier.Reject, // 参数格式错误
	"E000628": notifier.Reject, // the number's country is not in our white list
	"E000632": notifier.Reject, // 号码黑名单
	"E200022": notifier.Reject,
	"E200023": notifier.Reject,
	"E200028": notifier.Reject, // 模板变量校验失败
	"E200041": notifier.Reject, // 接收号码重复
}
