package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
)

// allowed is the list of what may be reached.
type allowed struct {
	hosts    []string // names and addresses, in lower case
	networks []netip.Prefix
}

func parseAllowed(entries []string) (allowed, error) {
	var a allowed
	for _, entry := range entries {
		entry = strings.ToLower(strings.TrimSpace(entry))
		if strings.Contains(entry, "/") {
			network, err := netip.ParsePrefix(entry)
			if err != nil || network.Bits() == 0 || network.Addr().Is4In6() {
				return a, fmt.Errorf("webhook 允许列表中的网段 %q 无效", entry)
			}
			a.networks = append(a.networks, network.Masked())
			continue
		}
		host := strings.Trim(entry, "[]")
		if _, err := netip.ParseAddr(host); err != nil && (host == "" || strings.ContainsAny(host, ":*@ ")) {
			return a, fmt.Errorf("webhook 允许列表中的主机 %q 无效，应为不带端口的主机名、地址或网段", entry)
		}
		a.hosts = append(a.hosts, strings.TrimSuffix(host, "."))
	}
	return a, nil
}

// names reports whether the host of the address is on the list: its name, or
// if it is an address, that or its network.
func (a allowed) names(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if slices.Contains(a.hosts, host) {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && a.covers(addr)
}

// covers reports whether the address is in a network of the list.
func (a allowed) covers(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(a.networks, func(n netip.Prefix) bool { return n.Contains(addr) })
}

// errForbidden means that the address to be dialled is not on the list.
var errForbidden = errors.New("address is not public, and its network is not allowed")

// guard is asked with the address that is about to be dialled, after every
// lookup. So it does not matter what the name meant when it was checked, nor
// what it means next time (DNS rebinding).
func (a allowed) guard(_, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil || !a.permits(target.Addr()) {
		return errForbidden
	}
	return nil
}

// permits reports whether the address may be dialled, for a host on the list.
func (a allowed) permits(addr netip.Addr) bool { return isPublic(addr) || a.covers(addr) }

// isPublic reports whether an address belongs to the public Internet. What
// stands for another address, as in 64:ff9b::/96, does not: it may stand for
// one that is not public.
func isPublic(addr netip.Addr) bool {
	addr = addr.Unmap()
	if !addr.IsGlobalUnicast() || addr.IsPrivate() || addr.Zone() != "" {
		return false
	}
	return !slices.ContainsFunc(special, func(n netip.Prefix) bool { return n.Contains(addr) })
}

// special are the networks that look public and are not (RFC 6890 and later),
// and a cloud's metadata service. The others' are link-local or in these:
// 169.254.169.254, 100.100.100.200, 192.0.0.192, fd00:ec2::254.
var special = prefixes(
	"0.0.0.0/8",        // this network
	"100.64.0.0/10",    // carriers' NAT
	"168.63.129.16/32", // Azure's wire server
	"192.0.0.0/24",     // protocol assignments
	"192.0.2.0/24",     // documentation, as are the next two
	"198.51.100.0/24",
	"203.0.113.0/24",
	"192.88.99.0/24",  // 6to4 relays
	"198.18.0.0/15",   // benchmarks
	"240.0.0.0/4",     // reserved
	"::/96",           // IPv4-compatible
	"::ffff:0:0:0/96", // IPv4-translated
	"64:ff9b::/96",    // NAT64, and the local one
	"64:ff9b:1::/48",
	"100::/64",      // discard
	"2001::/23",     // Teredo, ORCHID and others
	"2001:db8::/32", // documentation
	"2002::/16",     // 6to4
	"3fff::/20",     // documentation
	"5f00::/16",     // segment routing
	"fec0::/10",     // site-local
)

func prefixes(all ...string) []netip.Prefix {
	parsed := make([]netip.Prefix, len(all))
	for i, s := range all {
		parsed[i] = netip.MustParsePrefix(s)
	}
	return parsed
}
