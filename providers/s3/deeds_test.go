// Deeds: the grid of what is tried with a random grant.
package s3_test

import (
	"os"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/bucketgrant/bucketgrant/core"
)

// actions is everything that S3, IAM and STS can be asked for.
var actions = func() (list []string) {
	raw, err := os.ReadFile("actions.txt")
	if err != nil {
		panic(err)
	}
	for line := range strings.Lines(string(raw)) {
		words := strings.Fields(line)
		for _, w := range words[1:] {
			list = append(list, words[0]+":"+w)
		}
	}
	return list
}()

// telling are the actions that are tried everywhere: what abilities take, and their nearest relatives.
var telling = []string{
	"s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:DeleteObjectVersion", "s3:GetObjectVersion", "s3:PutObjectAcl",
}

// deeds is the grid for one grant: every action at a few places, the telling
// ones everywhere, and one telling of each kind under every circumstance.
func deeds(t *rapid.T, g core.Grant, at place) (grid []deed) {
	in := g.Target.Prefix + "2026/a"
	from := "198.51.100.1"
	if len(g.Limits.From) > 0 {
		from = g.Limits.From[0].Addr().String()
	}
	usual := deed{bucket: g.Target.Bucket, when: today, from: from, tls: true}
	put := func(d deed, action string) { d.action = action; grid = append(grid, d) }
	object := func(key string) deed { d := usual; d.object, d.key = true, key; return d }
	other := object(in)
	other.bucket = g.Target.Bucket + "-x"
	shown := usual
	shown.prefix = &in
	turn := rapid.IntRange(0, 7).Draw(t, "turn")
	for i, a := range actions {
		if everyAction || i%8 == turn {
			put(object(in), a)
			put(shown, a)
			put(other, a)
			put(deed{when: today, from: from, tls: true}, a)
		}
	}
	for _, key := range keys(g.Target.Prefix) {
		for _, a := range telling {
			put(object(key), a)
		}
		listing := usual
		listing.prefix = &key
		put(listing, "s3:ListBucket")
		listing.bucket = other.bucket
		put(listing, "s3:ListBucket")
	}
	for _, d := range circumstances(usual, g) {
		for _, a := range telling[:5] {
			o := d
			o.object, o.key = true, in
			put(o, a)
		}
		d.prefix = &in
		for _, a := range []string{"s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads", "s3:GetBucketPolicy"} {
			put(d, a)
		}
		for _, key := range []string{"1234abcd", "other"} {
			k := d
			k.kms = "arn:" + at.partition + ":kms:" + at.region + ":" + ownAccount + ":key/" + key
			for _, a := range []string{"kms:GenerateDataKey", "kms:Decrypt", "kms:Encrypt", "kms:CreateGrant"} {
				put(k, a)
			}
		}
	}
	put(usual, "s3:ListBucket") // that asks for no prefix
	return grid
}

// keys are those that a prefix could be mistaken for.
func keys(prefix string) []string {
	stem := strings.TrimSuffix(prefix, "/")
	list := []string{
		prefix, prefix + "x", prefix + "../x", prefix + "*", prefix + "?", prefix + "${aws:username}", prefix + "ü/€", prefix + "a/b/c", prefix + "\n",
		stem, stem + "x", stem + "-evil/x", stem + "/x", stem + "%2Fx", strings.ToUpper(prefix) + "x", strings.ToLower(prefix) + "x", "/" + prefix + "x", "x/" + prefix + "x", "../" + prefix,
		stem[:len(stem)/2], "", "*", "?", "x", "${aws:username}/x", strings.ReplaceAll(prefix, ".", "x") + "x", stem[strings.LastIndex(stem, "/")+1:] + "/x",
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// circumstances are moments, addresses and ways to send it.
func circumstances(usual deed, g core.Grant) (list []deed) {
	change := func(f func(*deed)) { d := usual; f(&d); list = append(list, d) }
	change(func(*deed) {})
	change(func(d *deed) { d.tls = false })
	for _, away := range []time.Duration{-time.Second, 0, time.Second, 1000 * time.Hour} {
		if !g.Limits.Expires.IsZero() {
			change(func(d *deed) { d.when = g.Limits.Expires.Add(away) })
		}
	}
	for _, n := range g.Limits.From {
		change(func(d *deed) { d.from = n.Addr().Prev().String() })
		change(func(d *deed) { d.from = n.Addr().Next().String() })
	}
	for _, a := range []string{"8.8.8.8", "10.0.0.1", "2001:db8:ffff::1", "::1"} {
		change(func(d *deed) { d.from = a })
	}
	return list
}
