package sms

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func newRequest(t *testing.T, method, url string, header map[string]string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	return r
}

func expectAuthorization(t *testing.T, r *http.Request, want string) {
	t.Helper()
	if got := r.Header.Get("Authorization"); got != want {
		t.Errorf("authorization\n got %s\nwant %s", got, want)
	}
}

// The worked example with fixed values (固定参数示例) of
// https://help.aliyun.com/document_detail/2593177.html, V3 版本请求体&签名机制.
func TestAliyunSignatureOfTheDocumentation(t *testing.T) {
	cfg := AliyunConfig{AccessKeyID: "YourAccessKeyId", AccessKeySecret: "YourAccessKeySecret"}
	r := newRequest(t, http.MethodPost,
		"https://ecs.cn-shanghai.aliyuncs.com/?ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai", nil)
	cfg.sign(r, "RunInstances", time.Date(2023, 10, 26, 10, 22, 32, 0, time.UTC), "3156853299f313e23d1673dc12e1703d")
	r.Header.Set("X-Acs-Version", "2014-05-26") // the example's service, not ours
	cfg.authorize(r, hexSHA256(nil))
	expectAuthorization(t, r, "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,"+
		"SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"+
		"Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0")
}

// The worked example of 签名方法 v3, https://cloud.tencent.com/document/api/213/30654.
// The secret key that the page shows as asterisks is in fact asterisks.
func TestTencentSignatureOfTheDocumentation(t *testing.T) {
	stars := strings.Repeat("*", 32)
	body := []byte(`{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}`)
	r := newRequest(t, http.MethodPost, "https://cvm.tencentcloudapi.com/", nil)
	cfg := TencentConfig{SecretID: "AKID" + stars, SecretKey: stars, Region: "ap-guangzhou"}
	cfg.sign(r, "cvm", "DescribeInstances", "2017-03-12", body, time.Unix(1551113065, 0))
	expectAuthorization(t, r, "TC3-HMAC-SHA256 Credential=AKID"+stars+"/2019-02-25/cvm/tc3_request, "+
		"SignedHeaders=content-type;host;x-tc-action, "+
		"Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f")
	for name, want := range map[string]string{
		"X-TC-Action": "DescribeInstances", "X-TC-Version": "2017-03-12", "X-TC-Timestamp": "1551113065", "X-TC-Region": "ap-guangzhou",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// The worked example of the API 签名指南,
// https://support.huaweicloud.com/devg-apisign/api-sign-algorithm-002.html,
// with the secret key that TestAKSKSigner of Huawei's Java SDK gives for it.
func TestHuaweiSignatureOfTheDocumentation(t *testing.T) {
	r := newRequest(t, http.MethodGet,
		"https://service.region.example.com/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs?marker=13551d6b-755d-4757-b956-536f674975c0&limit=2",
		map[string]string{"Content-Type": "application/json", "X-Sdk-Date": "20191115T033655Z"})
	sdkSigner{"QTWAOYTTINDUT2QVKYUC", "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc"}.sign(r, nil, "content-type", "host", "x-sdk-date")
	expectAuthorization(t, r, "SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, SignedHeaders=content-type;host;x-sdk-date, "+
		"Signature=7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe")
}

// Two of Huawei's own tests: signer_test.go of huaweicloud-sdk-go-v3. The
// second has a body.
func TestHuaweiSignatureOfTheSDK(t *testing.T) {
	date := map[string]string{"X-Sdk-Date": "20060102T150405Z"}
	signer := sdkSigner{"AccessKey", "SecretKey"}
	r := newRequest(t, http.MethodGet, "https://example.huaweicloud.com/path?limit=1", date)
	signer.sign(r, nil, "x-sdk-date")
	expectAuthorization(t, r, "SDK-HMAC-SHA256 Access=AccessKey, SignedHeaders=x-sdk-date, "+
		"Signature=5a2ce64c865e0e6046321c6f3d5a77ba8413eeaf355c3166c03d58d02ac79624")
	r = newRequest(t, http.MethodPost, "https://example.huaweicloud.com/path?key=value", date)
	signer.sign(r, []byte("{\"Name\":\"test\",\"Id\":1}\n"), "x-sdk-date") // its encoder ends a line
	expectAuthorization(t, r, "SDK-HMAC-SHA256 Access=AccessKey, SignedHeaders=x-sdk-date, "+
		"Signature=cecc2af119b18ab70b4d094c0750f3b42c02f254903179a0fc2cc72fc9db4f59")
}

// RFC 3986, as each of the three signatures demands.
func TestCanonicalQuery(t *testing.T) {
	r := newRequest(t, http.MethodGet, "https://h/?test=%E4%B8%80%20%28%26%3D%3F%21%23%25.%2A%29&path=/tmp/123&a=~-_&b=1+2&b=%2B", nil)
	want := "a=~-_&b=1%202&b=%2B&path=%2Ftmp%2F123&test=%E4%B8%80%20%28%26%3D%3F%21%23%25.%2A%29"
	if got := canonicalQuery(r.URL.Query()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
