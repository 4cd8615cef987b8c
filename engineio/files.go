package engineio

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"

	"outrider/internal/httpwire"
)

// Bounds of Config.Files.
const (
	maxFiles     = 64
	maxFileBytes = 16 << 20 // of all of them
)

// fileTypes are what is served of Config.Files, by the ends of names.
var fileTypes = []struct{ suffix, contentType string }{
	{".js", "application/javascript; charset=utf-8"},
	{".map", "application/json; charset=utf-8"},
}

// file is a file that is served, ready to be sent.
type file struct {
	contentType string
	etag        string
	plain, zip  []byte // zip is nil if it is not shorter
}

// loadFiles reads and compresses what is to be served: once, so that a request
// costs a look-up and the bytes are shared by all that get them.
func loadFiles(fsys fs.FS) (map[string]*file, error) {
	if fsys == nil {
		return nil, nil
	}
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("engineio: Config.Files: %w", err)
	}
	files, size := make(map[string]*file), int64(0)
	for _, entry := range entries {
		contentType := fileType(entry.Name())
		if contentType == "" || !entry.Type().IsRegular() {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return nil, fmt.Errorf("engineio: Config.Files: %w", err)
		}
		if size += info.Size(); size > maxFileBytes || len(files) == maxFiles {
			return nil, fmt.Errorf("engineio: Config.Files: more than %d files or %d bytes", maxFiles, maxFileBytes)
		}
		text, err := fs.ReadFile(fsys, entry.Name())
		if err != nil {
			return nil, fmt.Errorf("engineio: Config.Files: %w", err)
		}
		files[entry.Name()] = newFile(contentType, text)
	}
	return files, nil
}

func fileType(name string) string {
	for _, t := range fileTypes {
		if strings.HasSuffix(name, t.suffix) {
			return t.contentType
		}
	}
	return ""
}

func newFile(contentType string, text []byte) *file {
	sum := sha256.Sum256(text)
	f := &file{contentType: contentType, plain: text, etag: `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
	var zipped bytes.Buffer
	zip, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression) // a level that there is
	_, _ = zip.Write(text)                                       // into memory: neither fails
	_ = zip.Close()
	if zipped.Len() < len(text) {
		f.zip = zipped.Bytes()
	}
	return f
}

// fileOf returns the file that a request for the engine asks for, nil for any
// other request. What has a transport is the engine's, whatever its path.
func (srv *Server) fileOf(head *httpwire.Head) *file {
	if srv.files == nil || !slices.Contains([]string{http.MethodGet, http.MethodHead}, string(head.Method)) {
		return nil
	}
	if _, is := httpwire.QueryValue(head.RawQuery, "transport", nil); is {
		return nil
	}
	dir, name := path.Split(string(head.Path))
	if !slices.Contains(srv.cfg.Paths, strings.TrimSuffix(dir, "/")) {
		return nil
	}
	return srv.files[name]
}

// answerFile sends a file, or says that the client has it.
func (h *httpConn) answerFile(f *file, head *httpwire.Head) {
	status, body := http.StatusOK, f.plain
	zipped := h.gzip && f.zip != nil
	if zipped {
		body = f.zip
	}
	if matches(head.Get("If-None-Match"), f.etag) {
		status, body = http.StatusNotModified, nil
	}
	out := httpwire.AppendStatus(h.shard.out[:0], status)
	out = append(out, h.cors...)
	out = httpwire.AppendHeader(out, "ETag", f.etag)
	out = append(out, "Cache-Control: public, max-age=0\r\nVary: Accept-Encoding\r\n"...)
	if status == http.StatusOK {
		out = httpwire.AppendHeader(out, "Content-Type", f.contentType)
		if zipped {
			out = append(out, "Content-Encoding: gzip\r\n"...)
		}
		out = httpwire.AppendContentLength(out, len(body))
	}
	h.shard.out = httpwire.AppendEnd(h.appendConnection(out))
	err := h.conn.SendCopy(h.shard.out)
	if err == nil && !h.headOnly && len(body) > 0 {
		_ = h.conn.Send(body) // shared; an error has closed the connection, which Closed hears of
	}
	h.done()
}

// matches reads an If-None-Match (RFC 9110 §13.1.2), which compares weakly.
func matches(list []byte, etag string) bool {
	for member := range bytes.SplitSeq(list, []byte(",")) {
		member = bytes.TrimSpace(member)
		if string(member) == "*" || string(bytes.TrimPrefix(member, []byte("W/"))) == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}
