package main

import (
	"os"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"github.com/jonboulle/clockwork"
	"golang.org/x/term"
)

// progressBar shows how far a long piece of work is, if a person is looking.
type progressBar struct {
	writer  progress.Writer
	tracker *progress.Tracker
}

// progress starts a bar on standard error; total 0 means that the end is not
// known. Without a terminal it shows nothing.
func (a *app) progress(title string, total int64) *progressBar {
	f, ok := a.err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &progressBar{}
	}
	w := progress.NewWriter()
	w.SetOutputWriter(f)
	w.SetUpdateFrequency(100 * time.Millisecond)
	w.SetStyle(progress.StyleBlocks)
	w.Style().Visibility.ETA = total > 0
	t := &progress.Tracker{Message: title, Total: total}
	w.AppendTracker(t)
	go w.Render()
	return &progressBar{writer: w, tracker: t}
}

func (b *progressBar) set(n int64) {
	if b.tracker != nil {
		b.tracker.SetValue(n)
	}
}

// done ends the bar and gives the terminal back.
func (b *progressBar) done() {
	if b.tracker == nil {
		return
	}
	b.tracker.MarkAsDone()
	for b.writer.IsRenderInProgress() && b.writer.LengthActive() > 0 {
		clockwork.NewRealClock().Sleep(10 * time.Millisecond)
	}
	b.writer.Stop()
}
