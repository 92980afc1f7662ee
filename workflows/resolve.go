package workflows

import "slices"

// seat is one person whom a step asks, 0 for nobody, and why.
type seat struct {
	person int64
	why    Reason
}

// seats resolves whom a step asks. No seats means that the step is skipped,
// which happens only if it says so and nobody at all holds its parties.
func (c *turn) seats(step Step) []seat {
	asked := c.ask(step, step.Who, OriginParty)
	if len(asked) == 0 {
		switch step.Empty {
		case EmptySkip:
			return nil
		case EmptyFallback:
			asked = c.ask(step, step.Fallback, OriginFallback)
		case EmptyError:
		}
	}
	if len(asked) == 0 {
		return []seat{{0, Reason{How: OriginNobody}}}
	}
	return asked
}

// ask seats the holders of parties. Those who may not decide are replaced by
// the next one up; where any decision suffices, they are only left out as long
// as others remain.
func (c *turn) ask(step Step, parties []Party, how Origin) []seat {
	var free, all []seat
	for _, party := range parties {
		for _, person := range c.people.holders(party) {
			s := seat{person, Reason{Party: party, How: how}}
			if c.barred(step, person) != nil {
				s.why.How, s.why.Instead = OriginUp, person
				if s.person = c.nextUp(step, person); s.person == 0 {
					s.why.How = OriginNobody
				}
			} else {
				free = appendSeat(free, s)
			}
			all = appendSeat(all, s)
		}
	}
	if step.Mode == ModeAny && len(free) > 0 {
		return free
	}
	return all
}

// appendSeat adds a seat unless its person has one.
func appendSeat(seats []seat, s seat) []seat {
	if slices.ContainsFunc(seats, func(have seat) bool { return have.person == s.person }) {
		return seats
	}
	return append(seats, s)
}

// nextUp returns the lowest of the superiors of a person who may decide the
// step, 0 if there is none. Somebody outside the chain is below all of it.
func (c *turn) nextUp(step Step, person int64) int64 {
	above := 0
	for i, party := range c.def.Upwards {
		if slices.Contains(c.people.holders(party), person) {
			above = i + 1
		}
	}
	for _, party := range c.def.Upwards[above:] {
		for _, id := range c.people.holders(party) {
			if id != person && c.barred(step, id) == nil {
				return id
			}
		}
	}
	return 0
}
