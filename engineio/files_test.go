package engineio_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"outrider/engineio"
)

// TestFiles serves what npm's folder dist has, as the official server does with serveClient.
func TestFiles(t *testing.T) {
	script := strings.Repeat("io.connect();\n", 50_000) // more than a queue holds
	noise := make([]byte, 1000)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	s := serve(t, engineio.Config{Paths: []string{"/engine.io", "/ws"}, CORS: &engineio.CORS{}, Files: fstest.MapFS{
		"socket.io.min.js":     {Data: []byte(script)},
		"socket.io.min.js.map": {Data: []byte("{}")},
		"noise.js":             {Data: noise},
		"package.json":         {Data: []byte("{}")},
		"dir.js/a.js":          {Data: []byte("x")},
	}}, nil)
	c := s.dial()
	get := func(method, target string, headers ...string) answer {
		t.Helper()
		c.send(request(method, target, "", headers...))
		return c.answer(method)
	}

	plain := get("GET", "/engine.io/socket.io.min.js", "Origin: http://a").is(t, 200, script)
	etag := plain.Header.Get("Etag")
	for name, want := range map[string]string{
		"Content-Type": "application/javascript; charset=utf-8", "Content-Encoding": "", "Cache-Control": "public, max-age=0",
		"Access-Control-Allow-Origin": "http://a",
	} {
		if got := plain.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	zipped := get("GET", "/ws/socket.io.min.js?v=1", "Accept-Encoding: br, gzip")
	r, err := gzip.NewReader(strings.NewReader(zipped.body))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); err != nil || string(text) != script || zipped.Header.Get("Etag") != etag {
		t.Errorf("unzipped %d bytes, %v, ETag %q and %q", len(text), err, zipped.Header.Get("Etag"), etag)
	}
	if a := get("GET", "/engine.io/noise.js", "Accept-Encoding: gzip"); a.body != string(noise) || a.Header.Get("Content-Encoding") != "" {
		t.Error("what does not shrink is not sent as it is")
	}
	if a := get("HEAD", "/engine.io/socket.io.min.js"); a.StatusCode != 200 || a.ContentLength != int64(len(script)) || a.body != "" {
		t.Errorf("HEAD: %v, %d bytes", a, a.ContentLength)
	}
	for _, condition := range []string{etag, strings.TrimPrefix(etag, "W/"), "*", `"x", ` + etag} {
		get("GET", "/engine.io/socket.io.min.js", "If-None-Match: "+condition).is(t, 304, "")
	}
	get("GET", "/engine.io/socket.io.min.js", `If-None-Match: "x"`).is(t, 200, script)
	if a := get("GET", "/engine.io/socket.io.min.js.map").is(t, 200, "{}"); a.Header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Error(a.Header)
	}

	for _, other := range []string{"package.json", "dir.js", "dir.js/a.js", "socket.io.js", "../socket.io.min.js", ""} {
		get("GET", "/engine.io/"+other).refused(t, 0, "Transport unknown")
	}
	get("DELETE", "/engine.io/socket.io.min.js").refused(t, 0, "Transport unknown")
	parseHandshake(t, get("GET", "/engine.io/socket.io.min.js?EIO=4&transport=polling").body)
}

// TestFilesBounds: as many files and bytes as are allowed, and one more.
func TestFilesBounds(t *testing.T) {
	many := fstest.MapFS{}
	for i := range 64 {
		many[fmt.Sprintf("%d.js", i)] = &fstest.MapFile{}
	}
	more := fstest.MapFS{"65.js": {}}
	maps.Copy(more, many)
	for name, tt := range map[string]struct {
		files fstest.MapFS
		ok    bool
	}{
		"64 files":        {many, true},
		"65 files":        {more, false},
		"16 MiB":          {fstest.MapFS{"a.js": {Data: make([]byte, 16<<20)}, "b.txt": {Data: []byte("x")}}, true},
		"a byte too much": {fstest.MapFS{"a.js": {Data: bytes.Repeat([]byte{0}, 16<<20)}, "b.js": {Data: []byte("x")}}, false},
	} {
		srv, err := engineio.NewServer(engineio.Config{Handler: parrot{}, Files: tt.files})
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
		if srv != nil {
			_ = srv.Close()
		}
	}
}
