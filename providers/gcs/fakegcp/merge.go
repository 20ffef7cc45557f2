// Merging a patch into a document.
package fakegcp

import (
	"encoding/json"
	"fmt"
)

// mergePatch applies RFC 7396.
func mergePatch(base, patch []byte) ([]byte, error) {
	var b, p any
	if err := json.Unmarshal(base, &b); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(patch, &p); err != nil {
		return nil, err
	}
	if _, ok := p.(map[string]any); !ok {
		return nil, fmt.Errorf("body is not an object")
	}
	return json.Marshal(mergeValue(b, p))
}

func mergeValue(base, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	b, ok := base.(map[string]any)
	if !ok {
		b = map[string]any{}
	}
	for k, v := range p {
		if v == nil {
			delete(b, k)
		} else {
			b[k] = mergeValue(b[k], v)
		}
	}
	return b
}
