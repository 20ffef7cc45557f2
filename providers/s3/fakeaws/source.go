// Where requests come from: the address that aws:SourceIp compares.
package fakeaws

import (
	"net"
	"net/http"
)

// SetSourceIP changes [Options.SourceIP] for requests from here on.
func (c *Cloud) SetSourceIP(ip string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.SourceIP = ip
}

// From serves requests as if they came from ip, whatever brought them. Two
// transports of one cloud can so stand at two places.
func (c *Cloud) From(ip string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.serve(w, sentFrom(r, ip)) })
}

func (c *Cloud) sourceIP() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.SourceIP
}

// sentFrom returns r with another sender; "" leaves it as it is.
func sentFrom(r *http.Request, ip string) *http.Request {
	if ip == "" {
		return r
	}
	moved := r.WithContext(r.Context())
	moved.RemoteAddr = net.JoinHostPort(ip, "1234")
	return moved
}
