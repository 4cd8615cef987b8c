package gateway

import "fmt"

const (
	notAnObject  refusalCode = 1 // the argument is missing, or not one object
	missingField refusalCode = 2 // uid is missing, empty or zero
	wrongType    refusalCode = 3 // a field has another JSON type than it should
	tooLong      refusalCode = 4 // a field is over its bound
	badValue     refusalCode = 5 // a field has control characters, or a value that its kind does not know
)

func refuse(code refusalCode, format string, args ...any) *refusal {
	return &refusal{code, fmt.Sprintf(format, args...)}
}
