// The journal in memory: for clouds that end with the command.
package journal

import (
	"slices"
	"sync"

	"github.com/bucketgrant/bucketgrant/core"
)

// memory is a journal that is as durable as the process.
type memory struct {
	mu    sync.Mutex
	state state
}

// Memory returns a journal that ends with the process. Only a cloud that ends
// with it too may use one.
func Memory() core.Journal { return &memory{} }

func (m *memory) Intend(i core.Intent) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.apply(line{Intend: &i})
	return nil
}

func (m *memory) Settle(id string, _ bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.apply(line{Settle: id})
	return nil
}

func (m *memory) Pending() ([]core.Intent, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.state.pending), nil
}
