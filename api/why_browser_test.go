package api_test

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"duban/jobs"
	"duban/models"
	"duban/models/modelstest"
)

// Whoever asks why finds the answer on a phone and on a desktop, without a
// script.
func TestWhyPagesFitTheirScreens(t *testing.T) {
	path := chromium()
	modelstest.Require(t, path != "", "Chromium")
	b := newBureau(t, demo)
	for d := july; !d.After(july.AddDays(20)); d = d.AddDays(1) {
		b.clock.Advance(d.At(10, 0).Sub(b.clock.Now()))
		b.swept()
	}
	missed := b.duties[models.SpendingTarget]
	lose := b.store.Read(t.Context()).Where("obligation_id = ? AND instance_id = 0 AND day > ?", missed.ID, july.AddDays(10)).Delete(&models.Notification{})
	if lose.Error != nil || lose.RowsAffected == 0 {
		t.Fatalf("%d messages gone, %v", lose.RowsAffected, lose.Error)
	}
	b.clock.Advance(3 * time.Hour)
	if err := jobs.RunOnce(t.Context(), b.store, b.clock, models.JobAudit, jobs.AuditJob(b.store, b.clock, models.Only(models.ChannelFile))); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(b.h)
	defer server.Close()
	ctx, said := browse(t, path)
	p := &handset{T: t, ctx: ctx, base: server.URL, said: said}
	for _, width := range []int64{1280, 390} {
		p.do(chromedp.EmulateViewport(width, 844))
		p.become(b, "clerk")
		p.do(chromedp.Navigate(p.base+"/messages"), chromedp.Click(`a[href="/gaps"]`), chromedp.WaitVisible(`.stack`))
		p.look("gaps", width)
		p.do(chromedp.Click(`a[href^="/why"]`), chromedp.WaitVisible(`.cause`))
		p.look("why", width)
		// The form asks about somebody else.
		p.do(chromedp.SetValue(`#person`, b.number("leader")), chromedp.Click(`form.decide button`), chromedp.WaitVisible(`.cause`))
		p.look("why-leader", width)
		p.become(b, "owner")
		p.do(chromedp.Navigate(fmt.Sprintf("%s/why?obligation=%d&lang=en", p.base, missed.ID)), chromedp.WaitVisible(`.cause`))
		p.look("why-english", width)
	}
}
