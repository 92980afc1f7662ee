package cmpp

import (
	"errors"
	"fmt"
	"net"

	"duban/notifier"
)

// refused is about a message that we do not even offer to the gateway.
func refused(code string) *notifier.SendError {
	return &notifier.SendError{Class: notifier.Reject, Code: code, Local: true}
}

// cancelled is about a message that nobody waits for any more, before it was
// written.
func cancelled(err error) *notifier.SendError {
	return &notifier.SendError{Class: notifier.Retry, Code: "cancelled", Local: true, Err: err}
}

// closed is about a message that came too late.
func closed() *notifier.SendError {
	return &notifier.SendError{Class: notifier.Retry, Code: "cmpp_closed", Local: true}
}

// codeUnsent is the code of unsent.
const codeUnsent = "cmpp_unsent"

// unsent is about a part that was not written whole, so that the gateway
// cannot have taken it.
func unsent(err error) *notifier.SendError {
	return &notifier.SendError{Class: notifier.Retry, Code: codeUnsent, Err: err}
}

// unconfirmed is about a part that was written and not answered.
func unconfirmed(err error) *notifier.SendError {
	return &notifier.SendError{Class: notifier.Unknown, Code: "cmpp_unconfirmed", Err: err}
}

// What ends a connection, or the wait for an answer.
var (
	errNoAnswer   = errors.New("no answer in time")
	errSilent     = errors.New("no answer to link tests")
	errTerminated = errors.New("gateway ended the connection")
	errClosed     = errors.New("client is closing")
)

// dialFailure judges an error before we were logged in. It is never about a
// message.
func dialFailure(err error) *notifier.SendError {
	e := &notifier.SendError{Class: notifier.Down, Code: "cmpp_login", Err: err}
	var (
		opErr  *net.OpError
		netErr net.Error
	)
	switch {
	case errors.Is(err, errNoAnswer), errors.As(err, &netErr) && netErr.Timeout():
		e.Code = "cmpp_timeout"
	case errors.As(err, &opErr) && opErr.Op == "dial":
		e.Code, e.Detail = "cmpp_unreachable", opErr.Err.Error()
	case errors.Is(err, ErrMalformed):
		e.Code = "cmpp_malformed"
	}
	return e
}

// lostFailure says why nothing can be sent after a connection was lost.
func lostFailure(err error) *notifier.SendError {
	return &notifier.SendError{Class: notifier.Down, Code: "cmpp_connection_lost", Err: err}
}

// connectRefused judges the status of a CONNECT_RESP. Whatever it is, somebody
// has to do something about it.
func connectRefused(status uint32) *notifier.SendError {
	names := []string{"", "消息结构错", "非法源地址", "认证错", "版本太高"}
	name := "其他错误"
	if int64(status) < int64(len(names)) {
		name = names[status]
	}
	return &notifier.SendError{Class: notifier.Down, Code: fmt.Sprintf("cmpp_connect_%d", status), Detail: name}
}

// notAuthentic is about a gateway that does not know our secret.
func notAuthentic() *notifier.SendError {
	return &notifier.SendError{Class: notifier.Down, Code: "cmpp_not_authentic", Detail: "网关认证码不符"}
}

// resultFlow is the result that says: not so fast.
const resultFlow = 8

// results are those of a SUBMIT_RESP that the standard names. One that is
// about what we put into every message concerns the whole channel.
var results = map[uint32]struct {
	name  string
	class notifier.Class
}{
	1:          {"消息结构错", notifier.Down},
	2:          {"命令字错", notifier.Down},
	3:          {"消息序号重复", notifier.Retry},
	4:          {"消息长度错", notifier.Reject},
	5:          {"资费代码错", notifier.Down},
	6:          {"超过最大信息长", notifier.Reject},
	7:          {"业务代码错", notifier.Down},
	resultFlow: {"流量控制错", notifier.Retry},
	9:          {"本网关不负责服务此计费号码", notifier.Reject},
	10:         {"Src_Id 错误", notifier.Down},
	11:         {"Msg_src 错误", notifier.Down},
	12:         {"Fee_terminal_Id 错误", notifier.Down},
	13:         {"Dest_terminal_Id 错误", notifier.Reject},
}

// submitRefused judges the result of a SUBMIT_RESP. Makers of gateways have
// results of their own, about which we know nothing: the message is tried
// again, until the dispatcher has had enough. In version 2.0, 9 is one of
// those.
func submitRefused(v Version, result uint32) *notifier.SendError {
	r, ok := results[result]
	if !ok || v == V20 && result == 9 {
		r.name, r.class = "其他错误", notifier.Retry
	}
	return &notifier.SendError{Class: r.class, Code: fmt.Sprintf("cmpp_submit_%d", result), Detail: r.name}
}

// verdict makes one outcome of those of the parts. A message of which the
// gateway took some parts is not as if nothing had happened: nobody knows what
// the telephone shows. But if another part will never be taken, sending the
// first ones once more helps nobody.
func verdict(ids []string, failures []*notifier.SendError) ([]string, error) {
	var accepted []string
	for _, id := range ids {
		if id != "" {
			accepted = append(accepted, id)
		}
	}
	var failure *notifier.SendError
	for _, f := range failures {
		if f != nil && (failure == nil || f.Class == notifier.Reject) {
			failure = f
		}
	}
	switch {
	case failure == nil:
		return accepted, nil
	case failure.Class == notifier.Reject || len(accepted) == 0:
		return accepted, failure
	}
	return accepted, &notifier.SendError{
		Class:  notifier.Unknown,
		Code:   "cmpp_partial",
		Detail: fmt.Sprintf("%d/%d, %s", len(accepted), len(ids), failure.Error()),
		Err:    failure,
	}
}
