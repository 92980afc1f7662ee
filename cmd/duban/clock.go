package main

import (
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
)

// shiftedClock is the real clock moved to another date: it runs at the usual
// pace, and the demonstration sets it.
type shiftedClock struct {
	clockwork.Clock
	offset atomic.Int64 // nanoseconds
}

func newShiftedClock(at time.Time) *shiftedClock {
	c := &shiftedClock{Clock: clockwork.NewRealClock()}
	c.set(at)
	return c
}

func (c *shiftedClock) set(at time.Time) { c.offset.Store(int64(at.Sub(c.Clock.Now()))) }

// Now implements clockwork.Clock, as do the two methods that follow from it.
func (c *shiftedClock) Now() time.Time { return c.Clock.Now().Add(time.Duration(c.offset.Load())) }

// Since returns the time that has passed since t.
func (c *shiftedClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// Until returns the time until t.
func (c *shiftedClock) Until(t time.Time) time.Duration { return t.Sub(c.Now()) }
