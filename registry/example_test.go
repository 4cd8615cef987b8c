package registry_test

import (
	"fmt"

	"outrider/registry"
)

// client stands for whatever is to be found: it keeps its seats and is told what is pushed.
type client struct {
	name  string
	topic registry.Seat[client]
	uid   registry.Seat[client]
}

// A push to a topic walks its members, while others move in and out.
func Example() {
	topics := registry.NewIndex[client]()
	subscribe := func(c *client, topic string) {
		if c.topic.Key() == topic {
			return
		}
		c.topic.Leave() // nothing happens if it never joined one
		c.topic = topics.Join(topic, c)
	}

	an, bo, cy := &client{name: "An"}, &client{name: "Bo"}, &client{name: "Cy"}
	subscribe(an, "rider_Tianhe_Qu_notification")
	subscribe(bo, "rider_Tianhe_Qu_notification")
	subscribe(cy, "rider_Yuexiu_Qu_notification")
	subscribe(bo, "rider_Yuexiu_Qu_notification")

	for c := range topics.Members("rider_Yuexiu_Qu_notification") {
		fmt.Println("new order near", c.name)
	}
	fmt.Println(topics.Len("rider_Tianhe_Qu_notification"), "in Tianhe")
	// Unordered output:
	// new order near Bo
	// new order near Cy
	// 1 in Tianhe
}

// Single login: the later connection of a uid takes over. It joins before the earlier one leaves, so that a push which
// looks the uid up meanwhile finds one of the two.
func ExampleIndex_First() {
	riders := registry.NewIndex[client]()
	login := func(c *client, uid string) {
		before := riders.First(uid)
		c.uid = riders.Join(uid, c)
		if before != nil {
			before.uid.Leave()
			fmt.Println(before.name, "is logged out")
		}
	}

	phone, tablet := &client{name: "phone"}, &client{name: "tablet"}
	login(phone, "1001")
	login(tablet, "1001")
	fmt.Println("pushes go to the", riders.First("1001").name)
	// Output:
	// phone is logged out
	// pushes go to the tablet
}

func ExampleSeat_Leave() {
	kinds := registry.NewIndex[client]()
	seat := kinds.Join("rider", &client{})
	fmt.Println(seat.Leave(), seat.Leave())
	// Output: true false
}

func ExampleIndex_Keys() {
	kinds := registry.NewIndex[client]()
	for _, kind := range []string{"rider", "h5", "rider", "merchant_pos", "rider"} {
		kinds.Join(kind, &client{})
	}
	for kind, n := range kinds.Keys() {
		fmt.Println(kind, n)
	}
	st := kinds.Stats()
	fmt.Println(st.Keys, "kinds,", st.Members, "clients,", st.Joins-uint64(st.Members), "left")
	// Unordered output:
	// h5 1
	// merchant_pos 1
	// rider 3
	// 3 kinds, 5 clients, 0 left
}
