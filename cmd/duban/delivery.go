package main

import (
	"context"
	"log/slog"
	"slices"

	"github.com/jonboulle/clockwork"

	"duban/api"
	"duban/config"
	"duban/models"
	"duban/notifier"
	"duban/notifier/robot"
	"duban/notifier/sms"
)

// delivery is how messages leave, and how receipts come back.
type delivery struct {
	templates *notifier.Templates // without signed links, for the console
	linkKey   models.LinkKey
	channels  map[models.Channel]notifier.Channel
	outlets   []api.Outlet // the same, but for files that nobody asked for
	quotas    map[models.Channel]models.Quota
	routing   models.Routing // by which new messages go out
	receivers map[string]*sms.Receiver
}

// newDelivery sets up every channel that is configured. There is always one
// that writes files: messages from before another was configured may wait for
// it.
func newDelivery(ctx context.Context, cfg *config.Config, s *models.Store, clock clockwork.Clock, log *slog.Logger) (*delivery, error) {
	templates, err := notifier.NewTemplates(cfg.Server.BaseURL)
	if err != nil {
		return nil, err
	}
	key, err := s.LinkKey(ctx)
	if err != nil {
		return nil, err
	}
	d := &delivery{
		templates: templates, linkKey: key, routing: routing(cfg),
		channels: map[models.Channel]notifier.Channel{}, quotas: map[models.Channel]models.Quota{},
	}
	if d.receivers, err = receivers(cfg, clock); err != nil {
		return nil, err
	}
	outlets := outlets{cfg: cfg, clock: clock, log: log, receipts: s}
	for _, name := range models.Channels {
		wanted := slices.Contains(d.routing.Configured, name)
		if !wanted && name != models.ChannelFile {
			continue
		}
		if d.channels[name], err = outlets.open(name); err != nil { //nolint:contextcheck // a gateway's connection outlives this call
			delete(d.channels, name)
			d.close()
			return nil, err
		}
		if wanted {
			d.show(cfg, name)
		}
	}
	return d, nil
}

// routing says which channels there are, and in which order they are tried.
func routing(cfg *config.Config) models.Routing {
	channels := func(names []string) []models.Channel {
		list := make([]models.Channel, len(names))
		for i, name := range names {
			list[i] = models.Channel(name)
		}
		return list
	}
	normal, urgent := cfg.Routes()
	return models.Routing{Configured: channels(cfg.Channels()), Normal: channels(normal), Urgent: channels(urgent)}
}

// show lists a channel for the console, with its limits.
func (d *delivery) show(cfg *config.Config, name models.Channel) {
	outlet := api.Outlet{Name: name, Channel: d.channels[name]}
	switch name {
	case models.ChannelSMS:
		outlet.Provider = cfg.SMS.Provider
		outlet.Quota = models.Quota{
			PerNumberMinute: cfg.SMS.PerNumberMinute, PerNumberHour: cfg.SMS.PerNumberHour,
			PerNumberDay: cfg.SMS.PerNumberDay, PerSecond: cfg.SMS.PerSecond,
		}
	case models.ChannelWeCom, models.ChannelDingTalk, models.ChannelFeishu:
		if r, ok := outlet.Channel.(*robot.Robot); ok {
			outlet.Quota = r.Quota()
		}
	case models.ChannelEmail, models.ChannelWebhook, models.ChannelFile: // they have no limits of ours
	}
	d.quotas[name] = outlet.Quota
	d.outlets = append(d.outlets, outlet)
}

// dispatcher drains the outbox of a store through the channels.
func (d *delivery) dispatcher(cfg *config.Config, s *models.Store, clock clockwork.Clock, log *slog.Logger) (*notifier.Dispatcher, error) {
	return notifier.NewDispatcher(notifier.Config{
		Store: s, Templates: d.templates.WithLinks(d.linkKey), Channels: d.channels, Clock: clock, Logger: log,
		Workers: cfg.Outbox.Workers, Batch: cfg.Outbox.Batch, Lease: cfg.Outbox.Lease, MaxAge: cfg.Outbox.MaxAge,
		FallbackAfter: cfg.Delivery.FallbackAfter, UrgentFallbackAfter: cfg.Delivery.UrgentFallbackAfter, Quotas: d.quotas,
	})
}

func (d *delivery) close() {
	for _, c := range d.channels {
		_ = c.Close()
	}
}
