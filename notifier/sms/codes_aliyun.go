package sms

import "duban/notifier"

// aliyunVerdicts follows https://help.aliyun.com/document_detail/101346.html
// for the service, and the common errors of the API gateway.
var aliyunVerdicts = verdicts{
	// 流控: per number, signature and template.
	"isv.BUSINESS_LIMIT_CONTROL": notifier.Retry,
	// The quotas that the account set itself, and the rate of requests.
	"isv.DAY_LIMIT_CONTROL":   notifier.Down,
	"isv.MONTH_LIMIT_CONTROL": notifier.Down,
	"isv.SMS_OVER_LIMIT":      notifier.Down,
	"Throttling*":             notifier.Down,

	// The account, its balance and its rights.
	"isv.OUT_OF_SERVICE":          notifier.Down,
	"isv.AMOUNT_NOT_ENOUGH":       notifier.Down,
	"isv.PRODUCT_UN_SUBSCRIPT":    notifier.Down,
	"isv.PRODUCT_UNSUBSCRIBE":     notifier.Down,
	"isv.ACCOUNT_NOT_EXISTS":      notifier.Down,
	"isv.ACCOUNT_ABNORMAL":        notifier.Down,
	"isv.SECURITY_FROZEN_ACCOUNT": notifier.Down,
	"isv.DENY_IP_RANGE":           notifier.Down,
	"isp.RAM_PERMISSION_DENY":     notifier.Down,
	"Forbidden*":                  notifier.Down,
	"NoPermission*":               notifier.Down,
	"InvalidAccessKeyId*":         notifier.Down,
	"InvalidSecurityToken*":       notifier.Down,
	"SignatureDoesNotMatch*":      notifier.Down,
	"IncompleteSignature*":        notifier.Down,
	"InvalidTimeStamp*":           notifier.Down,
	"InvalidAction*":              notifier.Down,
	"InvalidVersion*":             notifier.Down,

	// 签名 and 模板.
	"isv.SMS_SIGNATURE_SCENE_ILLEGAL":        notifier.Down,
	"isv.SMS_SIGNATURE_ILLEGAL":              notifier.Down,
	"isv.SMS_SIGN_ILLEGAL":                   notifier.Down,
	"isv.SIGN_STATE_ILLEGAL":                 notifier.Down,
	"isv.SIGN_NAME_ILLEGAL":                  notifier.Down,
	"isv.SIGNATURE_BLACKLIST":                notifier.Down,
	"isv.EXTEND_CODE_ERROR":                  notifier.Down,
	"isv.SMS_TEMPLATE_ILLEGAL":               notifier.Retry, // those of other templates go on
	"isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE": notifier.Retry,
	"isv.DOMESTIC_NUMBER_NOT_SUPPORTED":      notifier.Down,
	"isv.SMS_TEST_SIGN_TEMPLATE_LIMIT":       notifier.Down,

	// The number, and what this message says.
	"isv.MOBILE_NUMBER_ILLEGAL":       notifier.Reject,
	"isv.MOBILE_COUNT_OVER_LIMIT":     notifier.Reject,
	"isv.BLACK_KEY_CONTROL_LIMIT":     notifier.Reject, // 免打扰名单
	"isv.CUSTOMER_REFUSED":            notifier.Reject,
	"isv.SMS_TEST_NUMBER_LIMIT":       notifier.Reject,
	"isv.SMS_CONTENT_ILLEGAL":         notifier.Reject,
	"isv.UNSUPPORTED_CONTENT":         notifier.Reject,
	"isv.TEMPLATE_MISSING_PARAMETERS": notifier.Reject,
	"isv.TEMPLATE_PARAMS_ILLEGAL":     notifier.Reject,
	"isv.PARAM_LENGTH_LIMIT":          notifier.Reject,
	"isv.PARAM_NOT_SUPPORT_URL":       notifier.Reject,
	"isv.INVALID_PARAMETERS":          notifier.Reject,
	"isv.INVALID_JSON_PARAM":          notifier.Reject,

	// The provider asks to call again after these.
	"isp.SYSTEM_ERROR":    notifier.Retry,
	"isp.GATEWAY_ERROR":   notifier.Retry,
	"ServiceUnavailable*": notifier.Retry,
	// The gateway does not say how far the request came; and a nonce that was
	// used is ours, so the request came twice, and once was taken.
	"InternalError*":     notifier.Unknown,
	"SignatureNonceUsed": notifier.Unknown,
}
