package notifier

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"

	"github.com/wneessen/go-mail"
)

// dialFailure judges an error before the first message could be sent.
func dialFailure(err error) *SendError {
	e := &SendError{Class: Down, Code: "smtp_handshake", Err: err}
	var (
		reply   *textproto.Error
		badCert *tls.CertificateVerificationError
		netErr  net.Error
		opErr   *net.OpError
	)
	switch {
	case errors.As(err, &reply):
		e.Code = fmt.Sprintf("smtp_connect_%d", reply.Code)
		if isAuthReply(reply.Code) {
			e.Code = fmt.Sprintf("smtp_auth_%d", reply.Code)
		}
		e.Detail = Redacted(reply.Msg)
	case errors.As(err, &badCert):
		e.Code, e.Detail = "smtp_certificate", Redacted(badCert.Err.Error())
	case errors.As(err, &netErr) && netErr.Timeout():
		e.Code = "smtp_timeout"
	case errors.As(err, &opErr) && opErr.Op == "dial":
		e.Code, e.Detail = "smtp_unreachable", Redacted(opErr.Err.Error())
	default: // no STARTTLS, no common mechanism, connection closed, not SMTP at all
		e.Detail = Redacted(err.Error())
	}
	return e
}

// isAuthReply reports whether a code is about who we are (RFC 4954, section 6).
func isAuthReply(code int) bool {
	switch code {
	case 432, 454, 530, 534, 535, 538:
		return true
	}
	return false
}

// sendFailure judges an error of a message on an open connection, and reports
// whether the connection can still be used.
//
// go-mail hides the cause, and its IsTemp is false for a broken connection as
// well as for a refusal. So the judgement rests on how far the dialogue came
// and on the server's code, which is 0 if the server did not answer.
func sendFailure(err error) (e *SendError, reusable bool) {
	var failed *mail.SendError
	if !errors.As(err, &failed) {
		return &SendError{Class: Unknown, Code: "smtp_failed", Err: err}, false
	}
	stage := stageOf(failed.Reason)
	code := failed.ErrorCode()
	e = &SendError{Class: Retry, Code: fmt.Sprintf("smtp_%s_%d", stage, code), Detail: serverWords(failed), Err: err}
	switch {
	case code == 0 && failed.Reason == mail.ErrSMTPDataClose:
		// The final dot is out and no answer came. The server may have it.
		e.Class, e.Code = Unknown, "smtp_unconfirmed"
	case code == 0:
		// The connection broke, or what came is no SMTP. Without the final
		// dot there is no message, so it is safe to say that it was not sent.
		e.Code = fmt.Sprintf("smtp_%s_broken", stage)
	case code >= 500 && (isAuthReply(code) || failed.Reason == mail.ErrSMTPMailFrom):
		// MAIL names only our own address: a refusal is about the
		// configuration, and every message would die of it.
		e.Class = Down
	case code >= 500:
		e.Class = Reject
	}
	return e, code != 0 && code != 421 // 421: the server is closing the connection
}

func stageOf(r mail.SendErrReason) string {
	switch r {
	case mail.ErrSMTPMailFrom:
		return "mail"
	case mail.ErrSMTPRcptTo:
		return "rcpt"
	case mail.ErrSMTPData, mail.ErrWriteContent, mail.ErrSMTPDataClose:
		return "data"
	}
	return "session"
}

// serverWords takes the server's answer out of go-mail's text, which also
// names the recipients. It can be had in no other way.
func serverWords(e *mail.SendError) string {
	text := strings.TrimPrefix(e.Error(), e.Reason.String()+": ")
	for _, mark := range []string{", affected recipient(s): ", ", affected message ID: "} {
		text, _, _ = strings.Cut(text, mark)
	}
	return Redacted(text)
}
