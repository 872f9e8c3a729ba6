//go:build tools

// Package release pins what judges a release's files: workflows and the manifest of kubectl's plugin.
package release

import (
	_ "github.com/rhysd/actionlint/cmd/actionlint"
	_ "sigs.k8s.io/krew/cmd/validate-krew-manifest"
)
