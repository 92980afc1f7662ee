package webhook

import (
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"duban/notifier"
)

func TestNewRefusesWhatIsNotAllowed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		url   string
		allow []string
		ok    bool
	}{
		{"a public name", "https://hooks.example.com/", []string{"Hooks.Example.com"}, true},
		{"and its port", "https://HOOKS.example.com:8443/", []string{"hooks.example.com."}, true},
		{"a name that is not listed", "https://hooks.example.com/", []string{"example.com"}, false},
		{"no list", "https://hooks.example.com/", nil, false},
		{"a network does not name hosts", "https://hooks.example.com/", []string{"10.0.0.0/8"}, false},
		{"a public address", "https://8.8.8.8/", []string{"8.8.8.8"}, true},
		{"a private address", "https://10.1.2.3/", []string{"10.1.2.0/24"}, true},
		{"another private address", "https://10.1.3.3/", []string{"10.1.2.0/24"}, false},
		{"a private address without its network", "https://10.1.2.3/", []string{"10.1.2.3"}, false},
		{"a private IPv6 address", "https://[fd12::1]/", []string{"fd12::/16"}, true},
		{"loopback in disguise", "https://[::ffff:127.0.0.1]/", []string{"::ffff:127.0.0.1"}, false},
		{"this machine, in the clear", "http://127.0.0.1:9000/", []string{"127.0.0.1/32"}, true},
		{"this machine by its name", "http://localhost:9000/", []string{"localhost", "127.0.0.0/8"}, true},
		{"elsewhere, in the clear", "http://10.1.2.3/", []string{"10.1.2.0/24"}, false},
		{"metadata", "https://169.254.169.254/", []string{"169.254.169.254"}, false},
		{"a user", "https://hooks.example.com@10.1.2.3/", []string{"hooks.example.com"}, false},
		{"no host", "https:///x", []string{""}, false},
		{"no URL", "", []string{"hooks.example.com"}, false},
		{"no URL at all", "https://hooks.example.com/%zz" + pathKey, []string{"hooks.example.com"}, false},
		{"another protocol", "gopher://hooks.example.com/", []string{"hooks.example.com"}, false},
		{"everything", "https://10.1.2.3/", []string{"0.0.0.0/0"}, false},
		{"not a network", "https://10.1.2.3/", []string{"10.1.2.3/33"}, false},
		{"a pattern", "https://hooks.example.com/", []string{"*.example.com"}, false},
		{"a port", "https://hooks.example.com/", []string{"hooks.example.com:443"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := New(Config{URL: tc.url, Secret: secret, Allow: tc.allow})
			if (err == nil) != tc.ok || strings.Contains(fmt.Sprint(err), pathKey) {
				t.Errorf("New: %v", err)
			}
		})
	}
	good := Config{URL: "https://hooks.example.com/" + pathKey, Secret: secret, Allow: []string{"hooks.example.com"}}
	for name, change := range map[string]func(*Config){
		"a short secret":     func(c *Config) { c.Secret = "short" },
		"a negative timeout": func(c *Config) { c.Timeout = -1 },
		"no such file":       func(c *Config) { c.CAFile = file + "!" },
		"no certificate":     func(c *Config) { c.CAFile = file },
	} {
		cfg := good
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	w, err := New(good)
	if said := fmt.Sprintf("%v %v %+v %v %+v", err, good, good, w, w); strings.Contains(said, secret) || strings.Contains(said, pathKey) {
		t.Errorf("a secret is told: %s", said)
	}
}

func TestWhatIsPublic(t *testing.T) {
	for _, addr := range []string{"8.8.8.8", "114.114.114.114", "223.5.5.5", "100.63.255.255", "172.32.0.1", "2400:3200::1", "2606:4700::1111"} {
		if !isPublic(netip.MustParseAddr(addr)) {
			t.Errorf("%s is public", addr)
		}
	}
	for _, addr := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16",
		"169.254.169.254", "169.254.0.23", "172.16.0.1", "192.0.0.192", "192.168.1.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1",
		"2001::1", "2002:7f00:1::", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2400:3200::1%eth0",
	} {
		if isPublic(netip.MustParseAddr(addr)) {
			t.Errorf("%s is not public", addr)
		}
	}
}

// A name on the list means whatever its owner says, when asked.
func TestTheAddressDialledCounts(t *testing.T) {
	r := startReceiver(t, "127.0.0.1:0", true)
	n := &names{}
	w := r.webhook(t, func(c *Config) {
		c.URL = strings.Replace(r.URL, "127.0.0.1", "example.com", 1) + "/" + pathKey
		c.Allow, c.CAFile, c.resolver = []string{"example.com", "10.1.0.0/16"}, r.caFile(t), n.resolver()
	})
	for _, addrs := range [][]string{
		{"127.0.0.1"},
		{"::1"},
		{"10.2.0.1"},
		{"192.168.0.1"},
		{"169.254.169.254"},
		{"100.100.100.200"},
		{"0.0.0.0"},
		{"::"},
		{"::ffff:127.0.0.1"},
		{"fd00:ec2::254"},
		{"fe80::1"},
		{"64:ff9b::7f00:1"},
		{"127.0.0.1", "192.168.0.1"},
	} {
		n.mean(addrs...)
		_, err := w.Send(t.Context(), reminder)
		e := wantFailure(t, err, notifier.Down, "webhook_forbidden")
		if strings.Contains(e.Error(), addrs[0]) {
			t.Errorf("the inner network is told: %v", e)
		}
	}
	if r.asked() > 0 {
		t.Error("the inner service was asked")
	}
}

// DNS rebinding: the name first means an address that is allowed, and then an
// inner service on the same port.
func TestRebindingDoesNotReachTheInnerService(t *testing.T) {
	outer := startReceiver(t, "127.0.0.2:0", true)
	port := netip.MustParseAddrPort(outer.Listener.Addr().String()).Port()
	inner := startReceiver(t, fmt.Sprintf("127.0.0.1:%d", port), true)
	n := &names{}
	w := outer.webhook(t, func(c *Config) {
		c.URL = fmt.Sprintf("https://example.com:%d/%s", port, pathKey)
		c.Allow, c.CAFile, c.resolver = []string{"example.com", "127.0.0.2/32"}, outer.caFile(t), n.resolver()
	})
	n.mean("127.0.0.2")
	if _, err := w.Send(t.Context(), reminder); err != nil {
		t.Fatal(err)
	}
	lookups := n.lookups
	_ = w.Close() // the connection that was checked is still good; the next is not
	n.mean("127.0.0.1")
	_, err := w.Send(t.Context(), reminder)
	wantFailure(t, err, notifier.Down, "webhook_forbidden")
	// Of several addresses, only those that are allowed are tried.
	n.mean("127.0.0.1", "127.0.0.2")
	if _, err := w.Send(t.Context(), reminder); err != nil {
		t.Error(err)
	}
	if outer.asked() != 2 || inner.asked() != 0 || n.lookups <= lookups {
		t.Errorf("asked outside %d times and inside %d times, %d lookups", outer.asked(), inner.asked(), n.lookups)
	}
}

// A proxy would do the dialling for us, without the guard. The environment is
// read once in a process, so it is no use to set it here.
func TestThereIsNoProxy(t *testing.T) {
	w := startReceiver(t, "127.0.0.1:0", false).webhook(t, nil)
	if w.client.Transport.(*http.Transport).Proxy != nil {
		t.Error("the environment can name a proxy")
	}
}

func FuzzTheListIsNeverWiderThanItSays(f *testing.F) {
	f.Add("10.0.0.0/8", "10.1.2.3")
	f.Add("[::1]", "::1")
	f.Add("::ffff:10.0.0.0/104", "10.0.0.1")
	f.Add("hooks.example.com", "fe80::1%eth0")
	f.Fuzz(func(t *testing.T, entry, address string) {
		a, err := parseAllowed([]string{entry})
		addr, bad := netip.ParseAddr(address)
		if err != nil || bad != nil {
			return
		}
		network, notOne := netip.ParsePrefix(strings.TrimSpace(entry))
		inside := notOne == nil && network.Contains(addr.Unmap().WithZone(""))
		if dialled := a.guard("tcp", netip.AddrPortFrom(addr, 443).String(), nil) == nil; dialled && !inside && !isPublic(addr) {
			t.Errorf("%q lets %s be dialled", entry, address)
		}
	})
}
