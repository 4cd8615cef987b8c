// Package registry finds members by key while members come and go: the connections of a uid, of a topic, of a kind,
// or the one connection of a socket id. It knows nothing of connections; an [Index] holds pointers of any type.
//
//	topics := registry.NewIndex[Client]()
//	seat := topics.Join("rider_Tianhe_Qu_notification", client) // and the client keeps the seat
//	for client := range topics.Members("rider_Tianhe_Qu_notification") { … }
//	seat.Leave()
//
// It is made for a gateway where most keys have one member, a few have a hundred thousand, and each push is a look-up:
//
//   - Readers take no lock and allocate nothing. They run while members join and leave, and they neither hold up
//     these nor each other.
//   - Join and Leave lock one shard in 256 and take the same time in a key of one member and of a hundred thousand.
//   - A key with one member takes about 85 bytes, 16 bytes of key included; each further member takes 17.
//   - A key without members is gone. A member that left is not kept in memory.
//
// How it works is said where it is done: registry.go has what is exported, table.go the hash table of a shard, set.go
// the members of a key with the invariants by which an iteration is right, docs/adr/0004-registry.md and
// 0008-look-up.md the figures.
package registry
