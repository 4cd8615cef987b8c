// Package gateway is the product: who a connection says it is, what it is
// reachable by, and which connections a push goes to.
//
// It stands on two neighbours. socketio carries events to and from a client;
// registry finds the members of a key without a lock. Between them the gateway
// keeps one small record per socket (member), the rules by which the record
// enters and leaves the indexes (roster), and what is remembered of devices
// that are gone (offline).
//
// # The audiences
//
// There are six kinds: customer, rider, merchant, h5, platform, show. Each is
// two namespaces, /socket/<kind> and /<kind>, and one audience: a push to a
// kind reaches the sockets of both, each on the namespace that it joined. A
// socket that joins is sent the event message with the string "connect
// success".
//
// # set_connect
//
// The client then says who it is, with one object; the fields are those of its
// kind, and any other is ignored. A field that is null counts as absent, and
// only uid is required; type, if it is there, names the kind. What a kind makes
// of them:
//
//	customer  known by uid; in the group openfood_customer
//	rider     known by uid; in its topic and in openfood_rider
//	merchant  known by uid; in its topic and in openfood_merchant_<client>;
//	          a pos is also in its topic with the first word replaced by pos.
//	          Without client it is in no group
//	h5        connect_type person, or none: known by uid;
//	          table: uid is {store_id}_{table_id}, and the connection is in
//	          h5_{uid}_base_notification, not known by uid
//	platform  known by uid
//
// A set_connect that is refused changes nothing. SPEC.md §2 says that nothing
// is registered then; the gateway takes it as the push API takes a refused
// push: not even in part, so what an earlier set_connect said stays. The
// alternative, to forget the earlier registration, would let a client's one
// bad repeat (they repeat after every reconnect) cut it off from its pushes
// while it believes itself connected.
//
// # Concurrency
//
// Handlers of one socket run one after the other; those of different sockets
// run at once, and pushes run beside them all. roster.go opens with the
// invariants that hold it together.
package gateway
