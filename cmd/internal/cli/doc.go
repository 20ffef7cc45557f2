// Package cli is the roof: words in, words out. It holds the commands of every
// bucketgrant program. It names no cloud; what a cloud calls things comes from
// [core.Info], so that a program is a [Cloud] handed to [Main].
//
// Each command is one file: parsing fills its options, a run function works
// with them, and a test may stop in between. Standard output is the product (a
// plan, a receipt), standard error the conversation.
package cli
