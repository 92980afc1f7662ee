package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"duban/models"
	"duban/workflows"
)

func TestAttachmentsAreForThoseWhoSeeTheInstance(t *testing.T) {
	b := newBureau(t)
	begin := fmt.Sprintf("/obligations/%d/begin/extension", b.duties[models.Completion].ID)
	owner := b.as("owner")
	page := []byte("<html><script>alert(1)</script></html>")
	// The form is refused, and its file is kept: for its owner alone.
	w := owner.upload(begin, url.Values{"reason": {"推迟"}}, `C:\合同 "1"`+".html", page)
	expect(t, w, http.StatusUnprocessableEntity, "延期至：必填", "已上传", "合同")
	if !strings.Contains(w.Body.String(), `name="proof.kept" value="1"`) {
		t.Fatal(w.Body.String())
	}
	expect(t, owner.get("/attachments/1"), http.StatusOK)
	expect(t, b.as("manager").get("/attachments/1"), http.StatusForbidden)
	// Nobody else can name it, not even to learn what it is called.
	other := b.as("second")
	w = other.post(fmt.Sprintf("/obligations/%d/begin/extension", b.duties[models.Completion].ID), url.Values{"proof.kept": {"1"}})
	if strings.Contains(w.Body.String(), "合同") {
		t.Error("the name of somebody's file is told")
	}
	expect(t, owner.post(begin, url.Values{"reason": {"推迟"}, "new_date": {"2025-12-31"}, "proof.kept": {"1"}}), http.StatusSeeOther)
	w = b.as("manager").get("/attachments/1")
	expect(t, w, http.StatusOK)
	h := w.Header()
	if !bytes.Equal(w.Body.Bytes(), page) || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment; filename") ||
		h.Get("Content-Type") != "application/octet-stream" || h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("headers %v", h)
	}
	expect(t, b.as("stranger").get("/attachments/1"), http.StatusForbidden)
	expect(t, b.visitor().get("/attachments/1"), http.StatusSeeOther, "/login")
	expect(t, owner.get("/attachments/9"), http.StatusNotFound)
	expect(t, b.as("manager").get("/instances/1"), http.StatusOK, "证明材料", "合同")
}

func TestAFileThatIsTooLargeIsRefused(t *testing.T) {
	b := newBureau(t)
	begin := fmt.Sprintf("/obligations/%d/begin/extension", b.duties[models.Completion].ID)
	owner := b.as("owner")
	values := url.Values{"reason": {"推迟"}, "new_date": {"2025-12-31"}}
	w := owner.upload(begin, values, "a.pdf", make([]byte, models.MaxAttachment+1))
	expect(t, w, http.StatusUnprocessableEntity, "证明材料：不得超过 10 MB")
	w = owner.upload(begin, values, "a.pdf", make([]byte, 3*models.MaxAttachment))
	expect(t, w, http.StatusRequestEntityTooLarge, "10 MB")
	expect(t, owner.upload(begin, values, "b.pdf", append([]byte("%PDF-1.7\n"), make([]byte, models.MaxAttachment-9)...)), http.StatusSeeOther)
	expect(t, owner.post(begin, url.Values{"reason": {strings.Repeat("x", 2<<20)}}), http.StatusRequestEntityTooLarge)
}

func TestAFileCanBeTakenAwayAgain(t *testing.T) {
	b := newBureau(t)
	begin := fmt.Sprintf("/obligations/%d/begin/extension", b.duties[models.Completion].ID)
	owner := b.as("owner")
	values := url.Values{"reason": {"推迟"}, "new_date": {"2025-12-31"}}
	expect(t, owner.upload(begin, values, "a.txt", []byte("一")), http.StatusSeeOther)
	in := workflows.Instance{ID: 1}
	expect(t, b.as("manager").decide(in, "send_back", "comment", "换一份", "step", "apply").w, http.StatusSeeOther)
	expect(t, owner.decide(in, "submit", "reason", "推迟", "new_date", "2025-12-31", "proof.drop", "1").w, http.StatusSeeOther)
	if v, err := b.engine.View(t.Context(), 1); err != nil || v.State.Form["proof"] != "" {
		t.Errorf("%v, %v", v.State.Form, err)
	}
}
