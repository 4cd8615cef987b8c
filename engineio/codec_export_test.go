package engineio

// What the tests of the codecs see beyond the exported API.
var (
	ParseWebSocket = parseWebSocket
	UTF16Len       = utf16Len
	UTF16Prefix    = utf16Prefix
)

func (f *Frame) Packets() []Packet                       { return f.packets() }
func (f *Frame) Size() int                               { return f.size() }
func (f *Frame) WebSocket(rev Revision, b64 bool) []byte { return f.websocket(rev, b64) }
