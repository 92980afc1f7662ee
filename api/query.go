package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"duban/models/calendar"
)

// badValue says that a query string holds a value that means nothing here.
func badValue(key, value, expected string) error {
	return &pageError{status: http.StatusBadRequest, text: "error.bad_value", args: []any{key, value, expected}}
}

// choice reads a query value that must be one of the allowed ones. An absent
// or empty one is missing.
func choice[T ~string](q url.Values, key string, missing T, allowed ...T) (T, error) {
	v := T(q.Get(key))
	if v == "" {
		return missing, nil
	}
	if !slices.Contains(allowed, v) {
		words := make([]string, len(allowed))
		for i, a := range allowed {
			words[i] = string(a)
		}
		return missing, badValue(key, string(v), strings.Join(words, ", "))
	}
	return v, nil
}

// number reads a positive query value, 0 if it is absent.
func number(q url.Values, key string) (int64, error) {
	v := q.Get(key)
	if v == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n <= 0 {
		return 0, badValue(key, v, "1, 2, 3, …")
	}
	return n, nil
}

// dutyCursor is the last obligation of a page, written as 2025-06-30.42.
type dutyCursor struct {
	due calendar.Date
	id  int64
}

func (d dutyCursor) String() string { return fmt.Sprintf("%s.%d", d.due, d.id) }

// parseDutyCursor reads the cursor under the key "after"; absent is the start.
func parseDutyCursor(q url.Values) (dutyCursor, error) {
	v := q.Get("after")
	if v == "" {
		return dutyCursor{}, nil
	}
	day, id, _ := strings.Cut(v, ".")
	due, dayErr := calendar.ParseDate(day)
	n, idErr := strconv.ParseInt(id, 10, 64)
	if dayErr != nil || idErr != nil {
		return dutyCursor{}, badValue("after", v, "2025-06-30.42")
	}
	return dutyCursor{due, n}, nil
}

// pathID reads the id of the record that the path names, 0 if it names none.
// What is not a number is the name of no record.
func pathID(c *gin.Context) (int64, error) {
	text, ok := c.Params.Get("id")
	if !ok {
		return 0, nil
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return 0, errNoPage
	}
	return id, nil
}

// rest cuts a list that was read with one row too many down to a page, and
// reports whether there is a next page.
func rest[T any](rows []T, size int) ([]T, bool) {
	if len(rows) > size {
		return rows[:size], true
	}
	return rows, false
}
