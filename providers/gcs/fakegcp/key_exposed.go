// What Google itself does to keys: it switches off those that it finds in public.
package fakegcp

// Why a key is switched off, by a person or by Google.
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys#ServiceAccountKeyDisableReason
const (
	disabledByUser    = "SERVICE_ACCOUNT_KEY_DISABLE_REASON_USER_INITIATED"
	disabledAsExposed = "SERVICE_ACCOUNT_KEY_DISABLE_REASON_EXPOSED"
	statusExposed     = "SERVICE_ACCOUNT_KEY_EXTENDED_STATUS_KEY_EXPOSED"
)

// extendedStatus says for ever what Google has found out about a key.
type extendedStatus struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Expose has Google find the key with that ID in a public repository. It is
// switched off at once, unless an organisation says otherwise.
// https://cloud.google.com/iam/docs/configure-key-exposure-response
func (c *Cloud) Expose(keyID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.state.Accounts {
		for _, k := range a.listedKeys() {
			if k.ID == keyID {
				k.Disabled, k.Reason, k.Exposed = true, disabledAsExposed, true
				k.Usable.Set(false, nil)
			}
		}
	}
}
