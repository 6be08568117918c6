package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// writeJSON turns a stream of YAML documents into one JSON array; empty documents are left out.
func writeJSON(from io.Reader, to io.Writer) error {
	documents := utilyaml.NewYAMLReader(bufio.NewReader(from))
	all := []map[string]any{}
	for {
		text, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return json.NewEncoder(to).Encode(all)
		}
		if err != nil {
			return err
		}
		var one map[string]any
		if err := yaml.Unmarshal(text, &one); err != nil {
			return err
		}
		if len(one) > 0 {
			all = append(all, one)
		}
	}
}
