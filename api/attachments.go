package api

import (
	"context"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/gin-gonic/gin"

	"duban/models"
)

// plainTypes are the types under which files are given out. All others, such
// as pages with scripts, are bytes to be saved.
var plainTypes = []string{"application/pdf", "image/png", "image/jpeg", "application/zip", "text/plain; charset=utf-8"}

func mediaType(content []byte) string {
	if t := http.DetectContentType(content); slices.Contains(plainTypes, t) {
		return t
	}
	return "application/octet-stream"
}

// fileName returns the name of an uploaded file without a folder, and without
// characters that no name needs.
func fileName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, name)
	if name == "" {
		return "file"
	}
	return name
}

// attachment gives a file to those who may see its instance, or to whoever
// uploaded it while it belongs to none. It is saved, and never shown as a page
// of ours.
func (s *server) attachment(c *gin.Context, r *request) error {
	a, err := s.Store.Attachment(c.Request.Context(), r.id)
	if err != nil {
		return err
	}
	if a.InstanceID == 0 && a.UploadedBy != r.person.ID {
		return errNotYours
	}
	if a.InstanceID != 0 {
		if _, err := s.mayView(c.Request.Context(), a.InstanceID, r.person.ID); err != nil {
			return err
		}
	}
	c.Header("Content-Security-Policy", "default-src 'none'; sandbox")
	c.Header("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": a.Name}))
	c.Header("Cache-Control", "private, no-store")
	c.Data(http.StatusOK, a.MediaType, a.Content)
	return nil
}

// attachments reads what is known of the files with the given ids; whatever is
// no id names no file.
func (s *server) attachments(ctx context.Context, ids []int64) (map[int64]models.Attachment, error) {
	if len(ids) == 0 {
		return map[int64]models.Attachment{}, nil
	}
	return s.Store.Attachments(ctx, ids)
}

var errNotYours = &pageError{status: http.StatusForbidden, text: "error.not_yours"}
