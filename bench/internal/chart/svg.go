package chart

import (
	_ "embed"
	"fmt"
	"html/template"
	"strings"
)

//go:embed svg.tmpl
var text string

// draw fills a template in. What comes out has been escaped by it.
func draw(name string, drawing any) (template.HTML, error) {
	t, err := template.New("").Funcs(template.FuncMap{
		"px": func(v float64) string { return fmt.Sprintf("%.1f", v) },
	}).Parse(text)
	if err != nil {
		return "", fmt.Errorf("chart: %w", err)
	}
	var out strings.Builder
	if err := t.ExecuteTemplate(&out, name, drawing); err != nil {
		return "", fmt.Errorf("chart: %w", err)
	}
	return template.HTML(strings.TrimSpace(out.String())), nil
}
