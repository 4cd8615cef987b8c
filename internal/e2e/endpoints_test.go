package e2e_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// prefixes are where the push API is: at the root, and where the old server's proxy had it.
var prefixes = []string{"/", "/socket/"}

// delivery is a push in some form, the message that arrives, and how many of the field's sockets it reaches.
type delivery struct {
	endpoint, contentType, body string
	text                        string
	to                          []string
}

func jsonPush(endpoint, body, text string, to ...string) delivery {
	return delivery{endpoint, jsonBody, body, text, to}
}

// formPush takes the form unescaped, for reading; names and values may hold no '&' and no '='.
func formPush(endpoint, form, text string, to ...string) delivery {
	var fields []string
	for field := range strings.SplitSeq(form, "&") {
		name, value, _ := strings.Cut(field, "=")
		fields = append(fields, url.QueryEscape(name)+"="+url.QueryEscape(value))
	}
	return delivery{endpoint, formBody, strings.Join(fields, "&"), text, to}
}

// population is one client of each sort, by the name that deliveries use. They alternate between the generations.
var population = []struct{ name, nsp, object string }{
	{"customer 1", "/socket/customer", `{"uid":1,"type":"customer","token":"c1"}`},
	{"customer 2", "/customer", `{"uid":2,"type":"customer","token":"c2"}`},
	{"rider 1", "/socket/rider", `{"uid":1,"type":"rider","topic":"east","token":"r1"}`},
	{"rider 2", "/rider", `{"uid":2,"type":"rider","topic":"west","token":"r2"}`},
	{"rider 3", "/rider", `{"uid":"3","type":"rider","topic":"east","token":"r3"}`},
	{"app", "/merchant", `{"uid":1,"type":"merchant","topic":"store_1_base_notification","client":"app","token":"m1"}`},
	{"pos", "/socket/merchant", `{"uid":1,"type":"merchant","topic":"store_1_base_notification","client":"pos","device_id":"p","token":"m2"}`},
	{"pad", "/merchant", `{"uid":1,"type":"merchant","topic":"store_1_base_notification","client":"pad","token":"m3"}`},
	{"person", "/socket/h5", `{"uid":1,"type":"h5","connect_type":"person"}`},
	{"table", "/h5", `{"uid":"1_7","type":"h5","connect_type":"table"}`},
	{"page 1", "/socket/platform", `{"uid":1,"type":"platform"}`},
	{"page 2", "/platform", `{"uid":"1","type":"platform"}`},
}

// deliveries are the endpoints' fields in each form that the back end may use.
var deliveries = []delivery{
	jsonPush("device_push", `{"type":"customer","uid":1,"data":{"a":1}}`, `{"a":1}`, "customer 1"),
	jsonPush("device_push", `{"type":"customer","uid":"2","data":{"a":1}}`, `{"a":1}`, "customer 2"),
	jsonPush("device_push", `{"type":"rider","uid":"1,2","data":{"a":1}}`, `{"a":1}`, "rider 1", "rider 2"),
	jsonPush("device_push", `{"type":"rider","uid":[1,"3"],"data":{"a":1}}`, `{"a":1}`, "rider 1", "rider 3"),
	jsonPush("device_push", `{"type":"rider","uid":["3","3",3],"data":"once"}`, `"once"`, "rider 3"),
	jsonPush("device_push", `{"data":{"order":"of the fields"},"uid":1,"type":"merchant"}`, `{"order":"of the fields"}`, "app", "pos", "pad"),
	jsonPush("device_push", `{"type":"h5","uid":1,"data":[]}`, `[]`, "person"),
	jsonPush("device_push", `{"type":"platform","uid":1,"data":{"x":{}}}`, `{"x":{}}`, "page 1", "page 2"),
	formPush("device_push", `type=customer&uid=1&data[title]=New Order&data[n]=1`, `{"title":"New Order","n":"1"}`, "customer 1"),
	formPush("device_push", `type=rider&uid=1,3&data=plain text`, `"plain text"`, "rider 1", "rider 3"),
	formPush("device_push", `type=rider&uid[]=1&uid[]=2&data[t]=x`, `{"t":"x"}`, "rider 1", "rider 2"),
	formPush("device_push", `type=rider&uid[0]=1&uid[1]=2&data[t]=x`, `{"t":"x"}`, "rider 1", "rider 2"),

	jsonPush("topic_push", `{"type":"rider","topic":"east","data":{"a":1}}`, `{"a":1}`, "rider 1", "rider 3"),
	jsonPush("topic_push", `{"type":"merchant","topic":"store_1_base_notification","data":1}`, `1`, "app", "pos", "pad"),
	jsonPush("topic_push", `{"type":"merchant","topic":"pos_1_base_notification","data":true}`, `true`, "pos"),
	jsonPush("topic_push", `{"type":"h5","topic":"h5_1_7_base_notification","data":{"dish":"面"}}`, `{"dish":"面"}`, "table"),
	formPush("topic_push", `type=rider&topic=west&data[dish]=面 "大"`, `{"dish":"面 \"大\""}`, "rider 2"),

	jsonPush("client_push", `{"push_type":"news","clients":["customer"],"body":"b","title":"t"}`, `{"title":"t","body":"b","push_type":"news"}`, "customer 1", "customer 2"),
	jsonPush("client_push", `{"title":"t","body":"b","clients":["rider","h5"],"push_type":"p"}`, `{"title":"t","body":"b","push_type":"p"}`, "rider 1", "rider 2", "rider 3", "person", "table"),
	jsonPush("client_push", `{"title":"t","body":"b","clients":["app","pos"],"push_type":"p"}`, `{"title":"t","body":"b","push_type":"p"}`, "app", "pos"),
	jsonPush("client_push", `{"title":"t","body":"b","clients":["merchant_app","merchant_pad","pad"],"push_type":"p"}`, `{"title":"t","body":"b","push_type":"p"}`, "app", "pad"),
	jsonPush("client_push", `{"title":"新","body":"\u4e00\/","clients":["platform"],"push_type":"p"}`, `{"title":"新","body":"\u4e00\/","push_type":"p"}`, "page 1", "page 2"),
	formPush("client_push", `title=New Order&body=b&clients[]=rider&clients[]=merchant_pos&push_type=p`, `{"title":"New Order","body":"b","push_type":"p"}`, "rider 1", "rider 2", "rider 3", "pos"),

	jsonPush("device_push", `{"type":"rider","uid":99,"data":{"to":"nobody"}}`, ``),
	jsonPush("topic_push", `{"type":"h5","topic":"no such table","data":{"to":"nobody"}}`, ``),
	jsonPush("print_push", `{"id":"/socket/merchant#no-such-socket-id00","data":{"to":"nobody"}}`, ``),
	jsonPush("clear_table", `{"topic":"no such table"}`, ``),
}

// TestDeliveries makes every push at both paths against one population: those meant receive it once, all others nothing.
func TestDeliveries(t *testing.T) {
	g := startGateway(t)
	sockets := populate(t, g)
	for _, prefix := range prefixes {
		for _, d := range deliveries {
			t.Run(fmt.Sprintf("%s%s %s", prefix, d.endpoint, d.body), func(t *testing.T) {
				r := g.accepted(t, prefix+d.endpoint, d.contentType, d.body)
				if r.Matched != len(d.to) || r.Written != len(d.to) {
					t.Errorf("matched %d, written %d, want %d of both", r.Matched, r.Written, len(d.to))
				}
				checkULID(t, r.ID)
				for _, name := range d.to {
					sockets[name].wantMessage(t, d.text)
				}
				for _, s := range sockets {
					g.wantNothing(t, s)
				}
			})
		}
	}
}

// populate connects the population to g.
func populate(t *testing.T, g *gateway) map[string]*socket {
	t.Helper()
	sockets := make(map[string]*socket)
	for i, p := range population {
		s := onePerGeneration[i%2].join(t, g, p.nsp)
		s.setConnect(t, p.object)
		sockets[p.name] = s
	}
	return sockets
}

var ulid = regexp.MustCompile(`^[0-7][0-9A-HJKMNP-TV-Z]{25}$`)

func checkULID(t *testing.T, id string) {
	t.Helper()
	if !ulid.MatchString(id) {
		t.Errorf("result.id %q is not a ULID", id)
	}
}

// TestAnswer: the answer's fields, and ids that differ from push to push.
func TestAnswer(t *testing.T) {
	t.Parallel()
	g := startGateway(t)
	seen := make(map[string]bool)
	for range 20 {
		a := g.request(t, "POST", "/device_push", jsonBody, `{"type":"rider","uid":1,"data":1}`)
		want := fmt.Sprintf(`{"code":0,"message":"","result":{"id":%q,"matched":0,"written":0,"offline":0}}`, a.Result.ID)
		if strings.TrimSpace(a.body) != want {
			t.Fatalf("answered %s, want %s", a.body, want)
		}
		checkULID(t, a.Result.ID)
		if seen[a.Result.ID] {
			t.Fatalf("two pushes have the id %s", a.Result.ID)
		}
		seen[a.Result.ID] = true
	}
}

// TestPrintPush reaches one connection by its socket's id, in either form, on any namespace, before and after set_connect.
func TestPrintPush(t *testing.T) {
	matrix(t, []string{"1.7.4", "2.2.0", "4.8.4"}, transports, func(t *testing.T, g *gateway, c client) {
		s, other := c.join(t, g, "/socket/merchant"), c.join(t, g, "/merchant")
		checkID(t, s)
		check := func() {
			for _, prefix := range prefixes {
				for _, d := range []delivery{
					jsonPush("print_push", fmt.Sprintf(`{"id":%q,"data":{"ticket":"面"}}`, s.id), `{"ticket":"面"}`),
					formPush("print_push", fmt.Sprintf(`id=%s&data[ticket]=12`, s.id), `{"ticket":"12"}`),
				} {
					if r := g.accepted(t, prefix+d.endpoint, d.contentType, d.body); r.Matched != 1 || r.Written != 1 {
						t.Fatalf("print_push to %s: %+v, want 1 matched and written", s.id, r)
					}
					s.wantMessage(t, d.text)
				}
			}
		}
		check()
		s.setConnect(t, `{"uid":1,"type":"merchant","topic":"store_1_base_notification","client":"pos","device_id":"p","token":"t"}`)
		check()
		g.wantNothing(t, other)

		id := s.id
		s.close()
		g.eventually(t, "print_push", fmt.Sprintf(`{"id":%q,"data":0}`, id), wantOffline(0))
	})
}

// TestClearTable takes the pages of one table out of its topic and sends nothing.
func TestClearTable(t *testing.T) {
	for _, prefix := range prefixes {
		for _, d := range []delivery{
			jsonPush("clear_table", `{"topic":"h5_1_7_base_notification"}`, ""),
			formPush("clear_table", `topic=h5_1_7_base_notification`, ""),
		} {
			t.Run(prefix+d.endpoint+" "+d.contentType, func(t *testing.T) {
				t.Parallel()
				g := startGateway(t)
				var pages []*socket
				for i, uid := range []string{"1_7", "1_7", "1_8"} {
					s := onePerGeneration[i%2].join(t, g, "/socket/h5")
					s.setConnect(t, fmt.Sprintf(`{"uid":%q,"type":"h5","connect_type":"table"}`, uid))
					pages = append(pages, s)
				}
				if r := g.accepted(t, prefix+d.endpoint, d.contentType, d.body); r.Matched != 2 {
					t.Errorf("clear_table matched %d, want 2", r.Matched)
				}
				g.wantPush(t, "topic_push", `{"type":"h5","topic":"h5_1_7_base_notification","data":1}`, 0)
				checkReach(t, g, pages[2], []reach{topic("h5", "h5_1_8_base_notification", 1)})
				g.wantNothing(t, pages[1])

				pages[0].setConnect(t, `{"uid":"1_7","type":"h5","connect_type":"table"}`) // the next guest
				checkReach(t, g, pages[0], []reach{topic("h5", "h5_1_7_base_notification", 1)})
			})
		}
	}
}
