package ledger

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
)

// magic begins each file: a ledger of another version is not read.
const magic = "outrider ledger 1\n"

// ext is that of the files of a ledger, each of one process.
const ext = ".ledger"

// maxRecord bounds the bytes of one record.
const maxRecord = 256

// ErrFull is what a Writer returns once its file has reached its bound.
var ErrFull = errors.New("ledger: the file is full")

// Writer writes one process's part of a ledger. It is used by one goroutine.
type Writer struct {
	f     *os.File
	w     *bufio.Writer
	codec codec
	buf   []byte
	room  int64
	err   error
}

// Create makes the file of a name in a ledger's directory, of so many bytes at
// most.
func Create(dir, name string, bound int64) (*Writer, error) {
	f, err := os.OpenFile(filepath.Join(dir, name+ext), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	w := &Writer{f: f, w: bufio.NewWriterSize(f, 256<<10), room: bound - int64(len(magic)) - maxRecord}
	_, w.err = w.w.WriteString(magic)
	return w, nil
}

// Append adds a record. After an error, which Close returns too, nothing is
// added any more: a ledger with a gap would accuse the server.
func (w *Writer) Append(r *Record) {
	if w.err != nil {
		return
	}
	w.buf = w.codec.append(w.buf[:0], r)
	if w.room -= int64(len(w.buf)); w.room < 0 && r.Event != Ended {
		w.err = ErrFull
		return
	}
	_, w.err = w.w.Write(w.buf)
}

// Close writes the last record, without which the file is not complete.
func (w *Writer) Close(at int64, foreign uint64) error {
	w.Append(&Record{Event: Ended, At: at, Number: foreign})
	return errors.Join(w.err, w.w.Flush(), w.f.Close())
}

// Files lists the files of a ledger.
func Files(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*"+ext))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("ledger: there is none in %q", dir)
	}
	slices.Sort(files)
	return files, err
}

// records reads a file from its start. The record is valid until the next.
func records(file string) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		fail := func(err error) { yield(nil, fmt.Errorf("%s: %w", file, err)) }
		f, err := os.Open(file)
		if err != nil {
			fail(err)
			return
		}
		defer f.Close()
		in := bufio.NewReaderSize(f, 256<<10)
		head := make([]byte, len(magic))
		if _, err := io.ReadFull(in, head); err != nil || string(head) != magic {
			fail(errors.New("not a ledger of this version"))
			return
		}
		var c codec
		var r Record
		for {
			p, err := in.Peek(maxRecord)
			if err != nil && err != io.EOF {
				fail(err)
				return
			}
			if len(p) == 0 {
				fail(errors.New("it is cut short"))
				return
			}
			n, err := c.parse(p, &r)
			if err != nil {
				fail(err)
				return
			}
			_, _ = in.Discard(n) // it was peeked at
			if !yield(&r, nil) || r.Event == Ended {
				return
			}
		}
	}
}
