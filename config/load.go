package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
)

// searched are the files that Load looks for, in order, when it is given none.
var searched = []string{"./duban.yaml", "/etc/duban/duban.yaml"}

// Bounds in bytes on what is read; a larger file was named by mistake.
const (
	maxFile   = 64 << 10 // a configuration or a password
	maxBundle = 1 << 20  // certificates
)

// Load returns the defaults, overridden by the YAML file at path, overridden by
// the DUBAN_* variables of environ (as os.Environ returns them). Without a path
// it takes ./duban.yaml, else /etc/duban/duban.yaml, else no file.
//
// An empty variable counts as not set, because that is how compose files pass
// on what nobody set. DUBAN_TEST_* belongs to the test suite and is ignored.
// Every error is an [Error].
func Load(path string, environ []string) (*Config, error) {
	c := Default()
	c.origins = map[string]origin{}

	name, data, problems := readFile(path)
	if name != "" && problems == nil {
		problems = c.applyYAML(name, data)
	}
	problems = append(problems, c.applyEnv(environ)...)
	problems = append(problems, c.readSecrets()...)
	problems = append(problems, c.problems()...)
	if err := asError(problems); err != nil {
		return nil, err
	}
	return c, nil
}

// readFile returns the name and the content of the file to load, or no name if
// there is none.
func readFile(path string) (name string, data []byte, problems []Problem) {
	candidates := searched
	if path != "" {
		candidates = []string{path}
	}
	for _, name := range candidates {
		data, err := readLimited(name, maxFile)
		if path == "" && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return name, nil, []Problem{{Code: CodeUnreadable, File: name, Value: reason(err)}}
		}
		return name, data, nil
	}
	return "", nil, nil
}

func readLimited(name string, limit int) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec // the administrator names the file
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read from
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err == nil && len(data) > limit {
		err = fmt.Errorf("超过 %d KiB", limit>>10)
	}
	return data, err
}

// reason says in Chinese why a file could not be read.
func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "文件不存在"
	case errors.Is(err, fs.ErrPermission):
		return "没有读取权限"
	}
	return err.Error()
}

// applyEnv takes over the variables one by one, so that an error can name the
// variable it is about.
func (c *Config) applyEnv(environ []string) []Problem {
	known := map[string]field{}
	for _, f := range fieldsOf(c) {
		known[f.env()] = f
	}
	var problems []Problem
	for _, entry := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || strings.HasPrefix(name, envPrefix+"TEST_") || value == "" {
			continue
		}
		f, ok := known[name]
		if !ok {
			problems = append(problems, Problem{Code: CodeUnknownKey, Key: name, Env: name})
			continue
		}
		err := env.ParseWithOptions(c, env.Options{Prefix: envPrefix, Environment: map[string]string{name: value}})
		if err != nil {
			p := Problem{Code: CodeWrongType, Key: f.key, Env: name, Expected: f.expected()}
			if !f.secret() {
				p.Value = value
			}
			problems = append(problems, p)
			continue
		}
		c.origins[f.key] = origin{env: name}
	}
	return problems
}

// fileSuffix ends the key that names the file of a secret.
const fileSuffix = "_file"

// readSecrets fills every secret that has a file from it.
func (c *Config) readSecrets() []Problem {
	fields := map[string]field{}
	for _, f := range fieldsOf(c) {
		fields[f.key] = f
	}
	var problems []Problem
	for _, f := range fieldsOf(c) {
		if file, ok := fields[f.key+fileSuffix]; ok && f.secret() && file.value.String() != "" {
			problems = append(problems, c.readSecret(f, file)...)
		}
	}
	return problems
}

// readSecret fills a secret from its file. The newline with which editors end a
// file is not part of it.
func (c *Config) readSecret(secret, file field) []Problem {
	name, at := file.value.String(), c.origins[file.key]
	p := Problem{Code: CodeUnreadable, Key: file.key, File: at.file, Line: at.line, Env: at.env}
	if secret.value.String() != "" {
		p.Code, p.Value, p.Expected = CodeConflict, name, "与 "+secret.key+" 二者只写其一"
		return []Problem{p}
	}
	data, err := readLimited(name, maxFile)
	if err != nil {
		p.Value = name + " " + reason(err)
		return []Problem{p}
	}
	secret.value.SetString(strings.TrimRight(string(data), "\r\n"))
	if secret.value.String() == "" {
		p.Code, p.Value, p.Expected = CodeInvalid, name, "写着 "+secret.key+" 的文件"
		return []Problem{p}
	}
	return nil
}
