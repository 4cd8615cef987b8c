package socketio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"outrider/socketio"
)

type typedOrder struct {
	Item  string               `json:"item"`
	Count int                  `json:"count"`
	Photo socketio.Placeholder `json:"photo"`
}

// typed serves handlers of every number of arguments, and notes what OnError was called with.
func typed(t *testing.T, setup func(*socketio.Namespace)) (*client, *notes) {
	t.Helper()
	failed := new(notes)
	_, addr := start(t, socketio.Config{}, func(s *socketio.Server) {
		ns := s.Of("/")
		ns.OnError(func(e *socketio.Event, err error) { failed.add(e.Name() + ": " + err.Error()) })
		ns.On("sync", syncHandler)
		setup(ns)
	})
	c := dial(t, addr, "4")
	c.join("/")
	return c, failed
}

func TestOnAck(t *testing.T) {
	c, failed := typed(t, func(ns *socketio.Namespace) {
		socketio.OnAck0(ns, "none", func(*socketio.Event) (int, error) { return 7, nil })
		socketio.OnAck(ns, "one", func(e *socketio.Event, o typedOrder) (string, error) {
			return fmt.Sprint(o.Item, o.Count, " ", string(e.Attachment(int(o.Photo)))), nil
		})
		socketio.OnAck2(ns, "two", func(_ *socketio.Event, s string, n int) (any, error) { return []any{s, n}, nil })
		socketio.OnAck3(ns, "three", func(_ *socketio.Event, file []byte, yes bool, rest *[]string) (any, error) {
			return []any{string(file), yes, rest}, nil
		})
	})
	for _, tt := range []struct{ event, answer string }{
		{`420["none"]`, `430[7]`},
		{`420["none","more"]`, `430[7]`},
		{`421["one",{"item":"tea","count":2}]`, `431["tea2 "]`},
		{`451-2["one",{"item":"tea","photo":{"_placeholder":true,"num":0}}]`, `432["tea0 pixels"]`},
		{`423["two","é\n",-12]`, `433[["é\n",-12]]`},
		{`451-4["three",{"_placeholder":true,"num":0},true,["a"]]`, `434[["pixels",true,["a"]]]`},
		{`425["three","cGl4ZWxz",false]`, `435[["pixels",false,null]]`},
		{`426["three","",false,null]`, `436[["",false,null]]`},
		{`427["one"]`, `437[{"error":"argument 0 is missing"}]`},
		{`428["two","a","b"]`, `438[{"error":"argument 1 does not fit"}]`},
		{`429["two",1,2]`, `439[{"error":"argument 0 does not fit"}]`},
		{`4210["three","",0,[]]`, `4310[{"error":"argument 1 does not fit"}]`},
		{`4211["three","",true,[1]]`, `4311[{"error":"argument 2 does not fit"}]`},
		{`42["two"]`, ``}, // nobody to tell
		{`42["none"]`, ``},
	} {
		c.send(tt.event)
		if strings.HasPrefix(tt.event, "451") {
			c.sendBinary([]byte("pixels")...)
		}
		if tt.answer != "" {
			c.expect(tt.answer)
		}
	}
	c.sync("/")
	want := "one: socketio: argument 0: socketio: no such argument, two: socketio: argument 1: json: cannot unmarshal"
	if got := failed.String(); !strings.HasPrefix(got, want) || strings.Count(got, "socketio: argument") != 6 {
		t.Errorf("OnError was told %s", got)
	}
}

func TestOnAckErrors(t *testing.T) {
	secret := errors.New("out of tea")
	c, failed := typed(t, func(ns *socketio.Namespace) {
		socketio.OnAck(ns, "order", func(_ *socketio.Event, how string) (any, error) {
			switch how {
			case "plain":
				return 1, secret
			case "data":
				return nil, fmt.Errorf("wrapped: %w", &socketio.EventError{Message: "no tea", Data: map[string]int{"left": 0}})
			case "bad data":
				return nil, &socketio.EventError{Message: "no tea", Data: make(chan int)}
			}
			return make(chan int), nil
		})
	})
	for i, answer := range []string{
		`{"error":"out of tea"}`, `{"error":"no tea","data":{"left":0}}`, `{"error":"no tea"}`, `{"error":"no answer"}`,
	} {
		c.send(fmt.Sprintf(`42%d["order","%s"]`, i, []string{"plain", "data", "bad data", "bad answer"}[i]))
		c.expect(fmt.Sprintf(`43%d[%s]`, i, answer))
	}
	c.sync("/")
	for _, part := range []string{"order: out of tea", "wrapped: no tea", "no tea\nsocketio: argument cannot be encoded", "order: socketio: argument cannot"} {
		if !strings.Contains(failed.String(), part) {
			t.Errorf("OnError was told %q, without %q", failed, part)
		}
	}
}

// TestOn acknowledges nothing but errors: what else there is to say is the handler's affair.
func TestOn(t *testing.T) {
	var seen notes
	c, failed := typed(t, func(ns *socketio.Namespace) {
		socketio.On0(ns, "none", func(e *socketio.Event) error { return e.Ack("own") })
		socketio.On(ns, "one", func(_ *socketio.Event, n int) error {
			seen.add(fmt.Sprint(n))
			return nil
		})
		socketio.On(ns, "one", func(e *socketio.Event, v json.RawMessage) error { return e.Ack(v) })
		socketio.On2(ns, "two", func(_ *socketio.Event, n int, s string) error {
			seen.add(fmt.Sprint(n, s))
			return nil
		})
		socketio.On3(ns, "three", func(_ *socketio.Event, a, b, c int) error { return fmt.Errorf("%d %d %d", a, b, c) })
	})
	c.send(`421["none"]`, `422["one",5]`, `42["two",6,"x"]`, `423["three",1,2,3]`, `424["one","x"]`)
	c.expect(`431["own"]`, `432[5]`, `433[{"error":"1 2 3"}]`, `434[{"error":"argument 0 does not fit"}]`)
	c.sync("/")
	if got := seen.String(); got != "5, 6x" {
		t.Errorf("handlers have seen %s", got)
	}
	// The second handler of "one" finds the error acknowledged, which is an error of its own.
	if got := failed.String(); strings.Count(got, "one: ") != 2 || !strings.HasSuffix(got, socketio.ErrNoAck.Error()) {
		t.Errorf("OnError was told %s", got)
	}
}

// TestOnInNamespacesMadeFromATemplate: they have the template's OnError too.
func TestOnInNamespacesMadeFromATemplate(t *testing.T) {
	failed := make(chan error, 1)
	_, addr := start(t, socketio.Config{}, func(s *socketio.Server) {
		ns := s.OfFunc(func(string) bool { return true })
		ns.OnError(func(_ *socketio.Event, err error) { failed <- err })
		socketio.On(ns, "one", func(*socketio.Event, int) error { return nil })
	})
	c := dial(t, addr, "4")
	c.join("/child")
	c.send(`42/child,["one",true]`)
	var argument *socketio.ArgumentError
	if err := wait(t, failed); !errors.As(err, &argument) || argument.Index != 0 {
		t.Errorf("OnError was told %v", err)
	}
}

// TestOnWithoutOnError: the operator can still find out.
func TestOnWithoutOnError(t *testing.T) {
	var log logBuffer
	_, addr := start(t, socketio.Config{Logger: log.logger()}, func(s *socketio.Server) {
		socketio.On(s.Of("/"), "one", func(*socketio.Event, int) error { return nil })
		s.Of("/").On("sync", syncHandler)
	})
	c := dial(t, addr, "4")
	c.join("/")
	c.send(`42["one",true]`)
	c.sync("/")
	if got := log.String(); !strings.Contains(got, `msg="socketio: event failed" event=one err="socketio: argument 0: json:`) {
		t.Errorf("the log has %s", got)
	}
}

type (
	endless []endless
	quiet   struct{ C chan int }
)

// TestOnTypes: what JSON cannot be decoded to is a mistake of the program, and shows when it starts.
func TestOnTypes(t *testing.T) {
	s, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ns := s.Of("/")
	for name, set := range map[string]func(){
		`argument 0 is a chan int,`:          func() { socketio.On(ns, "x", func(*socketio.Event, chan int) error { return nil }) },
		`argument 1 is a map[string]func(),`: func() { socketio.On2(ns, "x", func(*socketio.Event, int, map[string]func()) error { return nil }) },
		`argument 2 is a error,`:             func() { socketio.On3(ns, "x", func(_ *socketio.Event, a, b int, c error) error { return nil }) },
		`argument 0 is a []*complex128,`:     func() { socketio.On(ns, "x", func(*socketio.Event, []*complex128) error { return nil }) },
		``: func() {
			socketio.On3(ns, "x", func(*socketio.Event, any, endless, *quiet) error { return nil })
			socketio.On(ns, "x", func(*socketio.Event, []json.Unmarshaler) error { return nil })
		},
	} {
		func() {
			defer func() {
				got := fmt.Sprint(recover())
				if !strings.Contains(got, name) || name == "" && !strings.Contains(got, "[]json.Unmarshaler") {
					t.Errorf("panic %q, want %q", got, name)
				}
			}()
			set()
		}()
	}
}

// FuzzDecoders compares the short ways of decoding with encoding/json's.
func FuzzDecoders(f *testing.F) {
	for _, seed := range []string{
		`"a"`, `""`, `"\u00e9"`, "\"\xff\"", `"é"`, `1`, `-0`, `-1`, `1.5`, `1e3`, `null`, `true`, `false`, `[]`, `{}`,
		`123456789012345678`, `-999999999999999999`, `1234567890123456789`, `9223372036854775808`, `"AQID"`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		raw := json.RawMessage(text)
		if !json.Valid(raw) || !utf8.ValidString(text) || len(text) > 100 {
			return
		}
		args := parse(t, `2["x",`+text+`]`)
		sameAsJSON[string](t, args)
		sameAsJSON[int](t, args)
		sameAsJSON[bool](t, args)
		sameAsJSON[[]byte](t, args)
		sameAsJSON[json.RawMessage](t, args)
		sameAsJSON[float64](t, args)
		sameAsJSON[*int](t, args)
	})
}

func sameAsJSON[A any](t *testing.T, args *socketio.Args) {
	t.Helper()
	got, err := socketio.Decode[A](args)
	var want A
	wantErr := json.Unmarshal(args.Arg(0), &want)
	if (err != nil) != (wantErr != nil) || err == nil && !reflect.DeepEqual(got, want) {
		t.Errorf("%s is %#v, %v; encoding/json says %#v, %v", args.Arg(0), got, err, want, wantErr)
	}
}

// BenchmarkTyped is an event from the engine's message to the handler's return: with a handler that decodes for itself, and
// with one of On.
func BenchmarkTyped(b *testing.B) {
	for _, bench := range []struct {
		name, packet string
		bind, typed  func(*socketio.Namespace)
	}{
		{
			"struct", `2["e",{"item":"tea","count":2}]`,
			func(ns *socketio.Namespace) {
				ns.On("e", func(e *socketio.Event) {
					if _, err := socketio.Arg[typedOrder](e, 0); err != nil {
						b.Error(err)
					}
				})
			},
			func(ns *socketio.Namespace) {
				socketio.On(ns, "e", func(*socketio.Event, typedOrder) error { return nil })
			},
		},
		{
			"string and int", `2["e","lobby",12]`,
			func(ns *socketio.Namespace) {
				ns.On("e", func(e *socketio.Event) {
					if _, err := socketio.Arg[string](e, 0); err != nil {
						b.Error(err)
					}
					if _, err := socketio.Arg[int](e, 1); err != nil {
						b.Error(err)
					}
				})
			},
			func(ns *socketio.Namespace) {
				socketio.On2(ns, "e", func(*socketio.Event, string, int) error { return nil })
			},
		},
	} {
		for name, set := range map[string]func(*socketio.Namespace){"bind": bench.bind, "on": bench.typed} {
			b.Run(bench.name+"/"+name, func(b *testing.B) {
				sockets := make(chan *socketio.Socket, 1)
				_, addr := start(b, socketio.Config{}, func(s *socketio.Server) {
					ns := s.Of("/")
					ns.OnConnect(func(s *socketio.Socket) { sockets <- s })
					ns.OnError(func(_ *socketio.Event, err error) { b.Error(err) })
					set(ns)
				})
				c := dial(b, addr, "4")
				c.join("/")
				s, packet := wait(b, sockets), []byte(bench.packet)
				b.ReportAllocs()
				for b.Loop() {
					s.Deliver(packet)
				}
			})
		}
	}
}
