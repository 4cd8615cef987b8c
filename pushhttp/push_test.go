package pushhttp_test

import (
	"strings"
	"testing"

	"outrider/pushhttp"
)

// TestPush holds what reaches the Publisher against what was posted.
func TestPush(t *testing.T) {
	tests := []struct{ name, path, body, want string }{
		{"device", "/device_push", `{"type":"rider","uid":"7","data":{"title":"New order"}}`, `device rider 7 {"title":"New order"}`},
		{"under /socket", "/socket/device_push", `{"type":"rider","uid":"7","data":1}`, `device rider 7 1`},
		{"slash at the end", "/device_push/", `{"type":"rider","uid":"7","data":1}`, `device rider 7 1`},
		{"query is ignored", "/device_push?uid=8", `{"type":"rider","uid":"7","data":1}`, `device rider 7 1`},
		{"absolute target", "http://127.0.0.1:3000/socket/device_push", `{"type":"rider","uid":"7","data":1}`, `device rider 7 1`},
		{"kind customer", "/device_push", `{"type":"customer","uid":"7","data":1}`, `device customer 7 1`},
		{"kind merchant", "/device_push", `{"type":"merchant","uid":"7","data":1}`, `device merchant 7 1`},
		{"kind h5", "/device_push", `{"type":"h5","uid":"7","data":1}`, `device h5 7 1`},
		{"kind platform", "/device_push", `{"type":"platform","uid":"7","data":1}`, `device platform 7 1`},
		{"escaped names and words", "/device_push", `{"ty\u0070e":"r\u0069der","uid":"7","d\u0061ta":"\u0041"}`, `device rider 7 "\u0041"`},
		{"unknown fields are ignored", "/device_push", `{"x":[{"data":0}],"type":"rider","uid":"7","data":1,"\ud800":null}`, `device rider 7 1`},
		{"the last duplicate counts", "/device_push", `{"type":"h5","uid":1,"data":[1],"uid":2,"type":"rider","data":[2]}`, `device rider 2 [2]`},
		{"the last duplicate counts, escaped", "/device_push", `{"type":"rider","uid":1,"data":[1],"d\u0061ta":[2]}`, `device rider 1 [2]`},
		{"the last duplicate counts, escaped first", "/device_push", `{"type":"rider","uid":1,"d\u0061ta":[1],"data":[2]}`, `device rider 1 [2]`},
		{"a null counts as missing", "/device_push", `{"type":"rider","uid":1,"uid":null,"data":[1]}`, `device rider 1 [1]`},
		{"BOM", "/device_push", "\xef\xbb\xbf" + ` {"type":"rider","uid":"7","data":1}`, `device rider 7 1`},

		{"uid: integer", "/device_push", `{"type":"rider","uid":7,"data":1}`, `device rider 7 1`},
		{"uid: 19 digits", "/device_push", `{"type":"rider","uid":1234567890123456789,"data":1}`, `device rider 1234567890123456789 1`},
		{"uid: negative", "/device_push", `{"type":"rider","uid":-7,"data":1}`, `device rider -7 1`},
		{"uid: comma list", "/device_push", `{"type":"rider","uid":"1,2,3","data":1}`, `device rider 1|2|3 1`},
		{"uid: spaces around", "/device_push", `{"type":"rider","uid":" 1 , 2","data":1}`, `device rider 1|2 1`},
		{"uid: gaps in a comma list", "/device_push", `{"type":"rider","uid":",1,,2,","data":1}`, `device rider 1|2 1`},
		{"uid: array of both", "/device_push", `{"type":"rider","uid":[1,"2","3,4"],"data":1}`, `device rider 1|2|3|4 1`},
		{"uid: 1 and \"1\" are one", "/device_push", `{"type":"rider","uid":[1,"1","2,1",2],"data":1}`, `device rider 1|2 1`},
		{"uid: many, deduplicated in order", "/device_push", `{"type":"rider","uid":"9,8,7,6,5,4,3,2,1,11,12,13,14,15,16,17,18,9,18,19","data":1}`, `device rider 9|8|7|6|5|4|3|2|1|11|12|13|14|15|16|17|18|19 1`},
		{"uid: escaped", "/device_push", `{"type":"rider","uid":["\u0031","a\/b\"c"],"data":1}`, `device rider 1|a/b"c 1`},
		{"uid: row 116: __proto__ is a name", "/device_push", `{"type":"rider","uid":"__proto__","data":1}`, `device rider __proto__ 1`},
		{"uid: a table", "/device_push", `{"type":"h5","uid":"1_5","data":1}`, `device h5 1_5 1`},
		{"uid: 256 bytes", "/device_push", `{"type":"rider","uid":"` + strings.Repeat("u", 256) + `","data":1}`, `device rider ` + strings.Repeat("u", 256) + ` 1`},
		{"uid: not ASCII", "/device_push", `{"type":"rider","uid":"骑手","data":1}`, `device rider 骑手 1`},

		{"data: row 127: digits", "/device_push", `{"type":"rider","uid":1,"data":{"id":1234567890123456789,"n":9007199254740993}}`, `device rider 1 {"id":1234567890123456789,"n":9007199254740993}`},
		{"data: order of keys, and white space", "/device_push", `{"type":"rider","uid":1,"data": { "b" : 1 , "a" : [ 2 , 3 ] , "s" : " x " } }`, `device rider 1 {"b":1,"a":[2,3],"s":" x "}`},
		{"data: escapes", "/device_push", `{"type":"rider","uid":1,"data":{"t":"\u65b0\/\ud83d\ude00\n\"","h":"<b>&</b>"}}`, `device rider 1 {"t":"\u65b0\/\ud83d\ude00\n\"","h":"<b>&</b>"}`},
		{"data: rows 123 and 124: U+2028, NUL, RS, </script>, emoji", "/device_push", `{"type":"rider","uid":1,"data":"` + "\u2028" + `\u0000\u001e</script>😀"}`, `device rider 1 "` + "\u2028" + `\u0000\u001e</script>😀"`},
		{"data: string keeps its quotes", "/device_push", `{"type":"rider","uid":1,"data":"hello"}`, `device rider 1 "hello"`},
		{"data: empty string", "/device_push", `{"type":"rider","uid":1,"data":""}`, `device rider 1 ""`},
		{"data: number", "/device_push", `{"type":"rider","uid":1,"data": 1.50e3}`, `device rider 1 1.50e3`},
		{"data: false", "/device_push", `{"type":"rider","uid":1,"data":false}`, `device rider 1 false`},
		{"data: null", "/device_push", `{"type":"rider","uid":1,"data":null}`, `device rider 1 null`},
		{"data: empty object", "/device_push", `{"type":"rider","uid":1,"data":{ }}`, `device rider 1 {}`},
		{"data: first in the body", "/device_push", `{"data" : [ 1 ] ,"type":"rider","uid":1}`, `device rider 1 [1]`},
		{"data: nested member of the same name", "/device_push", `{"type":"rider","uid":1,"data":{"data":{"data":2}},"x":{"data":3}}`, `device rider 1 {"data":{"data":2}}`},

		{"topic", "/topic_push", `{"type":"rider","topic":"rider_Tianhe_Qu_notification","data":1}`, `topic rider rider_Tianhe_Qu_notification 1`},
		{"topic of a merchant", "/socket/topic_push", `{"type":"merchant","topic":"store_1_base_notification","data":1}`, `topic merchant store_1_base_notification 1`},
		{"topic of h5", "/topic_push", `{"type":"h5","topic":"h5_1_5_base_notification","data":1}`, `topic h5 h5_1_5_base_notification 1`},
		{"topic: escaped", "/topic_push", `{"type":"rider","topic":"\u5e7f\u5dde \/ St. John","data":1}`, `topic rider 广州 / St. John 1`},
		{"topic: 256 bytes", "/topic_push", `{"type":"rider","topic":"` + strings.Repeat("t", 256) + `","data":1}`, `topic rider ` + strings.Repeat("t", 256) + ` 1`},

		{"client", "/client_push", `{"title":"Sale","body":"Half price","clients":["customer","rider"],"push_type":1}`, `client customer|rider {"title":"Sale","body":"Half price","push_type":1}`},
		{"client: order of members", "/client_push", `{"push_type":"2","clients":["h5"],"body":"b","title":"t"}`, `client h5 {"title":"t","body":"b","push_type":"2"}`},
		{"client: names", "/socket/client_push", `{"title":"t","clients":["customer","rider","app","pos","pad","h5","platform"]}`, `client customer|rider|merchant_app|merchant_pos|merchant_pad|h5|platform {"title":"t"}`},
		{"client: long names", "/client_push", `{"title":"t","clients":["merchant_pad","merchant_pos","merchant_app"]}`, `client merchant_pad|merchant_pos|merchant_app {"title":"t"}`},
		{"client: merchant alone", "/client_push", `{"title":"t","clients":["merchant"]}`, `client merchant_app|merchant_pos|merchant_pad {"title":"t"}`},
		{"client: row 120: deduplicated", "/client_push", `{"title":"t","clients":["app","rider","merchant_app","rider","merchant"]}`, `client merchant_app|rider|merchant_pos|merchant_pad {"title":"t"}`},
		{"client: escaped name", "/client_push", `{"title":"t","clients":["\u0061pp"]}`, `client merchant_app {"title":"t"}`},
		{"client: any scalar, byte for byte", "/client_push", `{"title":"\u65b0\/","body":1.50,"clients":["h5"],"push_type":null}`, `client h5 {"title":"\u65b0\/","body":1.50,"push_type":null}`},
		{"client: booleans", "/client_push", `{"body":false,"clients":["h5"],"push_type":true}`, `client h5 {"body":false,"push_type":true}`},
		{"client: data is ignored", "/client_push", `{"title":"t","clients":["h5"],"data":[9]}`, `client h5 {"title":"t"}`},

		{"print: v2 id", "/print_push", `{"id":"/socket/merchant#Y9rW7OqAAAABBBBCCCC1","data":{"p":1}}`, `socket /socket/merchant#Y9rW7OqAAAABBBBCCCC1 {"p":1}`},
		{"print: v2 id as PHP writes it", "/print_push", `{"id":"\/socket\/merchant#Y9rW7OqAAAABBBBCCCC1","data":1}`, `socket /socket/merchant#Y9rW7OqAAAABBBBCCCC1 1`},
		{"print: v3 id", "/socket/print_push", `{"id":"Y9rW7OqAAAABBBBCCCC1","data":1}`, `socket Y9rW7OqAAAABBBBCCCC1 1`},
		{"print: 512 bytes", "/print_push", `{"id":"` + strings.Repeat("i", 512) + `","data":1}`, `socket ` + strings.Repeat("i", 512) + ` 1`},

		{"clear", "/clear_table", `{"topic":"h5_1_5_base_notification"}`, `clear h5_1_5_base_notification`},
		{"clear under /socket", "/socket/clear_table", `{"topic":"h5_1_5_base_notification"}`, `clear h5_1_5_base_notification`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, publisher := newHandler(t, pushhttp.Config{})
			r := serve(t, h, newRequest(tt.path, asJSON, tt.body))
			if calls := publisher.taken(); r.status != 200 || len(calls) != 1 || calls[0] != tt.want {
				t.Errorf("%s: %d %s\n got %q\nwant %q", tt.body, r.status, r.body, calls, tt.want)
			}
		})
	}
}

// TestRefused holds the answers to what is wrong. Nothing is pushed then.
func TestRefused(t *testing.T) {
	long := strings.Repeat("x", 500_000)
	tests := []struct {
		name, path, body string
		code             pushhttp.Code
		message          string
	}{
		{"row 116: uid missing", "/device_push", `{"type":"rider","data":1}`, pushhttp.CodeMissing, "uid: is missing"},
		{"row 116: uid null", "/device_push", `{"type":"rider","uid":null,"data":1}`, pushhttp.CodeMissing, "uid: is missing"},
		{"row 116: uid object", "/device_push", `{"type":"rider","uid":{"0":1},"data":1}`, pushhttp.CodeInvalid, "uid: must be an integer or a string, not an object"},
		{"row 116: uid bool", "/device_push", `{"type":"rider","uid":true,"data":1}`, pushhttp.CodeInvalid, "uid: must be an integer or a string, not a boolean"},
		{"row 116: uid float", "/device_push", `{"type":"rider","uid":1.0,"data":1}`, pushhttp.CodeInvalid, `uid: "1.0" is not an integer`},
		{"row 116: uid with exponent", "/device_push", `{"type":"rider","uid":1e3,"data":1}`, pushhttp.CodeInvalid, `uid: "1e3" is not an integer`},
		{"row 116: uid empty", "/device_push", `{"type":"rider","uid":"","data":1}`, pushhttp.CodeInvalid, "uid: is empty"},
		{"row 116: uid blank", "/device_push", `{"type":"rider","uid":"  ","data":1}`, pushhttp.CodeInvalid, "uid: is empty"},
		{"row 116: uid ,,,", "/device_push", `{"type":"rider","uid":",,,","data":1}`, pushhttp.CodeInvalid, "uid: is empty"},
		{"row 116: uid empty array", "/device_push", `{"type":"rider","uid":[],"data":1}`, pushhttp.CodeInvalid, "uid: is empty"},
		{"row 116: uid with a null", "/device_push", `{"type":"rider","uid":[1,null],"data":1}`, pushhttp.CodeInvalid, "uid[1]: must be an integer or a string, not null"},
		{"row 116: uid with an empty string", "/device_push", `{"type":"rider","uid":["1",""],"data":1}`, pushhttp.CodeInvalid, "uid[1]: is empty"},
		{"row 116: uid with an array", "/device_push", `{"type":"rider","uid":[1,[2,"3]"],4],"data":1}`, pushhttp.CodeInvalid, "uid[1]: must be an integer or a string, not an array"},
		{"row 116: uid with an empty array", "/device_push", `{"type":"rider","uid":[[]],"data":1}`, pushhttp.CodeInvalid, "uid[0]: must be an integer or a string, not an array"},
		{"row 116: uid with an object", "/device_push", `{"type":"rider","uid":[{"a,]":1},1],"data":1}`, pushhttp.CodeInvalid, "uid[0]: must be an integer or a string, not an object"},
		{"uid zero", "/device_push", `{"type":"rider","uid":0,"data":1}`, pushhttp.CodeInvalid, "uid: is zero"},
		{"uid minus zero", "/device_push", `{"type":"rider","uid":-0,"data":1}`, pushhttp.CodeInvalid, "uid: is zero"},
		{"uid \"0\"", "/device_push", `{"type":"rider","uid":"0","data":1}`, pushhttp.CodeInvalid, "uid: is zero"},
		{"uid zero in a list", "/device_push", `{"type":"rider","uid":"1,0","data":1}`, pushhttp.CodeInvalid, "uid: is zero"},
		{"uid too long", "/device_push", `{"type":"rider","uid":"` + strings.Repeat("u", 257) + `","data":1}`, pushhttp.CodeInvalid, "is longer than 256 bytes"},
		{"uid of 500 kB", "/device_push", `{"type":"rider","uid":"` + long + `","data":1}`, pushhttp.CodeInvalid, "is longer than 256 bytes"},
		{"uid integer too long", "/device_push", `{"type":"rider","uid":` + strings.Repeat("9", 257) + `,"data":1}`, pushhttp.CodeInvalid, "is longer than 256 bytes"},
		{"uid with CR LF", "/device_push", `{"type":"rider","uid":"1\r\n2","data":1}`, pushhttp.CodeInvalid, `uid: "1\r\n2" has control characters`},
		{"uid with NUL in a list", "/device_push", `{"type":"rider","uid":[1,"2,\u00003"],"data":1}`, pushhttp.CodeInvalid, `uid[1]: "\x003" has control characters`},
		{"uid with C1 control", "/device_push", `{"type":"rider","uid":"\u0085","data":1}`, pushhttp.CodeInvalid, `has control characters`},

		{"row 118: type missing", "/device_push", `{"uid":1,"data":1}`, pushhttp.CodeMissing, "type: is missing"},
		{"row 118: type null", "/device_push", `{"type":null,"uid":1,"data":1}`, pushhttp.CodeMissing, "type: is missing"},
		{"row 118: type number", "/device_push", `{"type":1,"uid":1,"data":1}`, pushhttp.CodeInvalid, "type: must be a string, not a number"},
		{"row 118: type array", "/device_push", `{"type":["rider"],"uid":1,"data":1}`, pushhttp.CodeInvalid, "type: must be a string, not an array"},
		{"row 118: type unknown", "/device_push", `{"type":"driver","uid":1,"data":1}`, pushhttp.CodeInvalid, `type: "driver" is not one of customer, rider, merchant, h5, platform`},
		{"row 118: type __proto__", "/device_push", `{"type":"__proto__","uid":1,"data":1}`, pushhttp.CodeInvalid, `type: "__proto__" is not one of`},
		{"row 118: type empty", "/device_push", `{"type":"","uid":1,"data":1}`, pushhttp.CodeInvalid, `type: "" is not one of`},
		{"row 118: type in capitals", "/device_push", `{"type":"Rider","uid":1,"data":1}`, pushhttp.CodeInvalid, `type: "Rider" is not one of`},
		{"row 118: type show", "/device_push", `{"type":"show","uid":1,"data":1}`, pushhttp.CodeInvalid, `type: "show" is not one of`},
		{"row 118: type of 500 kB", "/device_push", `{"type":"\u0041` + long + `","uid":1,"data":1}`, pushhttp.CodeInvalid, `is not one of`},
		{"row 118: type that has no topics", "/topic_push", `{"type":"customer","topic":"t","data":1}`, pushhttp.CodeInvalid, `type: "customer" is not one of rider, merchant, h5`},
		{"row 118: platform has no topics", "/topic_push", `{"type":"platform","topic":"t","data":1}`, pushhttp.CodeInvalid, `type: "platform" is not one of`},

		{"row 119: topic missing", "/topic_push", `{"type":"rider","data":1}`, pushhttp.CodeMissing, "topic: is missing"},
		{"row 119: topic null", "/topic_push", `{"type":"rider","topic":null,"data":1}`, pushhttp.CodeMissing, "topic: is missing"},
		{"row 119: topic number", "/topic_push", `{"type":"rider","topic":5,"data":1}`, pushhttp.CodeInvalid, "topic: must be a string, not a number"},
		{"row 119: topic object", "/topic_push", `{"type":"rider","topic":{},"data":1}`, pushhttp.CodeInvalid, "topic: must be a string, not an object"},
		{"row 119: topic empty", "/topic_push", `{"type":"rider","topic":"","data":1}`, pushhttp.CodeInvalid, "topic: is empty"},
		{"row 119: topic too long", "/topic_push", `{"type":"rider","topic":"` + strings.Repeat("t", 257) + `","data":1}`, pushhttp.CodeInvalid, "topic: is longer than 256 bytes"},
		{"row 119: topic of 500 kB", "/topic_push", `{"type":"rider","topic":"` + long + `","data":1}`, pushhttp.CodeInvalid, "topic: is longer than 256 bytes"},
		{"row 119: topic with control characters", "/topic_push", `{"type":"rider","topic":"a\u0007","data":1}`, pushhttp.CodeInvalid, "topic: has control characters"},
		{"row 119: wildcards", "/topic_push", `{"type":"rider","topic":">.*#+","data":1}`, pushhttp.CodeInvalid, "topic: has the wildcard '>'"},
		{"row 119: one wildcard", "/topic_push", `{"type":"rider","topic":"rider_*","data":1}`, pushhttp.CodeInvalid, "topic: has the wildcard '*'"},

		{"data missing", "/device_push", `{"type":"rider","uid":1}`, pushhttp.CodeMissing, "data: is missing"},
		{"data missing in topic_push", "/topic_push", `{"type":"rider","topic":"t"}`, pushhttp.CodeMissing, "data: is missing"},
		{"data missing in print_push", "/print_push", `{"id":"x"}`, pushhttp.CodeMissing, "data: is missing"},
		{"names are case-sensitive", "/device_push", `{"type":"rider","uid":1,"Data":1}`, pushhttp.CodeMissing, "data: is missing"},

		{"row 120: clients missing", "/client_push", `{"title":"t"}`, pushhttp.CodeMissing, "clients: is missing"},
		{"row 120: clients null", "/client_push", `{"title":"t","clients":null}`, pushhttp.CodeMissing, "clients: is missing"},
		{"row 120: clients string", "/client_push", `{"title":"t","clients":"rider"}`, pushhttp.CodeInvalid, "clients: must be an array of strings, not a string"},
		{"row 120: clients number", "/client_push", `{"title":"t","clients":5}`, pushhttp.CodeInvalid, "clients: must be an array of strings, not a number"},
		{"row 120: clients array-like", "/client_push", `{"title":"t","clients":{"length":5}}`, pushhttp.CodeInvalid, "clients: must be an array of strings, not an object"},
		{"row 120: clients empty", "/client_push", `{"title":"t","clients":[]}`, pushhttp.CodeInvalid, "clients: is empty"},
		{"row 120: clients mixed", "/client_push", `{"title":"t","clients":["rider",5]}`, pushhttp.CodeInvalid, "clients[1]: must be a string, not a number"},
		{"row 120: clients nested", "/client_push", `{"title":"t","clients":[["rider"]]}`, pushhttp.CodeInvalid, "clients[0]: must be a string, not an array"},
		{"row 120: clients unknown", "/client_push", `{"title":"t","clients":["rider","shop"]}`, pushhttp.CodeInvalid, `clients[1]: "shop" is not one of`},
		{"row 120: clients __proto__", "/client_push", `{"title":"t","clients":["__proto__"]}`, pushhttp.CodeInvalid, `clients[0]: "__proto__" is not one of`},
		{"row 120: 100 k clients", "/client_push", `{"title":"t","clients":[` + strings.Repeat(`"h5",`, 100_000) + `"h5"]}`, pushhttp.CodeInvalid, "clients: has more than 100 entries"},
		{"client: nothing to say", "/client_push", `{"clients":["rider"]}`, pushhttp.CodeMissing, "title, body and push_type: all are missing"},
		{"client: title object", "/client_push", `{"title":{},"clients":["rider"]}`, pushhttp.CodeInvalid, "title: must be a string, a number, a boolean or null, not an object"},
		{"client: body array", "/client_push", `{"title":"t","body":[1],"clients":["rider"]}`, pushhttp.CodeInvalid, "body: must be a string"},
		{"client: push_type array", "/client_push", `{"title":"t","push_type":[1],"clients":["rider"]}`, pushhttp.CodeInvalid, "push_type: must be a string"},

		{"print: id missing", "/print_push", `{"data":1}`, pushhttp.CodeMissing, "id: is missing"},
		{"print: id number", "/print_push", `{"id":5,"data":1}`, pushhttp.CodeInvalid, "id: must be a string, not a number"},
		{"print: id empty", "/print_push", `{"id":"","data":1}`, pushhttp.CodeInvalid, "id: is empty"},
		{"print: id too long", "/print_push", `{"id":"` + strings.Repeat("i", 513) + `","data":1}`, pushhttp.CodeInvalid, "id: is longer than 512 bytes"},
		{"print: id with control characters", "/print_push", `{"id":"a\nb","data":1}`, pushhttp.CodeInvalid, "id: has control characters"},

		{"clear: topic missing", "/clear_table", `{}`, pushhttp.CodeMissing, "topic: is missing"},
		{"clear: topic number", "/clear_table", `{"topic":1}`, pushhttp.CodeInvalid, "topic: must be a string"},

		{"input is shown quoted and short", "/device_push", `{"type":"\"\n<b>` + strings.Repeat("新", 50) + `","uid":1,"data":1}`, pushhttp.CodeInvalid, "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, publisher := newHandler(t, pushhttp.Config{})
			r := serve(t, h, newRequest(tt.path, asJSON, tt.body))
			if r.json.Code != tt.code || !strings.Contains(r.json.Message, tt.message) {
				t.Errorf("got %d %q, want %d %q", r.json.Code, r.json.Message, tt.code, tt.message)
			}
			if len(r.json.Message) > 300 {
				t.Errorf("the message has %d bytes", len(r.json.Message))
			}
			if calls := publisher.taken(); calls != nil {
				t.Errorf("pushed all the same: %q", calls)
			}
		})
	}
}

func TestResult(t *testing.T) {
	h, publisher := newHandler(t, pushhttp.Config{})
	publisher.result = pushhttp.Result{Matched: 3, Written: 2, Offline: 1}
	r := serve(t, h, newRequest("/clear_table", asJSON, `{"topic":"t"}`))
	id := r.json.Result.ID
	want := `{"code":0,"message":"","result":{"id":"` + id + `","matched":3,"written":2,"offline":1}}`
	if r.body != want || len(id) != 26 {
		t.Errorf("got  %s\nwant %s", r.body, want)
	}
}
