package config_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"duban/config"
)

// write puts a configuration file into a new folder and returns its path.
func write(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "duban.yaml")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func load(t *testing.T, content string, environ ...string) *config.Config {
	t.Helper()
	c, err := config.Load(write(t, content), environ)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// values strips a configuration of where its values came from.
func values(c *config.Config) config.Config {
	return config.Config{
		Database: c.Database, Server: c.Server, Mail: c.Mail, SMS: c.SMS, Gateway: c.Gateway, CMPP: c.CMPP,
		WeCom: c.WeCom, DingTalk: c.DingTalk, Feishu: c.Feishu, Webhook: c.Webhook, Delivery: c.Delivery,
		Outbox: c.Outbox, Watch: c.Watch, Language: c.Language, Log: c.Log,
	}
}

func TestTheSampleFileNamesEveryKeyAndStatesTheDefaults(t *testing.T) {
	c, err := config.Load("../deploy/duban.example.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := values(c), values(config.Default()); !reflect.DeepEqual(got, want) {
		t.Errorf("the sample says\n%vbut the defaults are\n%v", c, config.Default())
	}
	for _, s := range c.Redacted() {
		if !strings.Contains(s.Origin, "duban.example.yaml:") {
			t.Errorf("the sample does not name %s", s.Key)
		}
	}
}

func TestNothingConfiguredMeansTheDefaults(t *testing.T) {
	t.Chdir(t.TempDir())
	c, err := config.Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(values(c), values(config.Default())) {
		t.Errorf("got\n%v", c)
	}
	for _, empty := range []string{"", "# nothing\n", "---\n", "mail:\n", "mail:\n  # host: x\nlog:\n", "{}"} {
		if c := load(t, empty); !reflect.DeepEqual(values(c), values(config.Default())) {
			t.Errorf("%q gives\n%v", empty, c)
		}
	}
}

func TestTheFileInTheWorkingDirectoryIsFound(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("duban.yaml", []byte("language: en\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load("", nil)
	if err != nil || c.Language != config.English {
		t.Fatalf("got %v, %v", c, err)
	}
}

func TestLaterLayersWin(t *testing.T) {
	c := load(t, "server:\n  listen: 127.0.0.1:9000\nmail:\n  timeout: 10s\nlog:\n  level: warn\n",
		"PATH=/bin", "DUBAN_SERVER_LISTEN=127.0.0.1:9001", "DUBAN_OUTBOX_LEASE=90s", "DUBAN_LOG_LEVEL=debug",
		"DUBAN_MAIL_CONNECTIONS=7", "DUBAN_LANGUAGE=en", "DUBAN_MAIL_HOST=", "DUBAN_TEST_REQUIRE=all")
	want := *config.Default()
	want.Server.Listen = "127.0.0.1:9001"
	want.Mail.Timeout = 10 * time.Second
	want.Mail.Connections = 7
	want.Outbox.Lease = 90 * time.Second
	want.Log.Level = slog.LevelDebug
	want.Language = config.English
	if got := values(c); !reflect.DeepEqual(got, values(&want)) {
		t.Errorf("got\n%v", c)
	}
	origins := map[string]string{}
	for _, s := range c.Redacted() {
		origins[s.Key] = s.Origin
	}
	if o := origins["server.listen"]; o != "环境变量 DUBAN_SERVER_LISTEN" {
		t.Errorf("server.listen comes from %q", o)
	}
	if o := origins["mail.timeout"]; !strings.HasSuffix(o, "duban.yaml:4") {
		t.Errorf("mail.timeout comes from %q", o)
	}
	if o := origins["mail.host"]; o != "" {
		t.Errorf("an empty variable sets mail.host from %q", o)
	}
}

func TestEveryKeyHasItsVariable(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, s := range config.Default().Redacted() {
		name := "DUBAN_" + strings.ToUpper(strings.ReplaceAll(s.Key, ".", "_"))
		value := s.Value
		if value == "" {
			value = "x"
		}
		c, err := config.Load("", []string{name + "=" + value})
		if err != nil {
			var problems config.Error
			if !errors.As(err, &problems) || problems[0].Code == config.CodeUnknownKey || problems[0].Code == config.CodeWrongType {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		for _, got := range c.Redacted() {
			if got.Key == s.Key && got.Origin != "环境变量 "+name {
				t.Errorf("%s does not set %s", name, s.Key)
			}
		}
	}
}

func TestThePasswordIsReadFromItsFile(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte("p@ss word\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := load(t, "mail:\n  host: smtp.example.cn\n  from: duban@example.cn\n  username: duban\n  password_file: "+secret+"\n")
	if string(c.Mail.Password) != "p@ss word" {
		t.Errorf("read %q", string(c.Mail.Password))
	}
	if err := c.Validate(); err != nil {
		t.Errorf("loaded, but then %v", err)
	}
}
