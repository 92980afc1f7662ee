// Package deploy holds what is shipped with duban beside the program.
package deploy

import "embed"

// Sample is the sample data with which a new installation can be tried. The
// unit in it is fictional.
//
//go:embed sample
var Sample embed.FS
