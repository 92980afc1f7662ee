package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"duban/notifier/sms"
)

// receiptsPrefix begins the addresses to which providers report.
const receiptsPrefix = "/receipts/"

// mountReceipts adds the addresses to which providers of text messages report
// what became of them (回执). Some do so by GET; it is the one that changes
// something, and no browser is ever told the address.
func (s *server) mountReceipts(r *gin.Engine) {
	r.Match([]string{http.MethodGet, http.MethodPost}, receiptsPrefix+":provider/:token", s.receive)
}

// fromProvider reports whether a request is a provider's report. A program
// sends it, from wherever and under whatever host name it was told, and a token
// says whether it may.
func fromProvider(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, receiptsPrefix) }

// receive keeps receipts. A provider sends those again that are not answered
// as it expects.
func (s *server) receive(c *gin.Context) {
	provider := c.Param("provider")
	receiver, ok := s.Receivers[provider]
	if !ok { // like a wrong token: nobody learns what is configured
		c.Status(http.StatusForbidden)
		return
	}
	receipts, err := receiver.Receive(c.Request)
	switch {
	case errors.Is(err, sms.ErrForged):
		s.Logger.WarnContext(c.Request.Context(), "forged receipts refused", "request", c.GetString(requestID), "provider", provider)
		c.Status(http.StatusForbidden)
		return
	case err != nil:
		s.Logger.WarnContext(c.Request.Context(), "receipts not understood", "request", c.GetString(requestID), "provider", provider, "error", err)
		c.Status(http.StatusBadRequest)
		return
	}
	for _, receipt := range receipts {
		record, ok := receipt.Record()
		if !ok {
			continue
		}
		if err := s.Store.ApplyReceipt(c.Request.Context(), record, receipt.Key); err != nil {
			s.Logger.ErrorContext(c.Request.Context(), "receipt not recorded", "request", c.GetString(requestID), "provider", provider, "error", err)
			c.Status(http.StatusServiceUnavailable)
			return
		}
	}
	if s.Wake != nil && len(receipts) > 0 { // another channel may have to take over
		s.Wake()
	}
	contentType, body := sms.Reply(sms.Kind(provider))
	c.Data(http.StatusOK, contentType, []byte(body))
}
