package sms

import "duban/notifier"

// tencentVerdicts follows https://cloud.tencent.com/document/api/382/52075 and
// the errors.go of the provider's SDK for 2021-01-11.
var tencentVerdicts = verdicts{
	// 频率限制 per number, which passes.
	"LimitExceeded.DeliveryFrequencyLimit":           notifier.Retry,
	"LimitExceeded.PhoneNumberThirtySecondLimit":     notifier.Retry,
	"LimitExceeded.PhoneNumberOneHourLimit":          notifier.Retry,
	"LimitExceeded.PhoneNumberDailyLimit":            notifier.Retry,
	"LimitExceeded.PhoneNumberSameContentDailyLimit": notifier.Retry,
	// Per application or account.
	"LimitExceeded.AppDailyLimit": notifier.Down,
	"LimitExceeded.DailyLimit":    notifier.Down,
	"LimitExceeded":               notifier.Down,
	"RequestLimitExceeded*":       notifier.Down,
	"IpInBlacklist":               notifier.Down,
	"IpNotInWhitelist":            notifier.Down,

	// The account, its balance and its rights.
	"FailedOperation.InsufficientBalanceInSmsPackage": notifier.Down,
	"FailedOperation.NotEnterpriseCertification":      notifier.Down,
	"FailedOperation.MissingSignature*":               notifier.Down,
	"AuthFailure*":                                    notifier.Down,
	"UnauthorizedOperation*":                          notifier.Down,
	"InvalidParameterValue.SdkAppIdNotExist":          notifier.Down,
	"InvalidParameter.AppidAndBizId":                  notifier.Down,
	"InternalError.RequestTimeException":              notifier.Down, // our clock is wrong
	"InternalError.SigFieldMissing":                   notifier.Down,
	"InternalError.SigVerificationFail":               notifier.Down,
	"InternalError.RestApiInterfaceNotExist":          notifier.Down,
	"ActionOffline":                                   notifier.Down,
	"InvalidAction":                                   notifier.Down,
	"NoSuchProduct":                                   notifier.Down,
	"NoSuchVersion":                                   notifier.Down,
	"UnsupportedRegion":                               notifier.Down,

	// 签名 and 模板.
	"FailedOperation.SignatureIncorrectOrUnapproved": notifier.Down,
	"FailedOperation.TemplateIncorrectOrUnapproved":  notifier.Retry, // those of other templates go on

	// The number, and what this message says.
	"InvalidParameterValue.IncorrectPhoneNumber":                notifier.Reject,
	"MissingParameter*":                                         notifier.Reject,
	"FailedOperation.PhoneNumberInBlacklist":                    notifier.Reject,
	"FailedOperation.ContainSensitiveWord":                      notifier.Reject,
	"InvalidParameter.DirtyWordFound":                           notifier.Reject,
	"InvalidParameterValue.ContentLengthLimit":                  notifier.Reject,
	"InvalidParameterValue.ProhibitedUseUrlInTemplateParameter": notifier.Reject,
	"InvalidParameterValue.TemplateParameterFormatError":        notifier.Reject,
	"InvalidParameterValue.TemplateParameterLengthLimit":        notifier.Reject,
	"InvalidParameterValue*":                                    notifier.Reject,
	"InvalidParameter*":                                         notifier.Reject,
	"UnsupportedOperation*":                                     notifier.Reject,
	"FailedOperation.FailResolvePacket":                         notifier.Reject,
	"FailedOperation.JsonParseFail":                             notifier.Reject,

	// 营销短信 goes out from 8 to 22 o'clock only.
	"FailedOperation.MarketingSendTimeConstraint": notifier.Retry,
	"ResourceUnavailable":                         notifier.Retry,
	"ServiceUnavailable":                          notifier.Retry,
	// Timeouts inside the provider: the message may be on its way.
	"InternalError.Timeout":         notifier.Unknown,
	"InternalError.SendAndRecvFail": notifier.Unknown,
	"InternalError*":                notifier.Unknown,
}
