// Package pushhttp is the push API: the endpoints to which a back end posts
// what users should see. It checks what is posted and hands it to a
// [Publisher]; who is connected, and how they are reached, is not its affair.
//
// # Endpoints
//
// All take POST, at the path here and at the same path under /socket, with or
// without a slash at the end.
//
//	/device_push  type uid data                  every connection of those users
//	/topic_push   type topic data                every connection in the topic
//	/client_push  clients title body push_type   every connection of those clients
//	/print_push   id data                        one connection
//	/clear_table  topic                          takes the connections of a table out of its topic
//
// Of the target of a request only the path counts, as it is written: it is
// neither decoded nor cleaned, and the query is not read. Other paths are
// [Config].Fallback's, or 404.
//
// # Bodies
//
// A body is a JSON object, or a form (application/x-www-form-urlencoded). The
// content type says which: application/json, text/json and none are JSON; a
// form that begins with a brace or a bracket is taken for JSON as well, because
// PHP's curl says form of every string it is given. Other types are refused
// with 415, among them text/plain, which pages of other sites can send
// unasked, and multipart/form-data (PHP: pass http_build_query($fields), not
// $fields). Bodies are UTF-8, a byte order mark in front of JSON is skipped, and
// they are not compressed.
//
// JSON is that of RFC 8259, to the letter: no comments, trailing commas, NaN or
// control characters in strings. Fields of other names are ignored. Of a field
// that is there twice the last one counts; type, uid, topic, id and clients
// count as missing where they are null.
//
// The fields of a form are rebuilt as PHP would rebuild them: data[title]=x is
// an object, data[]=x or data[0]=x an array, data[0][id]=5 objects in an array;
// all values are strings; an array whose keys are not 0, 1, 2 … is an object.
// data=x is a string. What PHP would repair is refused: brackets that do not
// fit, escapes that are none, a name that is a string and an array at once.
//
// # Fields
//
// data is any JSON value. What reaches the Publisher is its text as it was
// written, less the white space outside strings: numbers keep all their
// digits, members their order, strings their escapes and quotes. data must be
// there; null is a value. From a form the text is built from the fields in
// their order.
//
// type is customer, rider, merchant, h5 or platform; in topic_push rider,
// merchant or h5.
//
// uid is an integer, a string, a string that lists several between commas, or
// an array of integers and strings. 1 and "1" are one user, who is pushed to
// once. Spaces around a uid are not part of it, and nothing between two commas
// is nobody. Refused are numbers with a fraction or an exponent, zero (also as
// "0"), what is empty, what is longer than 256 bytes, and control characters.
//
// topic is a string of 1 to 256 bytes without control characters. It is a
// name, not a pattern: * > # and + are refused.
//
// clients is an array of customer, rider, app, pos, pad, h5 and platform. app,
// pos and pad may be called merchant_app, merchant_pos and merchant_pad, and
// merchant stands for all three.
//
// title, body and push_type are strings, numbers, booleans or null, and reach
// the receivers as they were written, in {"title":…,"body":…,"push_type":…}.
// One that is missing is left out of that object, as it was by the old server;
// one of them must be there.
//
// id is a socket id, in either form (/socket/merchant#Y9rW7OqAAAABBBBCCCC1 or
// Y9rW7OqAAAABBBBCCCC1), of at most 512 bytes. That nobody has it is no error.
//
// # Answers
//
// A push that was handled is answered with 200, whether or not anybody was
// connected:
//
//	{"code":0,"message":"","result":{"id":"01JD…","matched":2,"written":2,"offline":0}}
//
// id is a ULID, later pushes have later ones; matched is the number of
// connections found, written of those to which the push was handed to the
// kernel or queued, offline the number of uids or topic tokens that are known
// but not connected.
//
// Anything else is refused, in whole, and answered with
//
//	{"code":40003,"message":"uid[1]: must be an integer or a string, not null","request_id":"01JD…"}
//
// where code is one of the [Code] constants and the message names the field.
// 401 comes with WWW-Authenticate, 405 with Allow, 429 and 503 with
// Retry-After. A caller who gets 408, 413 or anything that made the request
// unreadable finds the connection closed; otherwise it may go on using it.
// Pushes of one connection are made in their order, also if it sends them
// without waiting for answers. The one answer that is not JSON is the 503 of a
// server that has [ServerConfig].MaxConns connections already.
//
// # Who may push
//
// With [Config].Keys, whoever has one: as Authorization: Bearer, or as
// X-API-Key, which comes first. Keys are held as SHA-256 and compared in
// constant time.
//
// Without keys, programs on the gateway's own machine only: the peer's address
// must be a loopback address. Header fields cannot make a request local, but
// they can show that it is not, so these are refused as well:
//
//   - what a reverse proxy passed on (X-Forwarded-For, -Host or -Proto,
//     Forwarded, X-Real-IP, Via): for the gateway everybody behind a proxy on
//     the same machine is local. Configure a key before putting one in front.
//   - what a page of another site sends from a browser on this machine (Origin
//     or Sec-Fetch-Site), and what a browser sends to a name other than
//     localhost, *.localhost or a loopback address: another site may have let
//     its own name point here. The gateway's own test page, opened under such
//     a name, may push.
//
// # Limits
//
// Each is a field of [Config] or [ServerConfig]. A body that is too long is
// refused before it has been read: at once if its length was announced, else at
// the first byte too many. A caller that asks first (Expect: 100-continue) is
// refused before it sends any of it. Memory grows with what arrives, not with
// what is announced.
package pushhttp
