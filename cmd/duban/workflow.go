package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"duban/config"
	"duban/models"
	"duban/workflows"
)

func (a *app) workflowCommand() *cobra.Command {
	return a.group("workflow", a.say("审批流程的定义", "definitions of approval workflows"),
		a.workflowListCommand(), a.workflowCheckCommand(), a.workflowPublishCommand(), a.workflowGraphCommand(), a.workflowReviveCommand())
}

func (a *app) workflowListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: a.say("列出内置流程和各步骤", "list the built-in workflows and their steps"), Args: a.exactly(0),
		RunE: func(*cobra.Command, []string) error {
			catalog, err := workflows.Builtin()
			if err != nil {
				return err
			}
			for _, key := range slices.Sorted(maps.Keys(catalog)) {
				d := catalog[key]
				steps := make([]string, len(d.Steps))
				for i, s := range d.Steps {
					steps[i] = s.Title.In(a.language)
				}
				if _, err := fmt.Fprintf(a.out, "%s  %s\n    %s\n", key, d.Title.In(a.language), strings.Join(steps, " → ")); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// definition reads a workflow from a file, or takes a built-in one by its key.
func definition(keyOrFile string) (workflows.Definition, error) {
	catalog, err := workflows.Builtin()
	if err != nil {
		return workflows.Definition{}, err
	}
	if d, ok := catalog[keyOrFile]; ok {
		return d, nil
	}
	source, err := os.ReadFile(keyOrFile) //nolint:gosec // the person names the file
	if err != nil {
		return workflows.Definition{}, usagef("%q 既不是内置流程，也不是可读的文件：%w", keyOrFile, err)
	}
	d, err := workflows.Parse(string(source))
	if err != nil {
		return d, usagef("%s：%w", filepath.Base(keyOrFile), err)
	}
	return d, nil
}

func (a *app) workflowCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check FILE", Short: a.say("检查一份流程定义（YAML），列出全部问题", "check a workflow definition (YAML) and list every problem"), Args: a.exactly(1),
		RunE: func(_ *cobra.Command, args []string) error {
			d, err := definition(args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.out, a.say("%s：没有问题，共 %d 步\n", "%s: no problems, %d steps\n"), d.Title.In(a.language), len(d.Steps))
			return err
		},
	}
}

func (a *app) workflowPublishCommand() *cobra.Command {
	return &cobra.Command{
		Use: "publish FILE", Short: a.say("发布一份流程定义（YAML）：此后发起的流程按它办理", "publish a workflow definition (YAML): instances begin with it from now on"), Args: a.exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := definition(args[0])
			if err != nil {
				return err
			}
			return a.withStore(cmd.Context(), func(_ *config.Config, s *models.Store) error {
				err := (&workflows.Engine{Store: s}).Publish(cmd.Context(), actor(), d)
				if is[*workflows.Error](err) {
					return usageError{err}
				}
				if err == nil {
					_, err = fmt.Fprintf(a.out, a.say("已发布：%s 第 %d 版\n", "published: %s version %d\n"), d.Title.In(a.language), d.Version)
				}
				return err
			})
		},
	}
}

func (a *app) workflowReviveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "revive", Short: a.say("重试已放弃的办理时限", "try the time limits again that were given up"), Args: a.exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(_ *config.Config, s *models.Store) error {
				dead, err := s.DeadTimers(cmd.Context())
				if err != nil {
					return err
				}
				for _, t := range dead {
					_, _ = fmt.Fprintf(a.out, a.say("流程 %d 待办 %d：%s\n", "instance %d task %d: %s\n"), t.InstanceID, t.Task, t.LastError)
				}
				n, err := s.ReviveTimers(cmd.Context(), actor())
				if err == nil {
					_, err = fmt.Fprintf(a.out, a.say("重新排队 %d 个\n", "%d queued again\n"), n)
				}
				return err
			})
		},
	}
}

func (a *app) workflowGraphCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "graph KEY|FILE", Short: a.say("画出流程图（SVG 或 DOT），写到标准输出", "draw a workflow as SVG or DOT on standard output"), Args: a.exactly(1),
		RunE: func(_ *cobra.Command, args []string) error {
			d, err := definition(args[0])
			if err != nil {
				return err
			}
			graph := d.Graph(a.language)
			switch format {
			case "svg":
				_, err = fmt.Fprintln(a.out, graph.SVG())
			case "dot":
				_, err = fmt.Fprintln(a.out, graph.DOT())
			default:
				err = usagef("--format %q：应为 svg 或 dot", format)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&format, "format", "svg", "svg, dot")
	return cmd
}
