// Abilities: what a grantee may do, in words of no cloud.
package core

// Ability is one thing that somebody can do to a bucket or to what is in it.
type Ability string

// The abilities, from the most often granted to those that are never granted.
const (
	Create     Ability = "create"     // put an object under a key that holds none
	Abort      Ability = "abort"      // begin a large upload in parts and give it up
	Overwrite  Ability = "overwrite"  // put an object over one that exists
	Read       Ability = "read"       // read an object
	List       Ability = "list"       // list the keys below the prefix
	Delete     Ability = "delete"     // delete an object
	Erase      Ability = "erase"      // delete one version of an object for ever
	Resume     Ability = "resume"     // list the parts of an unfinished upload
	Locate     Ability = "locate"     // ask in which region the bucket is
	Uploads    Ability = "uploads"    // list the unfinished uploads of the whole bucket
	Inspect    Ability = "inspect"    // read who may do what with the bucket
	Administer Ability = "administer" // change who may do what with the bucket
	Identify   Ability = "identify"   // read the identities of the bucket's owner
	Enter      Ability = "enter"      // become the grantee at all, where no key is handed over
)

// Reach says what an ability is about, and so where it can be tried.
type Reach string

// The reaches.
const (
	ObjectReach Reach = "object" // keys below the prefix
	BucketReach Reach = "bucket" // the bucket as a whole
	OwnerReach  Reach = "owner"  // the account or project that owns the bucket
	DoorReach   Reach = "door"   // the way in: only tried where no key is handed over
)

// AbilityInfo describes an ability.
type AbilityInfo struct {
	Ability   Ability
	Reach     Reach
	Grantable bool   // false: no profile may ask for it
	Means     string // completes "may …"
}

// Abilities is every ability, in the order in which people read them.
func Abilities() []AbilityInfo {
	return []AbilityInfo{
		{Create, ObjectReach, true, "put new objects"},
		{Abort, ObjectReach, true, "begin large uploads in parts and give them up"},
		{Overwrite, ObjectReach, true, "replace existing objects"},
		{Read, ObjectReach, true, "read objects"},
		{List, ObjectReach, true, "list keys"},
		{Delete, ObjectReach, true, "delete objects"},
		{Erase, ObjectReach, false, "delete versions of objects for ever"},
		{Resume, ObjectReach, true, "list the parts of unfinished uploads"},
		{Locate, BucketReach, true, "ask for the bucket's region"},
		{Uploads, BucketReach, true, "list the unfinished uploads of the whole bucket"},
		{Inspect, BucketReach, false, "read the bucket's policy"},
		{Administer, BucketReach, false, "change the bucket's policy"},
		{Identify, OwnerReach, false, "read the owner's identities"},
		{Enter, DoorReach, false, "act as the grantee"},
	}
}

// DescribeAbility returns what is known of a, and false for an unknown word.
func DescribeAbility(a Ability) (AbilityInfo, bool) {
	for _, i := range Abilities() {
		if i.Ability == a {
			return i, true
		}
	}
	return AbilityInfo{}, false
}
