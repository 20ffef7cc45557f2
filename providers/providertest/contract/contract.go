// Package contract holds traffic up to what vendors publish for machines: Google's
// discovery documents and the service models of AWS's own clients. A request or an
// answer that they do not allow is a fault of whoever wrote it, the provider or the fake.
package contract

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
)

// Exchange is one request with its answer.
type Exchange struct {
	Request *http.Request
	Sent    []byte // the request's body
	Status  int
	Header  http.Header // of the answer
	Got     []byte      // the answer's body
}

// Contract is what one vendor has published.
type Contract interface {
	// Check names the operation and every fault of the exchange. operation is ""
	// where the vendor has published nothing about such requests.
	Check(e Exchange) (operation string, faults []string)
}

// Witness is a handler that serves like another one and checks what passes by.
// It is safe for concurrent use.
type Witness struct {
	http.Handler
	contract Contract

	mu     sync.Mutex
	judged map[string]int // by operation; "" is what nothing is published about
	faults map[string]int
}

// Beside returns a witness of what h serves.
func Beside(h http.Handler, c Contract) *Witness {
	return &Witness{Handler: h, contract: c, judged: map[string]int{}, faults: map[string]int{}}
}

// ServeHTTP serves r, then checks it.
func (w *Witness) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	e := Exchange{Request: r}
	if r.Body != nil {
		var err error
		if e.Sent, err = io.ReadAll(r.Body); err != nil {
			w.Handler.ServeHTTP(to, r)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(e.Sent))
	}
	kept := httptest.NewRecorder()
	w.Handler.ServeHTTP(kept, r)
	e.Status, e.Header, e.Got = kept.Code, kept.Header(), kept.Body.Bytes()
	w.see(e)
	maps.Copy(to.Header(), kept.Header())
	to.WriteHeader(kept.Code)
	_, _ = to.Write(e.Got)
}

func (w *Witness) see(e Exchange) {
	operation, faults := w.contract.Check(e)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.judged[operation]++
	for _, f := range faults {
		w.faults[operation+": "+f]++
	}
}

// Faults are all that were seen, each once.
func (w *Witness) Faults() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.faults))
}

// Judged is how many exchanges of each operation were checked.
func (w *Witness) Judged() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := maps.Clone(w.judged)
	delete(all, "")
	return all
}

// faults gathers what is wrong.
type faults []string

func (f *faults) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

// short is text for a message.
func short(text string) string {
	const most = 60
	if len(text) > most {
		text = text[:most] + "…"
	}
	return strings.ToValidUTF8(text, "?")
}
