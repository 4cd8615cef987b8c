// Package chart draws line and bar charts as SVG for a page of HTML: text that
// stands in the page itself, so that nothing has to be loaded.
//
// A chart says how things are placed and nothing of how they look: the page's
// style sheet gives the classes their colours, dark or light. Class s0 is the
// first series, s1 the second, and so on; grid, axis, band, base and goal are
// what their names say. All charts are Width wide and made to be shown at about
// that size, on a phone alone in a row, on a desk beside each other: their text
// is then legible on both.
//
// Each has a title and a description for those who do not see it. The figures
// belong in a table beside it.
package chart
