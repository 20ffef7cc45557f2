// Any text in any field: a format refuses it, or its program reads exactly that.

package handoff

import (
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

func FuzzEveryFormatIsReadAsItWasWritten(f *testing.F) {
	formats := Formats()
	for i := range formats {
		f.Add(uint8(i), "acme-events", "acme", "events/", "eu-west-1", exampleID, "sec/ret+")
		f.Add(uint8(i), "${x}", "a'b", "x\ny", "%{if}", "=1", "\"$(id)`")
	}
	f.Fuzz(func(t *testing.T, which uint8, grant, bucket, prefix, region, id, secret string) {
		format := formats[int(which)%len(formats)]
		c := pairOf(id, secret)
		r := receiptFor(c)
		r.Grant, r.Bucket, r.Prefix, r.Region = grant, bucket, prefix, region
		data, err := format.Encode(c, r)
		if err != nil {
			return
		}
		cleanFile(t, data)
		if again, err := format.Decode(data); err != nil || !same(c, again) {
			t.Fatalf("%s gives back another credential: %v\n%q", format.Name, err, data)
		}
		read, ok := consumers()[format.Name]
		if !ok || format.Forms[0] != core.PairForm {
			return
		}
		if got, err := read(t, data); err != nil || got["id"] != id || got["secret"] != secret {
			t.Fatalf("%s: its program reads %q and %q of\n%q: %v", format.Name, got["id"], got["secret"], data, err)
		}
	})
}
