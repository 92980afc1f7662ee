package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// envRun makes the test binary be duban, so that tests can start, stop and
// kill the real program.
const envRun = "DUBAN_TEST_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(envRun) == "" {
		os.Exit(m.Run())
	}
	_ = os.Unsetenv(envRun)
	main()
}

// duban runs a command in this process and returns what it printed.
func duban(t *testing.T, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = run(t.Context(), args, &out, &errOut, environ)
	return code, out.String(), errOut.String()
}

// must is duban for commands that have to succeed.
func must(t *testing.T, environ []string, args ...string) string {
	t.Helper()
	code, out, errOut := duban(t, environ, args...)
	if code != exitOK {
		t.Fatalf("duban %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errOut)
	}
	return out
}
