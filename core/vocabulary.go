// Vocabulary: the cloud's own actions, so that a word that does not exist is found before it is used.
package core

// Vocabulary is what a cloud calls its actions or permissions.
type Vocabulary struct {
	Noun   string // "action", "permission"
	Source string // where the list comes from: an address
	Date   string // of the list: YYYY-MM-DD

	// Lookup reports what is known of a word: an action, or something that is
	// mistaken for one, such as the name of a call.
	Lookup func(word string) Word `json:"-"`
}

// Word is what a [Vocabulary] knows of a word.
type Word struct {
	Known   bool   `json:"known"`             // it is an action
	Meant   string `json:"meant,omitempty"`   // the action that was probably meant; "" if nothing is near
	Because string `json:"because,omitempty"` // why it is not an action, or what the action is for
}
