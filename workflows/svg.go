package workflows

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// The measures of a drawing, in pixels.
const (
	charWidth  = 7.5 // of a half-width character; a Chinese one is two wide
	lineHeight = 20
	padding    = 12
	minWidth   = 200
	gap        = 56 // between two boxes
	margin     = 24
	laneWidth  = 36 // between two edges that pass boxes by
)

// box is where a node is drawn.
type box struct{ y, height int }

// SVG draws the graph from top to bottom. Edges to the next box go straight
// down; those that pass boxes by have lanes of their own on the right.
func (g Graph) SVG() string {
	boxes, width, bottom := g.layout()
	right := margin + width
	lanes, beside, passing := g.labels()
	// The lanes lie to the right of the boxes and of what is written between them.
	first := max(right, margin+width/2+beside)
	total := first + lanes*laneWidth + passing + margin

	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" font-family="'Noto Sans CJK SC','Microsoft YaHei',sans-serif" font-size="14">`,
		total, bottom, total, bottom)
	fmt.Fprintf(&b, `<title>%s</title><rect width="100%%" height="100%%" fill="#fff"/>`, escape(g.Title))
	b.WriteString(`<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>`)
	fmt.Fprintf(&b, `<text x="%d" y="%d" font-weight="bold" font-size="16">%s</text>`, margin, margin+lineHeight/2, escape(g.Title))
	for i, n := range g.Nodes {
		n.draw(&b, boxes[i], width)
	}
	lane := 0
	for _, e := range g.Edges {
		from, to := boxes[e.From], boxes[e.To]
		if e.To == e.From+1 {
			drawStraight(&b, margin+width/2, from.y+from.height, to.y, e.Label)
			continue
		}
		lane++
		drawLane(&b, right, first+lane*laneWidth, from, to, e.Label)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// layout stacks the boxes and returns them with their common width and the
// height of the drawing.
func (g Graph) layout() (boxes []box, width, bottom int) {
	width = minWidth
	y := margin + 2*lineHeight
	for _, n := range g.Nodes {
		for _, line := range append([]string{n.Title}, n.Lines...) {
			width = max(width, textWidth(line)+2*padding)
		}
		height := (1+len(n.Lines))*lineHeight + padding
		boxes = append(boxes, box{y, height})
		y += height + gap
	}
	return boxes, width, y - gap + margin
}

// labels returns how many edges pass boxes by, and how wide the labels are
// beside the straight edges and beside the passing ones.
func (g Graph) labels() (lanes, beside, passing int) {
	for _, e := range g.Edges {
		if e.To > e.From+1 {
			lanes++
			passing = max(passing, textWidth(e.Label))
		} else {
			beside = max(beside, textWidth(e.Label))
		}
	}
	return lanes, beside, passing
}

func (n Node) draw(b *strings.Builder, at box, width int) {
	fill, corner := "#eef4fb", 6
	if n.End {
		fill, corner = "#e8f5e9", 20
	}
	fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" rx="%d" fill="%s" stroke="#456"/>`,
		margin, at.y, width, at.height, corner, fill)
	center := margin + width/2
	for i, line := range append([]string{n.Title}, n.Lines...) {
		weight, color := "normal", "#444"
		if i == 0 {
			weight, color = "bold", "#111"
		}
		fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle" font-weight="%s" fill="%s">%s</text>`,
			center, at.y+padding/2+(i+1)*lineHeight-5, weight, color, escape(line))
	}
}

func drawStraight(b *strings.Builder, x, y1, y2 int, label string) {
	fmt.Fprintf(b, `<path d="M%d %dV%d" stroke="#555" fill="none" marker-end="url(#arrow)"/>`, x, y1, y2)
	if label != "" {
		fmt.Fprintf(b, `<text x="%d" y="%d" fill="#8a4b00" font-size="12">%s</text>`, x+8, (y1+y2)/2+4, escape(label))
	}
}

// drawLane leaves a box in its lower part and enters the other in its upper
// part, so that two edges at one box do not meet.
func drawLane(b *strings.Builder, right, lane int, from, to box, label string) {
	y1, y2 := from.y+from.height-padding, to.y+padding
	fmt.Fprintf(b, `<path d="M%d %dH%dV%dH%d" stroke="#555" fill="none" stroke-dasharray="5 3" marker-end="url(#arrow)"/>`,
		right, y1, lane, y2, right)
	if label != "" {
		fmt.Fprintf(b, `<text x="%d" y="%d" fill="#8a4b00" font-size="12">%s</text>`, lane+6, (y1+y2)/2+4, escape(label))
	}
}

// textWidth estimates the width of a text.
func textWidth(s string) int {
	width := 0.0
	for _, r := range s {
		width += charWidth
		if r >= 0x2e80 {
			width += charWidth
		}
	}
	return int(width)
}

func escape(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		panic(err) // impossible: a strings.Builder takes everything
	}
	return b.String()
}
