package e2e_test

import (
	"fmt"
	"strings"
	"testing"
)

// dataTexts are JSON texts that a decoder and encoder would not give back as they were, with the text that must arrive;
// none where that is the same.
var dataTexts = []struct{ name, data, text string }{
	{"19-digit id", `{"order_id":1234567890123456789}`, ""},
	{"more digits than any number type", `[123456789012345678901234567890,0.1234567890123456789012345678901]`, ""},
	{"forms of numbers", `[1.0,1e3,1E+3,1.50,-0,-0.0,0e0,1e-400,1e400]`, ""},
	{"order of keys", `{"z":1,"a":{"y":2,"b":3},"10":4,"9":5,"__proto__":6}`, ""},
	{"a key twice", `{"a":1,"a":2}`, ""},
	{"escapes", `{"t":"\u4e2d\/\"\\\b\f\n\r\t\u0000\u001F"}`, ""},
	{"escaped pair", `"\ud83c\udf5c\uD83C\uDF5C"`, ""},
	{"escaped half of a pair", `"\ud83c"`, ""},
	{"raw text", "\"é中🍜\u2028\u2029\u007f\ufeff\uffff\"", ""},
	{"markup", `"<b>&'</b>"`, ""},
	{"white space", " { \"a\" :\t[ 1 ,\r\n2 , [ ] , { } ] , \" b : \" : \" x , y \" } ", `{"a":[1,2,[],{}]," b : ":" x , y "}`},
	{"string", `"hello"`, ""},
	{"empty string", `""`, ""},
	{"number", `42`, ""},
	{"boolean", `false`, ""},
	{"empty", `{}`, ""},
	{"empty names", `{"":""}`, ""},
	{"like packets", `"451-[\"x\",{\"_placeholder\":true,\"num\":0}]"`, ""},
	{"like a payload", "\"3:4ab\\u001e4x\\u001e\"", ""},
	{"a placeholder", `{"_placeholder":true,"num":0}`, ""},
	{"nested", strings.Repeat(`{"a":[`, 50) + strings.Repeat(`]}`, 50), ""},
	{"long", `"` + strings.Repeat("0123456789", 10_000) + `"`, ""},
}

// TestDataText: the message is the text of `data`, byte for byte, less the white space outside strings.
func TestDataText(t *testing.T) {
	matrix(t, []string{"1.7.4", "2.2.0", "4.8.4"}, []transport{polling, websocket}, func(t *testing.T, g *gateway, c client) {
		s := c.join(t, g, "/socket/customer")
		s.setConnect(t, `{"uid":1,"type":"customer","token":"t"}`)
		for _, tc := range dataTexts {
			t.Run(tc.name, func(t *testing.T) {
				g.wantPush(t, "device_push", fmt.Sprintf(`{"type":"customer","uid":1,"data":%s}`, tc.data), 1)
				if tc.text == "" {
					tc.text = tc.data
				}
				s.wantMessage(t, tc.text)
			})
		}
	})
}

// formTexts are forms, unescaped, and the JSON text that is built from their fields in their order.
var formTexts = []struct{ name, form, text string }{
	{"flat", `data[z]=1&data[a]=two words&data[m]=`, `{"z":"1","a":"two words","m":""}`},
	{"quotes and backslashes", `data[t]="\/`, `{"t":"\"\\/"}`},
	{"line ends", "data[t]=a\r\nb\tc", `{"t":"a\r\nb\tc"}`},
	{"unicode", "data[标题]=新订单 🍜\u2028", "{\"标题\":\"新订单 🍜\u2028\"}"},
	{"nested", `data[a][b][c]=1&data[a][b][d]=2&data[e]=3`, `{"a":{"b":{"c":"1","d":"2"}},"e":"3"}`},
	{"list as PHP writes it", `data[items][0][sku]=a&data[items][0][n]=1&data[items][1][sku]=b`, `{"items":[{"sku":"a","n":"1"},{"sku":"b"}]}`},
	{"list as jQuery writes it", `data[tags][]=x&data[tags][]=y`, `{"tags":["x","y"]}`},
	{"19-digit id", `data[order_id]=1234567890123456789`, `{"order_id":"1234567890123456789"}`},
	{"plain string", `data=hello, "world"`, `"hello, \"world\""`},
	{"plain string of JSON", `data={"a":1}`, `"{\"a\":1}"`},
	{"between other fields", `data[a]=1&extra=x&data[b]=2`, `{"a":"1","b":"2"}`},
}

// TestFormText: a form's data arrives as JSON text.
func TestFormText(t *testing.T) {
	matrix(t, []string{"2.2.0", "4.8.4"}, []transport{websocket}, func(t *testing.T, g *gateway, c client) {
		s := c.join(t, g, "/socket/customer")
		s.setConnect(t, `{"uid":1,"type":"customer","token":"t"}`)
		for _, tc := range formTexts {
			t.Run(tc.name, func(t *testing.T) {
				d := formPush("device_push", "type=customer&uid=1&"+tc.form, tc.text)
				for _, contentType := range []string{formBody, formBody + "; charset=UTF-8"} {
					if r := g.accepted(t, "/device_push", contentType, d.body); r.Matched != 1 {
						t.Fatalf("matched %d, want 1", r.Matched)
					}
					s.wantMessage(t, tc.text)
				}
			})
		}
	})
}
