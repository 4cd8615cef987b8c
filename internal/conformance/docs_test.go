package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestDocs: the tests that the documents name as their proof exist.
func TestDocs(t *testing.T) {
	defined := make(map[string]bool)
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	for _, dir := range []string{"../../engineio", "../../socketio", "../e2e", "."} {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range function.FindAllSubmatch(text, -1) {
				defined[string(match[1])] = true
			}
		}
	}
	name := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")
	for _, doc := range []string{"protocol.md", "official-tests.md"} {
		text, err := os.ReadFile("../../docs/" + doc)
		if err != nil {
			t.Fatal(err)
		}
		named := name.FindAllSubmatch(text, -1)
		if len(named) < 50 {
			t.Errorf("%s names %d tests only: has its form changed?", doc, len(named))
		}
		for _, match := range named {
			if !defined[string(match[1])] {
				t.Errorf("%s names %s, which does not exist", doc, match[1])
			}
		}
	}
}
