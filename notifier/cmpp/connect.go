package cmpp

import (
	"crypto/md5" //nolint:gosec // the protocol knows no other digest
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"strconv"
	"time"
)

// chinaTime is the time in all fields of the protocol.
var chinaTime = time.FixedZone("UTC+8", 8*60*60)

// Connect asks the gateway to let us in (CMPP_CONNECT).
type Connect struct {
	SourceAddr          string // 源地址, the id of the service provider (SP_Id), 6
	AuthenticatorSource [md5.Size]byte
	Version             Version
	Timestamp           uint32 // MMDDHHMMSS as a decimal number
}

func (*Connect) command() uint32 { return cmdConnect }

func (r *Connect) fields(c coder, _ Version) {
	c.text(&r.SourceAddr, 6)
	c.octets(r.AuthenticatorSource[:])
	c.uint8((*uint8)(&r.Version))
	c.uint32(&r.Timestamp)
}

// NewConnect returns the request of a service provider at a time.
func NewConnect(v Version, sourceAddr, secret string, now time.Time) *Connect {
	// The digits of a time are a number of ten digits below 2³².
	stamp, _ := strconv.ParseUint(now.In(chinaTime).Format("0102150405"), 10, 32)
	r := &Connect{SourceAddr: sourceAddr, Version: v, Timestamp: uint32(stamp)}
	r.AuthenticatorSource = r.digest(secret)
	return r
}

// digest is MD5(Source_Addr + nine zeros + secret + timestamp), the timestamp
// with its leading zero.
func (r *Connect) digest(secret string) [md5.Size]byte {
	return md5.Sum(fmt.Appendf(nil, "%s\x00\x00\x00\x00\x00\x00\x00\x00\x00%s%010d", r.SourceAddr, secret, r.Timestamp)) //nolint:gosec // as above
}

// Authentic reports whether the sender knows the secret.
func (r *Connect) Authentic(secret string) bool {
	want := r.digest(secret)
	return subtle.ConstantTimeCompare(want[:], r.AuthenticatorSource[:]) == 1
}

// ConnectResp is the gateway's answer to Connect. We are in if the status is 0.
type ConnectResp struct {
	Status            uint32
	AuthenticatorISMG [md5.Size]byte
	Version           Version // the highest that the gateway speaks
}

func (*ConnectResp) command() uint32 { return cmdConnect | answer }

func (r *ConnectResp) fields(c coder, v Version) {
	c.status(&r.Status, v)
	c.octets(r.AuthenticatorISMG[:])
	c.uint8((*uint8)(&r.Version))
}

// Sign fills in the proof that we, a gateway, know the secret as well.
func (r *ConnectResp) Sign(v Version, request *Connect, secret string) {
	r.AuthenticatorISMG = r.digest(v, request, secret)
}

// digest is MD5(Status + AuthenticatorSource + secret), with the status as
// wide as it is in the packet.
func (r *ConnectResp) digest(v Version, request *Connect, secret string) [md5.Size]byte {
	status := binary.BigEndian.AppendUint32(nil, r.Status)
	if v != V30 {
		status = status[3:]
	}
	return md5.Sum(fmt.Appendf(nil, "%s%s%s", status, request.AuthenticatorSource[:], secret)) //nolint:gosec // as above
}

// Authentic reports whether the gateway knows the secret.
func (r *ConnectResp) Authentic(v Version, request *Connect, secret string) bool {
	want := r.digest(v, request, secret)
	return subtle.ConstantTimeCompare(want[:], r.AuthenticatorISMG[:]) == 1
}
