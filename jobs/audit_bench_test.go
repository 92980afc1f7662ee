package jobs_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"duban/jobs"
	"duban/models"
)

// BenchmarkAudit audits a week in which 1,000 duties of 100,000 and of 400,000
// had something to say, on MariaDB. It reports the time, the highest heap that
// was seen beyond what there was before, and how the time grew with what is
// stored.
func BenchmarkAudit(b *testing.B) {
	var medians []time.Duration
	for _, projects := range []int{25_000, 100_000} {
		b.Run(fmt.Sprintf("obligations=%d", projects*4), func(b *testing.B) {
			s := newScale(b, projects, 1_000)
			s.week()
			var took []time.Duration
			var peak uint64
			for b.Loop() {
				began := time.Now()
				peak = max(peak, heap(func() { s.audit() }))
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			medians = append(medians, took[len(took)/2])
			b.ReportMetric(float64(medians[len(medians)-1].Milliseconds()), "audit-ms")
			b.ReportMetric(float64(peak)/1e6, "peak-MB")
			if len(medians) > 1 {
				b.ReportMetric(float64(medians[len(medians)-1])/float64(medians[0]), "growth")
			}
		})
	}
}

// week settles all but the duties that are due, and sweeps a week of them.
func (s *scale) week() {
	s.b.Helper()
	s.exec("UPDATE obligations SET state='met', settled_on='2025-03-01', checked_on='2025-04-01', next_check_on=NULL WHERE due_on='2025-03-31'")
	s.exec("UPDATE obligations SET state='met', settled_on='2025-05-01', checked_on='2025-05-02', next_check_on=NULL WHERE due_on='2025-06-30' AND project_id > ?", s.due)
	s.exec("UPDATE obligations SET checked_on='2025-06-16', next_check_on='2025-06-23' WHERE due_on='2025-06-30' AND project_id <= ?", s.due)
	s.exec("DELETE FROM notifications")
	s.clock.Advance(day(6, 17).At(8, 30).Sub(s.clock.Now()))
	sw := &jobs.Sweeper{Store: s.store, Clock: s.clock, Routing: models.Only(models.ChannelFile), Log: slog.New(slog.DiscardHandler)}
	for d := day(6, 17); !d.After(day(6, 23)); d = d.AddDays(1) {
		s.clock.Advance(d.At(8, 30).Sub(s.clock.Now()))
		if err := jobs.RunOnce(s.b.Context(), s.store, s.clock, models.JobSweep, jobs.SweepJob(sw, nil)); err != nil {
			s.b.Fatal(err)
		}
	}
	s.clock.Advance(3 * time.Hour)
	s.exec("ANALYZE TABLE notifications, obligations")
}

func (s *scale) audit() {
	a := &jobs.Auditor{Store: s.store, Clock: s.clock}
	// The first of the sweeps had everything to say that came up before it.
	c, err := a.Audit(s.b.Context(), day(6, 18), day(6, 23))
	if err != nil || c.Expected() != s.due || c.Gaps() != 0 || c.Duties != s.due {
		s.b.Fatalf("%+v, %v", c, err)
	}
}

// heap returns how far the heap rose while fn ran.
func heap(fn func()) uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before, peak := m.HeapAlloc, m.HeapAlloc
	ctx, stop := context.WithCancel(context.Background())
	var sampling sync.WaitGroup
	sampling.Go(func() {
		for ctx.Err() == nil {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
			time.Sleep(5 * time.Millisecond)
		}
	})
	fn()
	stop()
	sampling.Wait()
	return peak - before
}
