// Package e2e holds the end-to-end tests: the socket.io clients that are in the field, from npm, against the gateway as it
// is built and started in production.
//
// Nothing here is imported by anything. The tests build cmd/outrider, start one gateway process per subtest, and drive
// clients through driver.js, one Node process per client version. So a failing subtest names the client, the transport and
// the rule, and its log holds what the gateway said and what the client saw.
//
// Each rule of SPEC.md §2 and §3 has its test here. Two orders that SPEC.md promises carry the checks for what must *not*
// happen, in place of waiting: packets of one client are handled in order, so an acknowledgement says that everything
// emitted before it was handled; and two pushes by one caller arrive in order, so a push to the socket's id that arrives
// next says that nothing else had been sent.
//
// OUTRIDER_BINARY names a gateway to test instead of the one built from this tree, one built with -race for example.
package e2e
