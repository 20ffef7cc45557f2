// GetSessionToken: temporary credentials of a user, made from its key.
package fakeaws

import (
	"strconv"
	"time"
)

// The durations of such credentials.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
const (
	leastSession   = 900
	usualSession   = 12 * 60 * 60
	longestSession = 36 * 60 * 60
	rootSession    = 60 * 60
)

// getSessionToken needs no permission, and no policy can refuse it: it is there
// to authenticate. Only a long-term key may ask.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getsessiontoken.html
func getSessionToken(k *stsCall) (any, error) {
	if k.who.key.Session != nil {
		return nil, &apiError{Code: "AccessDenied", Status: 403, Message: "Cannot call GetSessionToken with session credentials"}
	}
	seconds := usualSession
	if s := k.form.Get("DurationSeconds"); s != "" {
		n, err := strconv.Atoi(s)
		switch {
		case err != nil || n < leastSession:
			return nil, invalid("durationSeconds", s, "Member must have value greater than or equal to "+itoa(leastSession))
		case n > longestSession:
			return nil, invalid("durationSeconds", s, "Member must have value less than or equal to "+itoa(longestSession))
		}
		seconds = n
	}
	if k.who.key.User == "" { // the root user's end after an hour, whatever was asked for
		seconds = min(seconds, rootSession)
	}
	key := k.temporary(k.who.account, k.who.key.User, time.Duration(seconds)*time.Second)
	key.Session.UserID = k.who.ID
	return struct{ Credentials credentialsXML }{credentialsXML{key.ID, key.Secret, key.Session.Token, stamp(key.Session.Expires)}}, nil
}

// temporary makes credentials that end by themselves. They are valid until then,
// whatever becomes of the key that they were made with: only the policies of
// whoever they speak for are asked anew for every request.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_disable-perms.html
func (k *stsCall) temporary(a *account, user string, life time.Duration) *accessKey {
	key := k.newKey(a, user, nil)
	delete(k.state.Keys, key.ID)
	key.ID = uniqueID("ASIA")
	k.state.Keys[key.ID] = key
	key.Session = &session{Token: opaque(200), Expires: time.Now().UTC().Add(life).Truncate(time.Second)}
	return key
}

// barred is the answer of IAM to temporary credentials of a user, for which it
// demands another factor of authentication.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
func (who *caller) barred() *apiError {
	if who.key == nil || who.key.Session == nil || who.Role != "" {
		return nil
	}
	return &apiError{Code: "InvalidClientTokenId", Status: 403, Message: "The security token included in the request is invalid"}
}
