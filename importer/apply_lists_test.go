package importer_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"duban/importer"
	"duban/models"
	"duban/models/modelstest"
)

const sample = "../deploy/sample/"

func sampleFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(sample + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// withSample is a store that holds the sample's projects in December.
func withSample(t *testing.T, s *models.Store) {
	t.Helper()
	draft, err := importer.ReadTargets("targets.txt", sampleFile(t, "targets-2025.txt"), importer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	apply(t, s, draft, importer.ApplyOptions{})
}

func applyPayments(t *testing.T, s *models.Store, csv []byte, opt importer.ListOptions) *importer.ListResult {
	t.Helper()
	sheet, err := importer.ReadPayments("p.csv", csv, importer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	res, err := importer.ApplyPayments(t.Context(), s, "tester", sheet, opt)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestPaymentsAreTakenOnce(t *testing.T) {
	clock := newYear()
	clock.Advance(364 * 24 * 3600e9)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		withSample(t, s)
		first := applyPayments(t, s, sampleFile(t, "payments-2025.csv"), importer.ListOptions{})
		if first.Added == 0 || len(first.Rejected) != 0 {
			t.Fatalf("%+v", first)
		}
		if n := count(t, s, "payments", "1=1"); int(n) != first.Added {
			t.Errorf("%d payments stored of %d", n, first.Added)
		}
		again := applyPayments(t, s, sampleFile(t, "payments-2025.csv"), importer.ListOptions{})
		if again.Added != 0 || again.Unchanged != first.Added || len(again.Rejected) != 0 {
			t.Errorf("again: %+v", again)
		}
	})
}

const header = "项目编码,项目名称,支付日期,支付金额,凭证号\n"

func TestRowsThatCannotBeTakenAreRejectedWithTheReason(t *testing.T) {
	clock := newYear()
	clock.Advance(170 * 24 * 3600e9) // 20 June
	s := modelstest.Open(t, models.SQLite, clock)
	withSample(t, s)
	good := "13020025P00260010003Q,会议费,2025-03-20,100.00,记-1\n"
	applyPayments(t, s, []byte(header+good), importer.ListOptions{})
	for name, c := range map[string]struct{ row, reason string }{
		"an unknown project":           {"X,会议费,2025-03-20,1,记-9", "没有这个项目"},
		"a code and a name that clash": {"13020025P00260010003Q,租车费,2025-03-20,1,记-9", "不符"},
		"a day to come":                {"13020025P00260010003Q,,2025-06-21,1,记-9", "晚于今天"},
		"another year":                 {"13020025P00260010003Q,,2024-12-31,1,记-9", "没有这个项目"},
		"a voucher with other words":   {"13020025P00260010003Q,,2025-03-20,100.01,记-1", "另用一个凭证号"},
		"an unknown name":              {",没有的项目,2025-03-20,1,记-9", "没有这个项目"},
		"a voucher that is too long":   {"13020025P00260010003Q,,2025-03-20,1," + strings.Repeat("记", 65), "最多 64 个"},
	} {
		t.Run(name, func(t *testing.T) {
			fine := "13020025P00260010003Q,会议费,2025-04-20,5.00,记-2\n"
			res := applyPayments(t, s, []byte(header+fine+c.row+"\n"), importer.ListOptions{})
			if len(res.Rejected) != 1 || !strings.Contains(res.Rejected[0].Reason, c.reason) || res.Rejected[0].Line != 3 {
				t.Fatalf("rejected %+v; want line 3: %s", res.Rejected, c.reason)
			}
			if n := count(t, s, "payments", "1=1"); n != 1 {
				t.Errorf("%d payments stored; of a file with a bad row nothing is", n)
			}
			var out bytes.Buffer
			if err := importer.WriteRejected(&out, res.Header, res.Rejected); err != nil || !strings.Contains(out.String(), c.reason) {
				t.Errorf("the file of rejected rows: %v\n%s", err, out.String())
			}
		})
	}
	twice := applyPayments(t, s, []byte(header+"13020025P00260010003Q,,2025-04-20,5.00,记-3\n,会议费,2025-04-20,5.00,记-3\n"), importer.ListOptions{})
	if len(twice.Rejected) != 1 || !strings.Contains(twice.Rejected[0].Reason, "已经用于同一项目") {
		t.Errorf("a voucher named by code and by name: %+v", twice)
	}
	partial := applyPayments(t, s, []byte(header+"X,,2025-03-20,1,记-9\n13020025P00260010003Q,,2025-04-20,5.00,记-2\n"), importer.ListOptions{Partial: true})
	if partial.Added != 1 || len(partial.Rejected) != 1 || count(t, s, "payments", "1=1") != 2 {
		t.Errorf("partial: %+v", partial)
	}
}

func TestAProjectMayBeNamedInsteadOfCoded(t *testing.T) {
	clock := newYear()
	clock.Advance(170 * 24 * 3600e9)
	s := modelstest.Open(t, models.SQLite, clock)
	withSample(t, s)
	res := applyPayments(t, s, []byte("项目名称,支付日期,支付金额（万元）,凭证号\n会议费,2025年3月20日,0.01,记-1\n"), importer.ListOptions{})
	if res.Added != 1 || count(t, s, "payments", "amount = 10000") != 1 {
		t.Errorf("%+v", res)
	}
}

func TestPeopleAndAssignments(t *testing.T) {
	modelstest.Each(t, newYear(), func(t *testing.T, s *models.Store) {
		withSample(t, s)
		for round, wantPeople := range []int{9, 0} {
			sheet, err := importer.ReadPeople("people.csv", sampleFile(t, "people.csv"))
			if err != nil {
				t.Fatal(err)
			}
			res, err := importer.ApplyPeople(t.Context(), s, "tester", sheet, importer.ListOptions{})
			if err != nil || res.Added != wantPeople || len(res.Rejected) != 0 {
				t.Fatalf("round %d: %+v, %v", round, res, err)
			}
			who, err := importer.ReadAssignments("a.csv", sampleFile(t, "assignments-2025.csv"))
			if err != nil {
				t.Fatal(err)
			}
			res, err = importer.ApplyAssignments(t.Context(), s, "tester", who, importer.ListOptions{})
			if err != nil || len(res.Rejected) != 0 || res.Changed != []int{19, 0}[round] {
				t.Fatalf("round %d: %+v, %v", round, res, err)
			}
		}
		if n := count(t, s, "projects", "owner_id = 0 OR manager_id = 0"); n != 0 {
			t.Errorf("%d projects have nobody", n)
		}
		bad, err := importer.ReadAssignments("a.csv", []byte("项目编码,经办人\n13020025P00260010003Q,查无此人\n"))
		if err != nil {
			t.Fatal(err)
		}
		res, err := importer.ApplyAssignments(t.Context(), s, "tester", bad, importer.ListOptions{})
		if err != nil || len(res.Rejected) != 1 {
			t.Errorf("an unknown person: %+v, %v", res, err)
		}
	})
}

func TestTextsThatNoColumnHoldsAreRefusedWithTheirLine(t *testing.T) {
	text := string(sampleFile(t, "targets-2025.txt"))
	long := strings.ReplaceAll(text, "会议召开次数", strings.Repeat("长", 256))
	draft, err := importer.ReadTargets("long.txt", []byte(long), importer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := modelstest.Open(t, models.SQLite, newYear())
	_, err = importer.Apply(t.Context(), s, "tester", draft, importer.ApplyOptions{})
	var bad *importer.Error
	if !errors.As(err, &bad) || bad.Code != importer.ErrTextTooLong || bad.Line == 0 || count(t, s, "projects", "1=1") != 0 {
		t.Errorf("got %v", err)
	}
}

func TestAUnitWithoutACodeGoesByItsName(t *testing.T) {
	modelstest.Each(t, newYear(), func(t *testing.T, s *models.Store) {
		for i := range 2 {
			draft, err := importer.ReadTargets("t.txt", sampleFile(t, "targets-2025.txt"), importer.Options{})
			if err != nil {
				t.Fatal(err)
			}
			draft.Units[0].Code, draft.Units[0].Name = "", fmt.Sprintf("无码单位%d", i)
			for j := range draft.Units[0].Projects {
				draft.Units[0].Projects[j].Code += strconv.Itoa(i)
			}
			apply(t, s, draft, importer.ApplyOptions{})
		}
		if n := count(t, s, "units", "1=1"); n != 2 {
			t.Errorf("%d units; want 2", n)
		}
	})
}

func TestSpendingBeyondTheBudgetIsTakenAndWarnedOf(t *testing.T) {
	clock := newYear()
	clock.Advance(170 * 24 * 3600e9)
	s := modelstest.Open(t, models.SQLite, clock)
	withSample(t, s)
	res := applyPayments(t, s, []byte(header+"13020025P00260010003Q,会议费,2025-03-20,99999999,记-1\n"), importer.ListOptions{})
	byName := applyPayments(t, s, []byte(header+",租车费,2025-03-20,99999999,记-2\n"), importer.ListOptions{})
	if len(byName.Warnings) != 1 || !strings.Contains(byName.Warnings[0], "租车费") {
		t.Errorf("a project that goes by its name: %+v", byName)
	}
	if res.Added != 1 || len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "9999.9999 万元，超过预算 1.40 万元") {
		t.Errorf("%+v", res)
	}
}

func TestAListIsCompleteUpToItsLastPaymentUnlessItSaysOtherwise(t *testing.T) {
	clock := newYear()
	clock.Advance(170 * 24 * 3600e9)
	s := modelstest.Open(t, models.SQLite, clock)
	withSample(t, s)
	upTo := func(day string) {
		t.Helper()
		if n := count(t, s, "units", "records_as_of = ?", day); n != 1 {
			t.Errorf("the records are not known to end on %s", day)
		}
	}
	applyPayments(t, s, []byte(header+"13020025P00260010003Q,会议费,2025-03-20,1,记-1\n"), importer.ListOptions{})
	upTo("2025-03-20")
	applyPayments(t, s, []byte("支出明细（截至2025年4月30日）\n"+header+"13020025P00260010003Q,会议费,2025-04-02,1,记-2\n"), importer.ListOptions{})
	upTo("2025-04-30")
	applyPayments(t, s, []byte(header+"13020025P00260010003Q,会议费,2025-02-02,1,记-3\n"), importer.ListOptions{})
	upTo("2025-04-30")
}
