package sms_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/notifier"
	"duban/notifier/sms"
)

const mobile = "13800138000"

func named() sms.Message {
	return sms.Message{
		Key: "42-9f86d081884c7d65", Mobile: "+86 138 0013 8000",
		Template: sms.Template{
			Name: "checkpoint",
			SMSForm: notifier.SMSForm{
				TemplateID: "SMS_154950909", Signature: "督办平台",
				Vars: []notifier.SMSVar{{Name: "project", Fact: "title"}, {Name: "days", Fact: "days_left"}},
				Body: "您负责的${project}还有${days}天到期。",
			},
		},
		Facts: map[string]string{"title": `道路 & 桥梁+"养护"=100%`, "days_left": "7", "unused": "x"},
	}
}

// positional is the same message for providers that number the places.
func positional() sms.Message {
	m := named()
	m.Template.TemplateID = "1110"
	m.Template.Vars = []notifier.SMSVar{{Name: "2", Fact: "days_left"}, {Name: "1", Fact: "title"}}
	m.Template.Body = "您负责的${1}还有${2}天到期。"
	return m
}

// subject is a provider on its strict server, and how that answers.
type subject struct {
	kind     string
	provider sms.Provider
	server   *strictServer
	message  sms.Message
	accept   string                   // an answer that accepts
	refuse   func(code string) string // one that refuses
	id       string
}

func subjects(t *testing.T) []subject {
	t.Helper()
	aliyun := startStrict(t, verifyAliyun)
	tencent := startStrict(t, verifyTencent)
	huawei := startStrict(t, verifyHuawei)
	a, err := sms.NewAliyun(sms.AliyunConfig{Options: aliyun.options(), AccessKeyID: testKey, AccessKeySecret: testSecret})
	if err != nil {
		t.Fatal(err)
	}
	c, err := sms.NewTencent(sms.TencentConfig{Options: tencent.options(), SecretID: testKey, SecretKey: testSecret, AppID: "1400006666"})
	if err != nil {
		t.Fatal(err)
	}
	h, err := sms.NewHuawei(sms.HuaweiConfig{
		Options: huawei.options(), AppKey: testKey, AppSecret: testSecret,
		Channel: "8824110605", CallbackURL: "https://duban.example/sms/huawei/" + token,
	})
	if err != nil {
		t.Fatal(err)
	}
	return []subject{
		{
			"aliyun", a, aliyun, named(), `{"Code":"OK","Message":"OK","BizId":"900619746936498440^0","RequestId":"F655"}`,
			func(code string) string {
				return fmt.Sprintf(`{"Code":%q,"Message":"号码13800138000不行","RequestId":"F655"}`, code)
			}, "900619746936498440^0",
		},
		{
			"tencent", c, tencent, positional(), `{"Response":{"SendStatusSet":[{"SerialNo":"5000:1045710669157053657849499619","PhoneNumber":"+8613800138000","Fee":1,"SessionContext":"42","Code":"Ok","Message":"send success","IsoCode":"CN"}],"RequestId":"a0aabda6"}}`,
			func(code string) string {
				if strings.HasPrefix(code, "AuthFailure") { // of the whole request, not of a number
					return fmt.Sprintf(`{"Response":{"Error":{"Code":%q,"Message":"+8613800138000?"},"RequestId":"a0"}}`, code)
				}
				return fmt.Sprintf(`{"Response":{"SendStatusSet":[{"SerialNo":"","Code":%q,"Message":"+8613800138000 bad"}],"RequestId":"a0"}}`, code)
			}, "5000:1045710669157053657849499619",
		},
		{
			"huawei", h, huawei, positional(), `{"result":[{"originTo":"+8613800138000","createTime":"2026-03-02T00:30:00Z","from":"8824110605","smsMsgId":"d6e3cdd0-522b-4692-8304-a07553cdf591_8539659","status":"000000","countryId":"CN","total":1}],"code":"000000","description":"Success"}`,
			func(code string) string {
				if strings.HasPrefix(code, "E2") { // of the number, in an answer that refuses all
					return fmt.Sprintf(`{"result":[{"originTo":"+8613800138000","smsMsgId":"x","status":%q}],"code":"E000510","description":"to 13800138000"}`, code)
				}
				return fmt.Sprintf(`{"code":%q,"description":"to 13800138000"}`, code)
			}, "d6e3cdd0-522b-4692-8304-a07553cdf591_8539659",
		},
	}
}

func TestSendIsSignedAndAccepted(t *testing.T) {
	for _, s := range subjects(t) {
		t.Run(s.kind, func(t *testing.T) {
			s.server.respond = func(call) (int, string) { return http.StatusOK, s.accept }
			id, err := s.provider.Send(t.Context(), s.message)
			if err != nil || id != s.id {
				t.Fatalf("got %q, %v, want %q", id, err, s.id)
			}
			s.server.only()
		})
	}
}

func TestWhatTheProvidersAreTold(t *testing.T) {
	told := map[string]func(c call) map[string]string{
		"aliyun": func(c call) map[string]string {
			got := map[string]string{"action": c.action}
			for k, v := range c.query {
				got[k] = strings.Join(v, "|")
			}
			return got
		},
		"tencent": func(c call) map[string]string {
			var fields map[string]any
			if err := json.Unmarshal([]byte(c.body), &fields); err != nil {
				t.Error(err)
			}
			got := map[string]string{"action": c.action}
			for k, v := range fields {
				got[k] = fmt.Sprint(v)
			}
			return got
		},
		"huawei": func(c call) map[string]string {
			got := map[string]string{}
			for k, v := range c.form {
				got[k] = strings.Join(v, "|")
			}
			return got
		},
	}
	want := map[string]map[string]string{
		"aliyun": {
			"action": "SendSms", "PhoneNumbers": mobile, "SignName": "督办平台", "TemplateCode": "SMS_154950909",
			"TemplateParam": `{"days":"7","project":"道路 \u0026 桥梁+\"养护\"=100%"}`, "OutId": "42-9f86d081884c7d65",
		},
		"tencent": {
			"action": "SendSms", "PhoneNumberSet": "[+8613800138000]", "SmsSdkAppId": "1400006666", "TemplateId": "1110",
			"SignName": "督办平台", "TemplateParamSet": `[道路 & 桥梁+"养护"=100% 7]`, "SessionContext": "42-9f86d081884c7d65",
		},
		"huawei": {
			"from": "8824110605", "to": "+8613800138000", "templateId": "1110", "templateParas": `["道路 \u0026 桥梁+\"养护\"=100%","7"]`,
			"signature": "督办平台", "extend": "42-9f86d081884c7d65", "statusCallback": "https://duban.example/sms/huawei/" + token,
		},
	}
	for _, s := range subjects(t) {
		t.Run(s.kind, func(t *testing.T) {
			s.server.respond = func(call) (int, string) { return http.StatusOK, s.accept }
			if _, err := s.provider.Send(t.Context(), s.message); err != nil {
				t.Fatal(err)
			}
			if got := told[s.kind](s.server.only()); !reflect.DeepEqual(got, want[s.kind]) {
				t.Errorf("got  %v\nwant %v", got, want[s.kind])
			}
		})
	}
}

func TestRefusalsAreClassed(t *testing.T) {
	cases := map[string]map[notifier.Class][]string{
		"aliyun": {
			notifier.Retry: {"isv.BUSINESS_LIMIT_CONTROL", "isp.SYSTEM_ERROR", "isv.SOMETHING_NEW", "isv.SMS_TEMPLATE_ILLEGAL"},
			notifier.Down: {
				"isv.DAY_LIMIT_CONTROL", "isv.AMOUNT_NOT_ENOUGH", "isv.SMS_SIGNATURE_ILLEGAL",
				"isp.RAM_PERMISSION_DENY", "SignatureDoesNotMatch", "InvalidAccessKeyId.NotFound", "Throttling.User",
			},
			notifier.Reject:  {"isv.MOBILE_NUMBER_ILLEGAL", "isv.BLACK_KEY_CONTROL_LIMIT", "isv.SMS_CONTENT_ILLEGAL", "isv.PARAM_NOT_SUPPORT_URL"},
			notifier.Unknown: {"InternalError", "SignatureNonceUsed"},
		},
		"tencent": {
			notifier.Retry: {"LimitExceeded.PhoneNumberThirtySecondLimit", "LimitExceeded.PhoneNumberDailyLimit", "FailedOperation.Novel", "FailedOperation.TemplateIncorrectOrUnapproved"},
			notifier.Down: {
				"LimitExceeded.AppDailyLimit", "FailedOperation.InsufficientBalanceInSmsPackage", "UnauthorizedOperation.SerivceSuspendDueToArrears",
				"FailedOperation.SignatureIncorrectOrUnapproved", "AuthFailure.SignatureFailure", "RequestLimitExceeded.IPLimitExceeded",
			},
			notifier.Reject:  {"InvalidParameterValue.IncorrectPhoneNumber", "FailedOperation.PhoneNumberInBlacklist", "FailedOperation.ContainSensitiveWord"},
			notifier.Unknown: {"InternalError.Timeout", "InternalError.SendAndRecvFail", "InternalError"},
		},
		"huawei": {
			notifier.Retry:  {"E000000", "E200999"},
			notifier.Down:   {"E000045", "E000101", "E000112", "E000620", "E200015", "E200030"},
			notifier.Reject: {"E000503", "E200028", "E200041", "E000632"},
		},
	}
	for _, s := range subjects(t) {
		for class, codes := range cases[s.kind] {
			for _, code := range codes {
				t.Run(s.kind+"/"+code, func(t *testing.T) {
					s.server.respond = func(call) (int, string) { return http.StatusOK, s.refuse(code) }
					_, err := s.provider.Send(t.Context(), s.message)
					e := sendError(t, err)
					if e.Class != class || e.Code != "sms_"+s.kind+"_"+code || e.Local {
						t.Errorf("got %v %s, want %v", e.Class, e.Code, class)
					}
					if strings.Contains(err.Error(), mobile) || !strings.Contains(err.Error(), "138****8000") {
						t.Errorf("the number is not masked: %v", err)
					}
				})
			}
		}
	}
}

// sendError returns the error as what dispatchers want.
func sendError(t *testing.T, err error) *notifier.SendError {
	t.Helper()
	var e *notifier.SendError
	if !errors.As(err, &e) {
		t.Fatalf("%v is no SendError", err)
	}
	return e
}

// A message that cannot be sent is found out here, and nobody is asked.
func TestImpossibleMessages(t *testing.T) {
	for _, s := range subjects(t) {
		s.server.respond = func(call) (int, string) { t.Error("the provider was asked"); return http.StatusOK, "" }
		for _, tc := range []struct {
			code  string
			class notifier.Class
			spoil func(m *sms.Message)
		}{
			{"sms_mobile_invalid", notifier.Reject, func(m *sms.Message) { m.Mobile = "1380013800" }},
			{"sms_key_invalid", notifier.Reject, func(m *sms.Message) { m.Key = "42&x=1" }},
			{"sms_key_invalid", notifier.Reject, func(m *sms.Message) { m.Key = "" }},
			{"sms_value_missing", notifier.Reject, func(m *sms.Message) { m.Facts = map[string]string{"title": "x", "days_left": " "} }},
			{"sms_template_invalid", notifier.Retry, func(m *sms.Message) { m.Template.TemplateID = "" }},
			{"sms_template_invalid", notifier.Retry, func(m *sms.Message) { m.Template.Signature = "" }},
			{"sms_template_invalid", notifier.Retry, func(m *sms.Message) { m.Template.Body = "${other}" }},
		} {
			m := s.message
			tc.spoil(&m)
			_, err := s.provider.Send(t.Context(), m)
			if e := sendError(t, err); e.Code != tc.code || e.Class != tc.class || !e.Local {
				t.Errorf("%s: got %v %v, want %v %s", s.kind, e.Class, e, tc.class, tc.code)
			}
		}
	}
}

func TestPositionsMustBeComplete(t *testing.T) {
	for _, s := range subjects(t)[1:] {
		m := s.message
		m.Template.Vars = []notifier.SMSVar{{Name: "1", Fact: "title"}, {Name: "3", Fact: "days_left"}}
		m.Template.Body = "${1}${3}"
		_, err := s.provider.Send(t.Context(), m)
		if e := sendError(t, err); e.Code != "sms_template_invalid" {
			t.Errorf("%s: %v", s.kind, err)
		}
	}
}

func TestConfigurationsAreChecked(t *testing.T) {
	for name, try := range map[string]func() error{
		"aliyun without a key": func() error { _, err := sms.NewAliyun(sms.AliyunConfig{}); return err },
		"aliyun over http": func() error {
			_, err := sms.NewAliyun(sms.AliyunConfig{Options: sms.Options{Endpoint: "http://192.0.2.1"}, AccessKeyID: "a", AccessKeySecret: "b"})
			return err
		},
		"aliyun without a host": func() error {
			_, err := sms.NewAliyun(sms.AliyunConfig{Options: sms.Options{Endpoint: "dysmsapi.aliyuncs.com"}, AccessKeyID: "a", AccessKeySecret: "b"})
			return err
		},
		"tencent without an application": func() error {
			_, err := sms.NewTencent(sms.TencentConfig{SecretID: "a", SecretKey: "b"})
			return err
		},
		"huawei without a channel": func() error {
			_, err := sms.NewHuawei(sms.HuaweiConfig{AppKey: "a", AppSecret: "b"})
			return err
		},
		"huawei with half a callback": func() error {
			_, err := sms.NewHuawei(sms.HuaweiConfig{AppKey: "a", AppSecret: "b", Channel: "c", CallbackURL: "/sms"})
			return err
		},
		"negative timeout": func() error {
			_, err := sms.NewAliyun(sms.AliyunConfig{Options: sms.Options{Timeout: -time.Second, Clock: clockwork.NewRealClock()}, AccessKeyID: "a", AccessKeySecret: "b"})
			return err
		},
	} {
		if try() == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := sms.NewAliyun(sms.AliyunConfig{AccessKeyID: "a", AccessKeySecret: "b"}); err != nil {
		t.Errorf("the public endpoint: %v", err)
	}
}
