// Package ledger keeps an account of a load run on file, every push, every
// receipt and every claim to be sent something, and checks it: what was lost,
// what came twice, in another order, or to somebody who should not have it.
//
// A claim is what a client says of itself by set_connect: the addresses under
// which pushes reach its connection. The server changes over from one claim to
// the next at some moment between the request and its acknowledgement, and
// handles a push at some moment between its request and its answer; nobody
// outside can know when. So the checker works with intervals. All times are of
// the machine's monotonic clock. What a connection is owed, then:
//
//  1. A connection must have a push if its claim to the push's address was
//     acknowledged before the push was sent, and what ended the claim began
//     after the answer. It may have it if the claim was made before the answer
//     (and before the receipt), and had not certainly ended when the push was
//     sent.
//  2. A set_connect that names an address again keeps the claim to it without
//     a gap. It ends the claims to those that it does not name, at some moment
//     between request and acknowledgement. A logout ends all of them.
//  3. Where logins are exclusive a set_connect ends the claims of all other
//     connections with the same login, between its request and its
//     acknowledgement. Of two that overlap in time either may be the later, and
//     so neither is certain of anything.
//  4. A set_connect that was refused, or not acknowledged may have had its effect, or have
//     it until the server has noticed that its connection is closed.
//  5. A connection that is closed, or no longer read from, loses what is under
//     way: it must have only what was answered more than [Delivery] before, and
//     so at the end of the ledger. The server may count it until it has
//     noticed the close, for which it has [Settle]; of a client that polls,
//     which may have no request under way, a heartbeat's time longer.
//  6. Lost: answered with 200, must have it, did not get it.
//  7. Duplicate: the same connection got it more than once.
//  8. Reordered: it came after a push that was sent only when this one was
//     answered ("two pushes by one caller, one after the other, arrive in that
//     order on every connection", SPEC.md §3). The harness is one caller,
//     whichever connection it uses.
//  9. Phantom: got it and may not have it; nobody may have what was never
//     sent, or refused.
//  10. Wrong answer: `matched` is less than the connections that must, or more
//     than those that may have it; `written` is less than the first or more
//     than `matched`. What other harnesses do to the same server is not on this
//     ledger: if pushes of theirs were seen, groups have no upper bound.
//  11. A connection that an exclusive login certainly displaced is sent the
//     event logout if the other one's device is another, and never else. It
//     must have come by Delivery after the login was acknowledged.
//
// What it cannot see: a push's contents, the field `offline`, what happens
// between request and answer, and the end of the ledger's last moments.
package ledger

import "time"

// Delivery is how long what was answered may be under way.
const Delivery = 2 * time.Second

// Settle is how long a server may take to notice that a TCP connection has
// closed.
const Settle = 5 * time.Second
