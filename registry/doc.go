// Package registry is a concurrent index of keys to sets of members.
package registry
