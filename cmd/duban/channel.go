package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jonboulle/clockwork"
	"github.com/spf13/cobra"

	"duban/api"
	"duban/config"
	"duban/models"
	"duban/notifier"
)

func (a *app) channelCommand() *cobra.Command {
	return a.group("channel", a.say("消息渠道", "channels of messages"), a.channelListCommand(), a.channelTestCommand())
}

func (a *app) channelListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: a.say("列出已配置的渠道和状况", "list the configured channels and how they are"), Args: a.exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(cfg *config.Config, s *models.Store) error {
				return a.listChannels(cmd.Context(), cfg, s)
			})
		},
	}
}

func (a *app) listChannels(ctx context.Context, cfg *config.Config, s *models.Store) error {
	states, err := s.ChannelStates(ctx)
	if err != nil {
		return err
	}
	loads, err := s.ChannelLoads(ctx)
	if err != nil {
		return err
	}
	header := []string{
		a.say("渠道", "channel"), a.say("普通", "normal"), a.say("紧急", "urgent"), a.say("状况", "state"),
		a.say("待发送", "waiting"), a.say("结果不明", "unknown"), a.say("已放弃", "given up"),
	}
	routes := routing(cfg)
	var rows [][]string
	for _, name := range routes.Configured {
		state := a.say("还没有用过", "not used yet")
		if i := slices.IndexFunc(states, func(st models.ChannelState) bool { return st.Channel == name }); i >= 0 {
			state = a.say("正常", "works")
			if states[i].FailingSince != nil {
				state = a.say("异常：", "failing: ") + states[i].Error
			}
		}
		load := loads[name]
		rows = append(rows, []string{
			string(name), place(routes.Normal, name), place(routes.Urgent, name), state,
			strconv.Itoa(load.Waiting), strconv.Itoa(load.Unknown), strconv.Itoa(load.Dead),
		})
	}
	return listing(a.out, formatTable, header, rows)
}

// place returns where a channel stands among those that are tried in order.
func place(order []models.Channel, name models.Channel) string {
	if i := slices.Index(order, name); i >= 0 {
		return strconv.Itoa(i + 1)
	}
	return "-"
}

func (a *app) channelTestCommand() *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use: "test NAME", Short: a.say("经一个渠道发一条测试消息", "send a test message by a channel"), Args: a.exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd.Context(), func(cfg *config.Config, s *models.Store) error {
				return a.testChannel(cmd.Context(), cfg, s, models.Channel(args[0]), to)
			})
		},
	}
	cmd.Flags().StringVar(&to, "to", "", a.say("收件人的账号（群机器人和 Webhook 不需要）", "the recipient's account (not for robots and webhooks)"))
	return cmd
}

func (a *app) testChannel(ctx context.Context, cfg *config.Config, s *models.Store, name models.Channel, to string) error {
	if have := routing(cfg).Configured; !slices.Contains(have, name) {
		names := make([]string, len(have))
		for i, c := range have {
			names[i] = string(c)
		}
		return usagef(a.say("没有配置渠道 %q，已配置的是 %s", "channel %q is not configured; those that are: %s"), name, strings.Join(names, "、"))
	}
	clock := clockwork.NewRealClock()
	ch, err := outlets{cfg: cfg, clock: clock, log: a.logger(cfg), receipts: s}.open(name) //nolint:contextcheck // it is closed below
	if err != nil {
		return err
	}
	defer func() { _ = ch.Close() }()
	var m notifier.Message
	if _, own := ch.(notifier.Tester); !own {
		if m, err = a.trial(ctx, cfg, s, name, to, clock); err != nil {
			return err
		}
	}
	err = notifier.Try(ctx, ch, m)
	outcome := "ok"
	failure, refused := errors.AsType[*notifier.SendError](err)
	switch {
	case refused:
		outcome = failure.Error()
		err = fmt.Errorf("%s：%s [%s]\n%w", name, api.Advice(a.language, failure), failure.Class, failure)
	case err != nil:
		return err
	}
	if err := s.ChannelTested(ctx, actor(), name, outcome); err != nil {
		return err
	}
	if err == nil {
		_, err = fmt.Fprintf(a.out, a.say("%s：测试消息已被接受，请到接收端确认\n", "%s: the test was accepted; see whether it arrived\n"), name)
	}
	return err
}

// trial words a test message for an account.
func (a *app) trial(ctx context.Context, cfg *config.Config, s *models.Store, name models.Channel, to string, clock clockwork.Clock) (notifier.Message, error) {
	if to == "" {
		return notifier.Message{}, usagef("--to %s", a.say("不能为空：这个渠道要写明收件人的账号", "is required: this channel needs a recipient's account"))
	}
	u, ok, err := s.UserByAccount(ctx, to)
	switch {
	case err != nil:
		return notifier.Message{}, err
	case !ok:
		return notifier.Message{}, usagef(a.say("--to %s：没有这个账号", "--to %s: no such account"), to)
	case !u.Reachable(name):
		return notifier.Message{}, usagef(a.say("--to %s：没有登记这个渠道所需的地址或手机号", "--to %s: has no address or number for this channel"), to)
	}
	templates, err := notifier.NewTemplates(cfg.Server.BaseURL)
	if err != nil {
		return notifier.Message{}, err
	}
	// A provider may know only the words that were published.
	words, err := notifier.NewLibrary(templates, s, a.logger(cfg)).Current(ctx)
	if err != nil {
		return notifier.Message{}, err
	}
	return words.Trial(name, u, clock.Now())
}
