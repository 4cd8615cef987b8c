package chart

import "html/template"

// Bars is a chart of how often something is as much as Base, in groups of one
// bar for each series.
type Bars struct {
	ID          string // unique in the page
	Title, Desc string
	Scale       Scale
	Base        float64 // where bars begin
	Groups      []Group
}

// Group is what is compared, under its name.
type Group struct {
	Name string
	Bars []Bar
	Goal float64 // marked; 0: there is none
}

// Bar is one of them.
type Bar struct {
	Class int
	Value float64
	Text  string // at its end
}

// How tall things are, and the room for the text behind the longest bar.
const (
	barHeight = 12
	barStep   = 15
	nameStep  = 17
	groupStep = 10
	scaleStep = 38
	barLeft   = 12
	barRight  = 62
)

// SVG draws it.
func (b Bars) SVG() (template.HTML, error) {
	d := barsDrawing{Bars: b, Width: Width, Left: barLeft, Right: Width - barRight, BarHeight: barHeight}
	y := 4
	for _, g := range b.Groups {
		placed := group{Name: g.Name, At: y + nameStep - 5}
		y += nameStep
		placed.From = y - 1
		for _, bar := range g.Bars {
			from, to := d.x(b.Base), d.x(bar.Value)
			from, to = min(from, to), max(from, to)
			placed.Bars = append(placed.Bars, placedBar{
				Class: bar.Class, At: from, Wide: max(to-from, 1), Y: y,
				Text: bar.Text, TextAt: d.clear(to, g.Goal), TextY: y + barHeight - 2,
			})
			y += barStep
		}
		placed.To = y - barStep + barHeight + 1
		if g.Goal > 0 {
			placed.HasGoal, placed.Goal = true, d.x(g.Goal)
		}
		d.Placed = append(d.Placed, placed)
		y += groupStep
	}
	d.Bottom, d.Height, d.Zero = y, y+scaleStep, d.x(b.Base)
	d.Middle = (d.Left + d.Right) / 2
	for _, t := range b.Scale.Ticks {
		d.Across = append(d.Across, mark{d.x(t.At), t.Text})
	}
	return draw("bars", d)
}

// barsDrawing is Bars with everything in its place.
type barsDrawing struct {
	Bars
	Width, Height, Left, Right, Bottom, Middle, BarHeight int
	Zero                                                  float64
	Across                                                []mark
	Placed                                                []group
}

type group struct {
	Name         string
	At, From, To int
	Bars         []placedBar
	HasGoal      bool
	Goal         float64
}

type placedBar struct {
	Class, Y, TextY int
	At, Wide        float64
	Text            string
	TextAt          float64
}

func (d *barsDrawing) x(v float64) float64 {
	return float64(d.Left) + d.Scale.at(v)*float64(d.Right-d.Left)
}

// clear returns where a text begins that stands behind a bar's end, and not
// across the mark of the goal.
func (d *barsDrawing) clear(end, goal float64) float64 {
	const gap, wide = 5, 42
	at := end + gap
	if mark := d.x(goal); goal > 0 && mark > end-gap && mark < at+wide {
		at = mark + gap
	}
	return at
}
