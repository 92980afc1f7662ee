package api_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"duban/models/modelstest"
)

// chromium returns the path of a browser, "" if there is none.
func chromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// browse starts a browser of its own, which ends with the test, and collects
// what pages write to its console.
func browse(t *testing.T, path string) (context.Context, func() []string) {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.WSURLReadTimeout(time.Minute))
	allocator, cancelAllocator := chromedp.NewExecAllocator(t.Context(), options...)
	tab, cancelTab := chromedp.NewContext(allocator)
	ctx, cancel := context.WithTimeout(tab, 4*time.Minute)
	t.Cleanup(func() {
		cancel()
		_ = chromedp.Cancel(tab) // waits until the browser has left its folder
		cancelTab()
		cancelAllocator()
	})
	var mu sync.Mutex
	var complaints []string
	err := chromedp.Listen(tab, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *log.EventEntryAdded:
			complaints = append(complaints, e.Entry.Text+" "+e.Entry.URL)
		case *runtime.EventExceptionThrown:
			complaints = append(complaints, e.ExceptionDetails.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return ctx, func() []string {
		mu.Lock()
		defer mu.Unlock()
		said := complaints
		complaints = nil
		return said
	}
}

// A page fits its screen, leaves the browser's console empty, and gets its
// stylesheet in spite of the content security policy.
func TestPagesFitTheirScreens(t *testing.T) {
	path := chromium()
	modelstest.Require(t, path != "", "Chromium")
	s := newStore(t)
	seed(t, s)
	server := httptest.NewServer(newConsole(t, s))
	defer server.Close()
	empty := httptest.NewServer(newConsole(t, newStore(t)))
	defer empty.Close()

	visited := append([]string{"/?lang=en", "/projects/1?lang=en", "/obligations?state=waived"}, pages...)
	addresses := make([]string, 0, len(visited)+1)
	for _, page := range visited {
		addresses = append(addresses, server.URL+page)
	}
	addresses = append(addresses, empty.URL+"/")
	ctx, complaints := browse(t, path)
	for _, width := range []int64{1280, 390} {
		for _, address := range addresses {
			page, picture, err := visit(ctx, address, width)
			if err != nil {
				t.Fatalf("%s at %d px: %v", address, width, err)
			}
			if page.Wide > width {
				t.Errorf("%s is %d px wide on a screen of %d px, because of %s", address, page.Wide, width, page.Widest)
			}
			if page.Ground != "rgb(245, 247, 249)" {
				t.Errorf("%s is not styled: its ground is %s", address, page.Ground)
			}
			if said := complaints(); len(said) > 0 {
				t.Errorf("%s at %d px: the console says %q", address, width, said)
			}
			save(t, strings.Replace(address, empty.URL, "empty", 1), width, picture)
		}
	}
}

// sight is what a page looks like in numbers.
type sight struct {
	Wide   int64  `json:"wide"`   // of the whole page
	Widest string `json:"widest"` // the element that sticks out, if one does
	Ground string `json:"ground"` // the colour of the page
}

func visit(ctx context.Context, address string, width int64) (s sight, picture []byte, err error) {
	if err = chromedp.Do(ctx, chromedp.EmulateViewport(width, 900), chromedp.Navigate(address)); err != nil {
		return s, nil, err
	}
	if s, err = chromedp.Run(ctx, chromedp.Evaluate[sight](measure)); err != nil {
		return s, nil, err
	}
	picture, err = chromedp.Run(ctx, chromedp.FullScreenshot(100))
	return s, picture, err
}

// measure reports how wide the page is, and the element that makes it so.
const measure = `(() => {
	const limit = document.documentElement.clientWidth;
	const out = [...document.querySelectorAll('main *, header *')].find(e => e.getBoundingClientRect().right > limit + 1 && !e.closest('.hidden, thead'));
	return {
		wide: document.documentElement.scrollWidth,
		ground: getComputedStyle(document.body).backgroundColor,
		widest: out ? out.outerHTML.slice(0, 120) : '',
	};
})()`

var unsafe = regexp.MustCompile(`^http://[^/]*|[^a-z0-9]+`)

// save keeps a screenshot where the environment asks for them.
func save(t *testing.T, address string, width int64, picture []byte) {
	t.Helper()
	dir := os.Getenv("DUBAN_TEST_ARTIFACTS")
	if dir == "" {
		return
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("console%s%d.png", unsafe.ReplaceAllString(address+"/", "-"), width)
	if err := os.WriteFile(filepath.Join(dir, name), picture, 0o600); err != nil {
		t.Fatal(err)
	}
}
