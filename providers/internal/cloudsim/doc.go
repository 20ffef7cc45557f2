// Package cloudsim is what the fake clouds share: a transport without a
// socket, facts that need time to become visible, faults at a chosen call, and
// a ledger of every authorization decision.
//
// It knows no cloud and imports only the standard library, so that a fake stays
// an independent witness. Time is the standard library's: inside a
// testing/synctest bubble every delay is virtual.
package cloudsim
