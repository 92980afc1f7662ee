// Command duban supervises the published promises of budget projects: it
// imports performance-target tables and payments, checks every dated duty on a
// schedule, and reminds the people who answer for it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"duban/config"
	"duban/importer"
	"duban/models"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr, os.Environ())
	stop()
	os.Exit(code)
}

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // it was tried and did not work
	exitUsage  = 2 // the command line, the configuration or a file is wrong
)

// usageError is what the person who typed the command can mend.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// mendable reports whether the command line, the configuration or a file is to
// blame for an error.
func mendable(err error) bool {
	for _, blames := range []func(error) bool{is[usageError], is[config.Error], is[*importer.Error]} {
		if blames(err) {
			return true
		}
	}
	return false
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// run is main without the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, environ []string) int {
	a := &app{out: stdout, err: stderr, environ: environ, language: languageOf(args, environ)}
	root := a.root() //nolint:contextcheck // commands get theirs from ExecuteContext
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil:
		_, _ = fmt.Fprintln(stderr, a.say("已中断：", "interrupted: ")+err.Error())
		return exitFailed
	}
	_, _ = fmt.Fprintln(stderr, err)
	// Until a command starts, only its line can be wrong.
	if !a.started || mendable(err) {
		return exitUsage
	}
	return exitFailed
}

// app is what the commands share.
type app struct {
	out, err   io.Writer
	environ    []string
	language   models.Language
	configPath string
	started    bool // the command line was understood
}

// say returns the text in the language of the command line.
func (a *app) say(chinese, english string) string {
	if a.language == models.English {
		return english
	}
	return chinese
}

// languageOf finds the language before the command line is parsed, because
// the help texts are written in it: --language, else DUBAN_LANGUAGE.
func languageOf(args, environ []string) models.Language {
	const flag, variable = "--language", "DUBAN_LANGUAGE="
	value := ""
	for _, e := range environ {
		if v, ok := strings.CutPrefix(e, variable); ok {
			value = v
		}
	}
	for i, arg := range args {
		if v, ok := strings.CutPrefix(arg, flag+"="); ok {
			value = v
		} else if arg == flag && i+1 < len(args) {
			value = args[i+1]
		}
	}
	if models.Language(value) == models.English {
		return models.English
	}
	return models.Chinese
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use: "duban",
		Short: a.say("督办：预算项目绩效目标的导入、检查与提醒",
			"duban: imports, checks and reminds of budget projects' performance targets"),
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if l, err := cmd.Flags().GetString("language"); err == nil && l != string(models.Chinese) && l != string(models.English) {
				return usagef("--language %q：应为 %s 或 %s", l, models.Chinese, models.English)
			}
			a.started = true
			return nil
		},
	}
	root.PersistentFlags().StringVar(&a.configPath, "config", "",
		a.say("配置文件（默认 ./duban.yaml 或 /etc/duban/duban.yaml）", "configuration file (default ./duban.yaml or /etc/duban/duban.yaml)"))
	root.PersistentFlags().String("language", string(a.language), a.say("界面语言：zh-CN 或 en", "language: zh-CN or en"))
	root.AddCommand(
		a.demoCommand(), a.serveCommand(), a.importCommand(), a.templateCommand(), a.checkCommand(), a.sendCommand(),
		a.simulateCommand(), a.addCommand(), a.doneCommand(), a.waiveCommand(), a.confirmCommand(), a.scheduleCommand(), a.workflowCommand(), a.wordsCommand(), a.loginCommand(), a.channelCommand(),
		a.migrateCommand(), a.configCommand(), a.auditCommand(), a.versionCommand(),
	)
	return root
}

// group is a command that only holds others.
func (a *app) group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return usagef("%s: %s", cmd.CommandPath(), fmt.Sprintf(a.say("没有 %q 命令", "unknown command %q"), args[0]))
		},
	}
	cmd.AddCommand(commands...)
	return cmd
}

// config reads the configuration that the command line names.
func (a *app) config() (*config.Config, error) {
	cfg, err := config.Load(a.configPath, a.environ)
	if err != nil {
		return nil, err
	}
	return cfg, nil
}

// exactly is cobra.ExactArgs in the user's language.
func (a *app) exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return fmt.Errorf(a.say("%s: 需要 %d 个参数，现有 %d 个", "%s: needs %d arguments, got %d"), cmd.CommandPath(), n, len(args))
		}
		return nil
	}
}

// some is cobra.MinimumNArgs(1) in the user's language.
func (a *app) some(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf(a.say("%s: 至少需要 1 个参数", "%s: needs at least 1 argument"), cmd.CommandPath())
	}
	return nil
}
