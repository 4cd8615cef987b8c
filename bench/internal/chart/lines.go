package chart

import (
	"fmt"
	"html/template"
	"strings"
)

// Width is how wide charts are, in the units of their drawing.
const Width = 380

// Lines is a chart of curves.
type Lines struct {
	ID          string // unique in the page
	Title, Desc string
	X, Y        Scale
	Series      []Series
	Bands       []Band // behind the curves
}

// Series is one curve.
type Series struct {
	Class  int       // which of the style sheet's
	Pieces [][]Point // between which there is a gap
}

// Point is a point of a curve.
type Point struct{ X, Y float64 }

// Band is a part of the X axis that has a name.
type Band struct {
	From, To float64
	Name     string
}

// What surrounds the curves.
const (
	lineHeight = 240
	left       = 60
	right      = 20
	above      = 20
	below      = 42
)

// SVG draws it.
func (l Lines) SVG() (template.HTML, error) {
	d := linesDrawing{Lines: l, Width: Width, Height: lineHeight, Left: left, Right: Width - right, Top: above, Bottom: lineHeight - below}
	d.Middle, d.Room = (d.Left+d.Right)/2, d.Bottom-d.Top
	for _, t := range l.X.Ticks {
		d.Across = append(d.Across, mark{d.x(t.At), t.Text})
	}
	for _, t := range l.Y.Ticks {
		d.Up = append(d.Up, mark{d.y(t.At), t.Text})
	}
	for i, b := range l.Bands {
		from, to := d.x(b.From), d.x(b.To)
		d.Behind = append(d.Behind, band{from, to - from, (from + to) / 2, fitting(b.Name, to-from), i % 2})
	}
	for _, s := range l.Series {
		d.Curves = append(d.Curves, curve{s.Class, d.path(s)})
	}
	return draw("lines", d)
}

// linesDrawing is Lines with everything in its place.
type linesDrawing struct {
	Lines
	Width, Height, Left, Right, Top, Bottom, Middle, Room int
	Across, Up                                            []mark
	Behind                                                []band
	Curves                                                []curve
}

type mark struct {
	At   float64
	Text string
}

type band struct {
	At, Wide, Middle float64
	Name             string
	Odd              int
}

type curve struct {
	Class int
	Path  string
}

func (d *linesDrawing) x(v float64) float64 {
	return float64(d.Left) + d.X.at(v)*float64(d.Right-d.Left)
}

func (d *linesDrawing) y(v float64) float64 {
	return float64(d.Bottom) - d.Y.at(v)*float64(d.Bottom-d.Top)
}

func (d *linesDrawing) path(s Series) string {
	var b strings.Builder
	for _, piece := range s.Pieces {
		for i, p := range piece {
			verb := 'L'
			if i == 0 {
				verb = 'M'
			}
			fmt.Fprintf(&b, "%c%.1f %.1f", verb, d.x(p.X), d.y(p.Y))
		}
		if len(piece) == 1 { // a dot: lines have round ends
			b.WriteString("h0")
		}
	}
	return b.String()
}

// fitting returns a text if there is room for it, and else nothing.
func fitting(text string, room float64) string {
	const letter = 6
	if float64(letter*len([]rune(text))) > room {
		return ""
	}
	return text
}
