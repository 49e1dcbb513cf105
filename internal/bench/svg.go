package bench

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// The picture: a row of panels for each quantity, a column for each curve.
const (
	panelWidth  = 280
	panelHeight = 170
	panelMargin = 46
)

// quantity is what a row of panels shows.
type quantity struct {
	name string
	of   func(Point) float64
}

var quantities = []quantity{
	{"p99, ms", func(p Point) float64 { return p.P99Ms }},
	{"CPU per fire, µs", func(p Point) float64 { return p.CPUMicros }},
	{"memory, MB", func(p Point) float64 { return float64(p.MemoryMB) }},
}

// SVG draws the curves with two logarithmic axes: a flat line means that ten times as
// much costs no more.
func (g *Growth) SVG(w io.Writer, caption string) error {
	width, height := panelWidth*len(g.Curves), panelHeight*len(quantities)+30
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" `+
		`font-size="11">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	for row, q := range quantities {
		for col, c := range g.Curves {
			panel{c, q, col * panelWidth, row * panelHeight}.draw(&b)
		}
	}
	fmt.Fprintf(&b, `<text x="8" y="%d" fill="#555">%s</text>`+"\n</svg>\n", height-8, escape(caption))
	_, err := io.WriteString(w, b.String())
	return err
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// panel is one small picture.
type panel struct {
	curve Curve
	q     quantity
	x, y  int // its corner
}

func (p panel) draw(b *strings.Builder) {
	x0, x1 := p.x+panelMargin, p.x+panelWidth-16
	top, bottom := p.y+30, p.y+panelHeight-34
	fmt.Fprintf(b, `<text x="%d" y="%d" font-weight="bold">%s</text>`+"\n", x0, p.y+18, escape(p.q.name))
	fmt.Fprintf(b, `<path d="M%d %dV%dH%d" fill="none" stroke="#888"/>`+"\n", x0, top, bottom, x1)
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle" fill="#555">%s</text>`+"\n", (x0+x1)/2, bottom+30,
		escape(p.curve.Name))
	lowest, highest := p.span()
	at := func(i int, v float64) (x, y float64) {
		x = float64(x0) + 14
		if n := len(p.curve.Points); n > 1 {
			x += float64(x1-x0-28) * float64(i) / float64(n-1)
		}
		share := (math.Log10(v) - lowest) / (highest - lowest)
		return x, float64(bottom) - share*float64(bottom-top)
	}
	for d := lowest; d <= highest; d++ {
		_, y := at(0, math.Pow(10, d))
		fmt.Fprintf(b, `<path d="M%d %.1fH%d" stroke="#eee"/><text x="%d" y="%.1f" text-anchor="end" `+
			`fill="#555">%s</text>`+"\n",
			x0+1, y, x1, x0-5, y+4, number(math.Pow(10, d)))
	}
	var line strings.Builder
	for i, point := range p.curve.Points {
		v := positive(p.q.of(point))
		x, y := at(i, v)
		fmt.Fprintf(&line, "%.1f,%.1f ", x, y)
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="#0a58ca"/><text x="%.1f" y="%.1f" `+
			`text-anchor="middle">%s</text>`+"\n", x, y, x, y-7, number(v))
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle" fill="#555">%s</text>`+"\n", x, bottom+15,
			number(float64(point.N)))
	}
	fmt.Fprintf(b, `<polyline points="%s" fill="none" stroke="#0a58ca" stroke-width="1.5"/>`+"\n",
		strings.TrimSpace(line.String()))
}

// span returns the decades that hold every value.
func (p panel) span() (lowest, highest float64) {
	lowest, highest = math.Inf(1), math.Inf(-1)
	for _, point := range p.curve.Points {
		v := math.Log10(positive(p.q.of(point)))
		lowest, highest = min(lowest, math.Floor(v)), max(highest, math.Ceil(v))
	}
	if len(p.curve.Points) == 0 {
		return 0, 1
	}
	return lowest, max(highest, lowest+1)
}

// positive raises values below 0.1 to 0.1, because only positive values have a logarithm.
func positive(v float64) float64 { return max(v, 0.1) }

// number writes a figure briefly: 1.5, 30, 10k, 2M.
func number(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%gM", math.Round(v/1e5)/10)
	case v >= 1e3:
		return fmt.Sprintf("%gk", math.Round(v/1e2)/10)
	case v >= 10 || v == math.Trunc(v):
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.1f", v)
}
