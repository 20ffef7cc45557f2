// Nearest: the known name that somebody probably meant.
package profile

// nearest returns the name with the fewest edits to typed, or "" if none is
// close enough to be a slip of the fingers.
func nearest(typed string, known []string) string {
	best, least := "", len(typed)/3+1
	for _, name := range known {
		if n := edits(typed, name); n <= least {
			best, least = name, n-1
		}
	}
	return best
}

// edits is the number of letters to insert, drop or change between a and b.
func edits(a, b string) int {
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
