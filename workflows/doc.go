// Package workflows answers who must decide, and what happens then.
//
// # The model
//
// A [Definition] (流程定义) is written in YAML. It has a form, the step "apply"
// in which somebody fills the form in, the steps in which others decide, and
// the business effects of an approval. [Parse] reads it, reports every problem
// at once, and a parsed definition never changes.
//
// A field of the form holds one value, or a table (表格) of them: with rows that
// a person enters freely, or one for each indicator or checkpoint of the case.
// Its stored form is unique, so that equal forms have equal hashes, and a sum
// (合计) is never entered, so that it cannot contradict its table.
//
// A [State] is one running instance (流程实例). The steps lie in one line, and
// one of them is current; the next is always the first step that applies and
// has not been passed. That one sentence is all the routing there is:
//
//   - A condition (金额 over 50 万元) is asked again whenever the instance moves
//     on, so a figure that a step corrects can bring an earlier step back.
//   - Sending back (退回) only takes steps off the list of passed ones: the
//     chosen step alone (straight, 直送), or it and all behind it (逐级).
//   - A changed form takes off everything behind the step that changed it.
//
// Entering a step opens a round of it. Each person asked has a seat: one
// [Task]. Signers that a person adds (加签) hang below that person's seat and
// are part of it, so the four modes (会签, 或签, 依次, 比例) count seats and need
// not know about added signers.
//
// [Decide] is the one function that changes a state. It is pure: people, their
// delegations and the working-day calendar come in as a [Directory], time comes
// in with the [Action], and what must happen outside comes out as [Effect]
// values. The same inputs give the same outputs, so it can be fuzzed, rehearsed
// before a definition is published, and replayed from history.
//
// # What always holds
//
//   - Nobody approves an application of their own, unless the step says
//     "self: allow"; neither directly, nor for somebody else on leave, nor after
//     a transfer. A step that would ask the applicant asks the next one up,
//     except for 或签 as long as others remain.
//   - Time never approves anything. The ladder of a time limit ends at the
//     overdue list (超期清单).
//   - A decision is taken once: an action names the version of the task that
//     its person saw, and a stale one is told who acted.
//   - There is no dead end. A seat for which nobody can be found is opened
//     without a person, and an administrator assigns it.
package workflows
