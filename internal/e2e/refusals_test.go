package e2e_test

import (
	"net/http"
	"strings"
	"testing"
)

// refusal is a request that the push API must refuse, with the status, and the field that its message must name.
type refusal struct {
	name, method, path, contentType, body string
	status                                int
	field                                 string
}

func badJSON(name, endpoint, body, field string) refusal {
	return refusal{name, "POST", "/" + endpoint, jsonBody, body, http.StatusBadRequest, field}
}

func badForm(name, endpoint, body, field string) refusal {
	return refusal{name, "POST", "/" + endpoint, formBody, body, http.StatusBadRequest, field}
}

// refusals name uid 1, topics and clients that are connected, so that any part of them that was pushed would be seen.
func refusals() []refusal {
	long := strings.Repeat("x", 257)
	return []refusal{
		badJSON("no body", "device_push", ``, ""),
		badJSON("not JSON", "device_push", `{"type":"rider","uid":1,"data":1`, ""),
		badJSON("more after the JSON", "device_push", `{"type":"rider","uid":1,"data":1}}`, ""),
		badJSON("not an object", "device_push", `["rider",1]`, ""),
		badJSON("data is no JSON", "device_push", `{"type":"rider","uid":1,"data":{a:1}}`, ""),
		badJSON("data with a bad number", "device_push", `{"type":"rider","uid":1,"data":01}`, ""),

		badJSON("type missing", "device_push", `{"uid":1,"data":1}`, "type"),
		badJSON("type of no kind", "device_push", `{"type":"robot","uid":1,"data":1}`, "type"),
		badJSON("type not a string", "device_push", `{"type":1,"uid":1,"data":1}`, "type"),
		badJSON("uid missing", "device_push", `{"type":"rider","data":1}`, "uid"),
		badJSON("uid empty", "device_push", `{"type":"rider","uid":"","data":1}`, "uid"),
		badJSON("uid empty list", "device_push", `{"type":"rider","uid":[],"data":1}`, "uid"),
		badJSON("uid zero", "device_push", `{"type":"rider","uid":0,"data":1}`, "uid"),
		badJSON("uid boolean", "device_push", `{"type":"rider","uid":true,"data":1}`, "uid"),
		badJSON("uid object", "device_push", `{"type":"rider","uid":{"a":1},"data":1}`, "uid"),
		badJSON("one uid of a list too long", "device_push", `{"type":"rider","uid":[1,"`+long+`"],"data":1}`, "uid"),
		badJSON("one uid of a list not a uid", "device_push", `{"type":"rider","uid":[1,{}],"data":1}`, "uid"),
		badJSON("data missing", "device_push", `{"type":"rider","uid":1}`, "data"),
		badForm("form: data missing", "device_push", `type=rider&uid=1`, "data"),
		badForm("form: uid missing", "device_push", `type=rider&data=1`, "uid"),
		badForm("form: broken escape", "device_push", `type=rider&uid=1&data=%zz`, ""),

		badJSON("topic_push: type missing", "topic_push", `{"topic":"east","data":1}`, "type"),
		badJSON("topic_push: type without topics", "topic_push", `{"type":"customer","topic":"east","data":1}`, "type"),
		badJSON("topic_push: topic missing", "topic_push", `{"type":"rider","data":1}`, "topic"),
		badJSON("topic_push: topic empty", "topic_push", `{"type":"rider","topic":"","data":1}`, "topic"),
		badJSON("topic_push: topic not a string", "topic_push", `{"type":"rider","topic":["east"],"data":1}`, "topic"),
		badJSON("topic_push: data missing", "topic_push", `{"type":"rider","topic":"east"}`, "data"),

		badJSON("client_push: clients missing", "client_push", `{"title":"t","body":"b","push_type":"p"}`, "clients"),
		badJSON("client_push: no clients", "client_push", `{"title":"t","body":"b","clients":[],"push_type":"p"}`, "clients"),
		badJSON("client_push: one client of no kind", "client_push", `{"title":"t","body":"b","clients":["rider","robot"],"push_type":"p"}`, "clients"),
		badJSON("client_push: clients a number", "client_push", `{"title":"t","body":"b","clients":5,"push_type":"p"}`, "clients"),

		badJSON("print_push: id missing", "print_push", `{"data":1}`, "id"),
		badJSON("print_push: id empty", "print_push", `{"id":"","data":1}`, "id"),
		badJSON("print_push: data missing", "print_push", `{"id":"/rider#x"}`, "data"),
		badJSON("clear_table: topic missing", "clear_table", `{}`, "topic"),

		{"method GET", "GET", "/device_push", "", ``, http.StatusMethodNotAllowed, ""},
		{"method PUT", "PUT", "/socket/topic_push", jsonBody, `{"type":"rider","topic":"east","data":1}`, http.StatusMethodNotAllowed, ""},
		{"no such endpoint", "POST", "/device_pull", jsonBody, `{"type":"rider","uid":1,"data":1}`, http.StatusNotFound, ""},
		{"no such endpoint below /socket", "POST", "/socket/device_push/1", jsonBody, `{"type":"rider","uid":1,"data":1}`, http.StatusNotFound, ""},
		{"body too large", "POST", "/device_push", jsonBody, `{"type":"rider","uid":1,"data":"` + strings.Repeat("x", 16<<20) + `"}`, http.StatusRequestEntityTooLarge, ""},
		{"content type of XML", "POST", "/device_push", "text/xml", `{"type":"rider","uid":1,"data":1}`, http.StatusUnsupportedMediaType, ""},
		{"content type of files", "POST", "/device_push", "multipart/form-data; boundary=x", "--x\r\n--x--\r\n", http.StatusUnsupportedMediaType, ""},
	}
}

// TestRefusals: what is refused is answered with its status, a code and a message, and pushes nothing, not even in part.
func TestRefusals(t *testing.T) {
	g := startGateway(t)
	var sockets []*socket
	for i, c := range onePerGeneration {
		rider, table := c.join(t, g, "/socket/rider"), c.join(t, g, "/socket/h5")
		rider.setConnect(t, `{"uid":`+[]string{"1", "2"}[i]+`,"type":"rider","topic":"east","token":"t"}`)
		table.setConnect(t, `{"uid":"1_7","type":"h5","connect_type":"table"}`)
		sockets = append(sockets, rider, table)
	}
	for _, r := range refusals() {
		t.Run(r.name, func(t *testing.T) {
			wantRefused(t, g.request(t, r.method, r.path, r.contentType, r.body), r.status, r.field)
			for _, s := range sockets {
				g.wantNothing(t, s)
			}
		})
	}
	checkReach(t, g, sockets[0], []reach{device("rider", "1", 1)})
}

func wantRefused(t *testing.T, a answer, status int, field string) {
	t.Helper()
	if a.status != status || a.Code == 0 || a.Message == "" || a.Result != (result{}) {
		t.Errorf("answered %d %s, want %d with a code, a message and no result", a.status, abridged(a.body), status)
	}
	if !strings.Contains(a.Message, field) {
		t.Errorf("message %q does not name the field %q", a.Message, field)
	}
}

// TestAPIKey: with a key configured, pushes need it, from loopback too; clients do not.
func TestAPIKey(t *testing.T) {
	t.Parallel()
	const refused = `{"type":"customer","uid":1,"data":"refused"}`
	const accepted = `{"type":"customer","uid":1,"data":"accepted"}`
	g := startGateway(t, "--api-key", "s3cret-key")
	s := onePerGeneration[0].join(t, g, "/socket/customer")
	s.setConnect(t, `{"uid":1,"type":"customer","token":"t"}`)

	for _, prefix := range prefixes {
		for _, headers := range [][]string{
			nil,
			{"Authorization", "Bearer wrong"},
			{"Authorization", "Bearer s3cret-key2"},
			{"Authorization", "Bearer s3cret-ke"},
			{"Authorization", "Basic s3cret-key"},
			{"X-API-Key", "wrong"},
			{"X-API-Key", ""},
		} {
			a := g.request(t, "POST", prefix+"device_push", jsonBody, refused, headers...)
			wantRefused(t, a, http.StatusUnauthorized, "")
		}
		for _, headers := range [][]string{{"Authorization", "Bearer s3cret-key"}, {"X-API-Key", "s3cret-key"}} {
			a := g.request(t, "POST", prefix+"device_push", jsonBody, accepted, headers...)
			if a.status != http.StatusOK || a.Result.Matched != 1 {
				t.Errorf("%s: answered %d %s", headers, a.status, a.body)
			}
			s.wantMessage(t, `"accepted"`)
		}
	}
}
