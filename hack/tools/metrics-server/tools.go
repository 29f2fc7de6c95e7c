//go:build tools

// Package tools pins what the local cluster builds from this module.
package tools

import (
	_ "sigs.k8s.io/metrics-server/cmd/metrics-server"
)
