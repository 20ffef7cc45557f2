// Safe: text from elsewhere, before it reaches a terminal.
package handoff

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Safe makes text that somebody else has written harmless to a terminal and
// honest to the eye: control characters (and so escape sequences), characters
// that turn the direction of writing, invisible ones and bytes that are not
// UTF-8 are shown as codes. It gives one line.
func Safe(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) && !unicode.Is(unicode.Variation_Selector, r):
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += size
	}
	return b.String()
}
