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

// errUsage marks what the person who typed the command can mend.
var errUsage = errors.New("usage")

// run is main without the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, environ []string) int {
	a := &app{out: stdout, err: stderr, environ: environ, language: languageOf(args, environ)}
	root := a.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil, errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return exitOK
	case errors.Is(err, errUsage):
		_, _ = fmt.Fprintln(stderr, strings.TrimPrefix(err.Error(), errUsage.Error()+": "))
		return exitUsage
	}
	_, _ = fmt.Fprintln(stderr, err)
	return exitFailed
}

// app is what the commands share.
type app struct {
	out, err   io.Writer
	environ    []string
	language   models.Language
	configPath string
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
	}
	root.PersistentFlags().StringVar(&a.configPath, "config", "",
		a.say("配置文件（默认 ./duban.yaml 或 /etc/duban/duban.yaml）", "configuration file (default ./duban.yaml or /etc/duban/duban.yaml)"))
	root.PersistentFlags().String("language", string(a.language), a.say("界面语言：zh-CN 或 en", "language: zh-CN or en"))
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fmt.Errorf("%w: %w", errUsage, err) })
	root.AddCommand(
		a.demoCommand(), a.serveCommand(), a.importCommand(), a.templateCommand(), a.checkCommand(), a.sendCommand(),
		a.simulateCommand(), a.doneCommand(), a.waiveCommand(), a.confirmCommand(), a.scheduleCommand(),
		a.migrateCommand(), a.configCommand(), a.auditCommand(), a.versionCommand(),
	)
	return root
}

// config reads the configuration that the command line names.
func (a *app) config() (*config.Config, error) {
	cfg, err := config.Load(a.configPath, a.environ)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	return cfg, nil
}

// exactly is cobra.ExactArgs with an error that counts as wrong usage.
func (a *app) exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return fmt.Errorf("%w: %s: %s", errUsage, cmd.CommandPath(),
				fmt.Sprintf(a.say("需要 %d 个参数，现有 %d 个", "needs %d arguments, got %d"), n, len(args)))
		}
		return nil
	}
}
