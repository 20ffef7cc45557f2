// Forget: what is left of deliveries that earlier runs did not end.
package core

// Forgetter is a [Deliverer] that can take back what is left of a delivery which
// an earlier run did not end: its key is retired, and its files would open nothing.
type Forgetter interface {
	Forget(key string) error
}

// forget takes back what is left of the deliveries that earlier runs did not end.
func (p *Plan) forget(d Deliverer) error {
	f, can := d.(Forgetter)
	if !can {
		return nil
	}
	for _, key := range p.undelivered {
		if err := f.Forget(key); err != nil {
			return err
		}
	}
	return nil
}
