// Package nearest finds the known word that somebody probably meant.
package nearest

// longest is more than any word that is looked for.
const longest = 64

// Word returns the known word with the fewest letters to put in, leave out or
// replace, or "" if none is close enough to be a slip of the fingers. Of several
// that are equally close it is the first.
func Word(typed string, known []string) string {
	if len(typed) > longest {
		return ""
	}
	best, least := "", len(typed)/3+1
	for _, word := range known {
		if n := distance(typed, word); n <= least && n < len(word) {
			best, least = word, n-1
		}
	}
	return best
}

// distance is the number of letters to put in, leave out or replace between a and b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
