// Moments: times as Cloud Storage has them.
package fakegcp

import "time"

// moment is now as precisely as Google says it: clients refuse a time with more
// digits behind the point than six.
func moment() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
