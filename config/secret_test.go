package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const password = "hunter2"

func TestSecretsAreNeverShown(t *testing.T) {
	c := load(t, `
database:
  driver: mysql
  dsn: duban:hunter2@tcp(127.0.0.1:3306)/duban
mail:
  host: smtp.example.cn
  from: duban@example.cn
  username: duban
  password: hunter2
`)
	if string(c.Mail.Password) != password {
		t.Fatal("the password was not read")
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "config", c, "password", c.Mail.Password, "mail", c.Mail)
	js, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{
		c.String(), fmt.Sprintf("%v %+v %#v %s", *c, *c, *c, c.Mail.Password), log.String(), string(js), fmt.Sprint(c.Redacted()),
	} {
		if strings.Contains(shown, password) {
			t.Errorf("the password shows in %s", shown)
		}
	}
	if want := "database.dsn: duban:******@tcp(127.0.0.1:3306)/duban"; !strings.Contains(c.String(), want) {
		t.Errorf("which database it is does not show in\n%v", c)
	}
}

func TestNoErrorRepeatsASecret(t *testing.T) {
	for _, file := range []string{
		"mail:\n  password: [hunter2]\n",
		"mail:\n  password: {a: hunter2}\n",
		"mail:\n  pasword: hunter2\n",
		"mail:\n  password: hunter2\n  password: hunter2\n",
		"mail:\n  host: smtp\n  from: a@b.cn\n  password: hunter2\n",
		"mail:\n  password: hunter2\n\tport: 1\n",
		"mail:\n  password: hunter2: x: y\n",
		"mail:\n  password: \"hunter2\n",
		"mail: {password: hunter2\n",
		"password hunter2\n",
		"database:\n  dsn: u:hunter2@tcp(db)/duban\n",
		"database:\n  driver: mysql\n  dsn: u:hunter2@tcp(db\n",
		"database:\n  driver: oracle\n  dsn: u/hunter2\nlanguage: fr\n",
	} {
		if found := problems(t, file); strings.Contains(found.Error(), password) {
			t.Errorf("%q gives %v", file, found)
		}
	}
	if found := problems(t, "", "DUBAN_MAIL_PASWORD=hunter2", "DUBAN_DATABASE_DSN=u:hunter2@tcp(x)/y"); strings.Contains(found.Error(), password) {
		t.Errorf("a variable gives %v", found)
	}
}
