package config_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"duban/config"
)

// problems loads a file that must be refused.
func problems(t *testing.T, content string, environ ...string) config.Error {
	t.Helper()
	_, err := config.Load(write(t, content), environ)
	var found config.Error
	if !errors.As(err, &found) {
		t.Fatalf("%q gives %v", content, err)
	}
	return found
}

func TestEveryMistakeInAFileIsNamedWithItsLine(t *testing.T) {
	const smtp = "mail:\n  host: smtp.example.cn\n  from: duban@example.cn\n"
	for _, c := range []struct {
		name, file string
		line       int
		key        string
		code       config.Code
		value      string
	}{
		{"an unknown key", "server:\n  listen: 127.0.0.1:1\n  liste: x\n", 3, "server.liste", config.CodeUnknownKey, ""},
		{"an unknown section", "\nservers:\n  listen: x\n", 2, "servers", config.CodeUnknownKey, ""},
		{"a section's key at the top", "dsn: x\n", 1, "dsn", config.CodeUnknownKey, ""},
		{"a key twice", "mail:\n  port: 25\n  port: 26\n", 3, "mail.port", config.CodeDuplicateKey, "第 2 行已写过"},
		{"a section twice", "mail:\n  port: 25\nlanguage: en\nmail:\n  port: 26\n", 4, "mail", config.CodeDuplicateKey, "第 1 行已写过"},
		{"text for a number", "mail:\n  port: smtp\n", 2, "mail.port", config.CodeWrongType, "smtp"},
		{"a quoted number", "mail:\n  port: \"25\"\n", 2, "mail.port", config.CodeWrongType, "25"},
		{"a fraction", "mail:\n  port: 25.5\n", 2, "mail.port", config.CodeWrongType, "25.5"},
		{"a number too large", "mail:\n  port: 99999999999999999999\n", 2, "mail.port", config.CodeWrongType, "99999999999999999999"},
		{"a number for text", "mail:\n  host: 10\n", 2, "mail.host", config.CodeWrongType, "10"},
		{"a duration without a unit", "mail:\n  timeout: 30\n", 2, "mail.timeout", config.CodeWrongType, "30"},
		{"a duration in words", "mail:\n  timeout: 半分钟\n", 2, "mail.timeout", config.CodeWrongType, "半分钟"},
		{"yes for true", "server:\n  allow_remote: yes\n", 2, "server.allow_remote", config.CodeWrongType, "yes"},
		{"no value", "mail:\n  host:\n", 2, "mail.host", config.CodeWrongType, "null"},
		{"a list for text", "mail:\n  host: [a, b]\n", 2, "mail.host", config.CodeWrongType, ""},
		{"text for a section", "mail: smtp.example.cn\n", 1, "mail", config.CodeWrongType, ""},
		{"a list for everything", "- a\n", 1, "", config.CodeWrongType, ""},
		{"an anchor", "mail:\n  host: &a x\n", 2, "mail.host", config.CodeWrongType, ""},
		{"a merge key", "mail:\n  <<: {port: 1}\n", 2, "mail.<<", config.CodeUnknownKey, ""},
		{"two documents", "language: en\n---\nmail:\n", 2, "", config.CodeSyntax, "一个文件只能有一份文档（多了一个 ---）"},
		{"a level that is none", "log:\n  level: loud\n", 2, "log.level", config.CodeWrongType, "loud"},
		{"an unknown format", "log:\n  format: xml\n", 2, "log.format", config.CodeInvalid, "xml"},
		{"an unknown language", "language: fr\n", 1, "language", config.CodeInvalid, "fr"},
		{"an unknown driver", "database:\n  driver: oracle\n", 2, "database.driver", config.CodeInvalid, "oracle"},
		{"no database", "database:\n  dsn: \"\"\n", 2, "database.dsn", config.CodeRequired, ""},
		{"a MySQL DSN for SQLite", "database:\n  dsn: a:b@tcp(c)/d\n", 2, "database.dsn", config.CodeConflict, "******"},
		{"a DSN without a name", "database:\n  driver: mysql\n  dsn: a:b@tcp(c:1)/\n", 3, "database.dsn", config.CodeInvalid, "a:******@tcp(c:1)/"},
		{"no port", "server:\n  listen: 127.0.0.1\n", 2, "server.listen", config.CodeInvalid, "127.0.0.1"},
		{"every address", "server:\n  listen: :8080\n", 2, "server.listen", config.CodeInsecure, ":8080"},
		{"a remote address", "server:\n  listen: 10.0.0.5:8080\n", 2, "server.listen", config.CodeInsecure, "10.0.0.5:8080"},
		{"a link that is none", "server:\n  base_url: duban.example.cn\n", 2, "server.base_url", config.CodeInvalid, "duban.example.cn"},
		{"a host with its port", "mail:\n  host: smtp/25\n  from: a@b.cn\n", 2, "mail.host", config.CodeInvalid, "smtp/25"},
		{"no such port", smtp + "  port: 65536\n", 4, "mail.port", config.CodeInvalid, "65536"},
		{"an unknown security", smtp + "  security: ssl\n", 4, "mail.security", config.CodeInvalid, "ssl"},
		{"a sender with a name", "mail:\n  host: smtp\n  from: 督办 <a@b.cn>\n", 3, "mail.from", config.CodeInvalid, "督办 <a@b.cn>"},
		{"a user without a password", smtp + "  username: u\n", 0, "mail.password", config.CodeRequired, ""},
		{"a password without a user", smtp + "  password: hunter2\n", 0, "mail.username", config.CodeRequired, ""},
		{"two passwords", smtp + "  username: u\n  password: hunter2\n  password_file: f\n", 6, "mail.password_file", config.CodeConflict, "f"},
		{"no password file", smtp + "  username: u\n  password_file: /none\n", 5, "mail.password_file", config.CodeUnreadable, "/none 文件不存在"},
		{"no certificates", smtp + "  ca_file: /none\n", 4, "mail.ca_file", config.CodeInvalid, "/none"},
		{"a name of two lines", smtp + "  from_name: \"a\\nb\"\n", 4, "mail.from_name", config.CodeInvalid, "a\nb"},
		{"no time", smtp + "  timeout: 0s\n", 4, "mail.timeout", config.CodeInvalid, "0s"},
		{"no workers", "outbox:\n  workers: 0\n", 2, "outbox.workers", config.CodeInvalid, "0"},
		{"a lease shorter than a delivery", smtp + "outbox:\n  lease: 30s\n", 5, "outbox.lease", config.CodeConflict, "30s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := problems(t, c.file)
			p := found[0]
			if len(found) != 1 || p.Line != c.line || p.Key != c.key || p.Code != c.code || p.Value != c.value {
				t.Errorf("%q gives %+v", c.file, found)
			}
			if c.line > 0 && !strings.Contains(p.String(), fmt.Sprintf("duban.yaml:%d: ", c.line)) {
				t.Errorf("the place is missing in %s", p)
			}
		})
	}
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	found := problems(t, "mail:\n  prot: 25\n  timeout: 5\nlanguage: fr\n", "DUBAN_MAIL_PROT=1", "DUBAN_OUTBOX_BATCH=many")
	got := make([]string, len(found))
	for i, p := range found {
		got[i] = p.Key
	}
	if want := "mail.prot mail.timeout DUBAN_MAIL_PROT outbox.batch language"; strings.Join(got, " ") != want {
		t.Errorf("got %v", got)
	}
	if n := strings.Count(found.Error(), "\n"); n != len(found) {
		t.Errorf("%d lines for %d problems:\n%v", n, len(found), found)
	}
}

func TestAWrongVariableIsNamed(t *testing.T) {
	found := problems(t, "", "DUBAN_MAIL_PORT=smtp")
	want := `环境变量 DUBAN_MAIL_PORT: mail.port 的值 "smtp" 不对，应为：整数，不加引号 [wrong_type]`
	if got := found[0].String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAFileThatIsNamedMustExist(t *testing.T) {
	_, err := config.Load("/none/duban.yaml", nil)
	if err == nil || !strings.Contains(err.Error(), "/none/duban.yaml: 文件无法读取：文件不存在 [unreadable]") {
		t.Errorf("got %v", err)
	}
	if _, err := config.Load(t.TempDir(), nil); err == nil {
		t.Error("a folder is taken for a file")
	}
	if _, err := config.Load(write(t, strings.Repeat("#", 1<<17)), nil); err == nil {
		t.Error("a huge file is read")
	}
}

func TestListeningRemotelyMustBeAllowed(t *testing.T) {
	for _, file := range []string{
		"server:\n  listen: 0.0.0.0:80\n  allow_remote: true\n",
		"server:\n  listen: \"[::1]:0\"\n",
		"server:\n  listen: localhost:8080\n",
	} {
		load(t, file)
	}
}
