package pushhttp

import (
	"bytes"
	"math"
	"slices"
	"strconv"
)

// form rebuilds the fields of a form's body as PHP would: data[items][0][id]=5
// is an entry in an array in an array, a[]=1 takes the next free index, a key
// that comes again keeps its place and takes the new value. It holds the
// fields of the envelope and nothing else of a body.
//
// An array is a linked list of nodes, so that an entry costs the same whatever
// its index: [999999999] is one node. The last child is looked at first, for
// that is where an orderly body goes on; children of a long array are looked
// up in an index. So the work is linear in the body, and as nodes are bounded
// by the bytes that orderly bodies need for one, so is the memory.
type form struct {
	body     []byte // decoded in place; spans are parts of it
	nodes    []formNode
	index    formIndex
	maxDepth int
	maxNodes int
}

// formNode is a string or an array. Other nodes are named by their place in form.nodes.
type formNode struct {
	index int64 // the key, if it is an integer
	free  int64 // the next index that [] takes
	key   span  // the key, if it is a text; then it is not empty
	value span  // of a string

	first, last, next int32 // children, sibling
	parent            int32
	size              int32 // number of children
	indexed           int32 // the last child that is in form.index

	kind     nodeKind
	unlisted bool // the keys of an array are not 0, 1, 2 … in that order
	named    bool // one of them is a text
}

type nodeKind uint8

const (
	fresh nodeKind = iota
	stringNode
	arrayNode
)

// span is a part of a body.
type span struct{ start, end int32 }

func (s span) empty() bool { return s.start == s.end }

const (
	root int32 = 0 // the node whose children are the fields
	none int32 = 0 // no node: the root is nobody's child
)

// formError says what is wrong with a field of a form. Empty: nothing.
type formError string

func (f *form) reset(body []byte, maxDepth int) {
	const bytesPerNode = 8 // uid[]=1& has so many, and makes one
	f.body, f.maxDepth, f.maxNodes = body, maxDepth, 1024+len(body)/bytesPerNode
	f.nodes = slices.Grow(f.nodes[:0], min(bytes.Count(body, []byte("&"))+len("[]"), f.maxNodes))
	f.nodes = append(f.nodes, formNode{kind: arrayNode})
	f.index.reset()
}

func (f *form) bytes(s span) []byte { return f.body[s.start:s.end] }

// insert puts a value at a name such as data[items][0][id], of which the field
// is the part before the first bracket.
func (f *form) insert(name, field, value span) formError {
	node, err := f.child(root, field)
	if err != "" {
		return err
	}
	depth := 1 // the object that a JSON body would be
	for path := (span{field.end, name.end}); !path.empty(); {
		end := bytes.IndexByte(f.bytes(path), ']')
		if f.body[path.start] != '[' || end < 0 {
			return "has brackets that do not fit"
		}
		if depth++; depth > f.maxDepth {
			return formError("is nested more than " + strconv.Itoa(f.maxDepth) + " levels deep")
		}
		if !f.become(arrayNode, node) {
			return "is a string and an array"
		}
		if node, err = f.child(node, span{path.start + 1, path.start + int32(end)}); err != "" {
			return err
		}
		path.start += int32(end) + 1
	}
	if !f.become(stringNode, node) {
		return "is a string and an array"
	}
	f.nodes[node].value = value
	return ""
}

// become makes a fresh node a string or an array, and reports whether the node
// is what is wanted. PHP would let the later of the two win; no program means that.
func (f *form) become(want nodeKind, node int32) bool {
	n := &f.nodes[node]
	if n.kind == fresh {
		n.kind = want
	}
	return n.kind == want
}

// child returns the node of a key in an array, and adds it if there is none.
func (f *form) child(parent int32, key span) (int32, formError) {
	p := &f.nodes[parent]
	index, isIndex := p.free, true
	if !key.empty() {
		if index, isIndex = parseIndex(f.bytes(key)); isIndex {
			key = span{}
		} else {
			index = 0
		}
	}
	// An index that was not given yet needs no search.
	if !isIndex || index < p.free {
		if found := f.find(parent, index, key); found != none {
			return found, ""
		}
	}
	return f.append(parent, index, key)
}

// parseIndex reads a key that is an integer: PHP takes those for indexes that
// are written as it would write them.
func parseIndex(key []byte) (index int64, ok bool) {
	digits := bytes.TrimPrefix(key, []byte("-"))
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' && len(key) > 1 || leadingDigits(digits) < len(digits) {
		return 0, false
	}
	index, err := strconv.ParseInt(string(key), 10, 64)
	return index, err == nil // else it is one of a few that have 19 digits and are too large
}

// find looks for a child.
func (f *form) find(parent int32, index int64, key span) int32 {
	const few = 16 // which are looked through
	p := &f.nodes[parent]
	if p.last != none && f.hasKey(p.last, index, key) {
		return p.last
	}
	if p.size > few {
		return f.findIndexed(parent, index, key)
	}
	for i := p.first; i != none; i = f.nodes[i].next {
		if f.hasKey(i, index, key) {
			return i
		}
	}
	return none
}

func (f *form) hasKey(node int32, index int64, key span) bool {
	n := &f.nodes[node]
	if key.empty() || n.key.empty() {
		return key.empty() && n.key.empty() && n.index == index
	}
	return bytes.Equal(f.bytes(n.key), f.bytes(key))
}

// append adds a child with a key that is new.
func (f *form) append(parent int32, index int64, key span) (int32, formError) {
	if len(f.nodes) > f.maxNodes {
		return none, "is one of too many"
	}
	if index == math.MaxInt64 {
		return none, "has an index after which there is none"
	}
	n := formNode{parent: parent, index: index, key: key}
	p := &f.nodes[parent]
	if key.empty() {
		p.unlisted = p.unlisted || index != int64(p.size)
		p.free = max(p.free, index+1)
	} else {
		p.unlisted, p.named = true, true
	}
	node := int32(len(f.nodes))
	if p.last == none {
		p.first = node
	} else {
		f.nodes[p.last].next = node
	}
	p.last = node
	p.size++
	f.nodes = append(f.nodes, n)
	return node, ""
}
