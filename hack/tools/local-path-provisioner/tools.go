//go:build tools

// Package tools pins what the local cluster builds from this module.
package tools

import (
	_ "github.com/rancher/local-path-provisioner"
)
