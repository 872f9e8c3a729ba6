//go:build tools

// Package etcd pins the etcd server.
package etcd

import _ "go.etcd.io/etcd/server/v3"
