// schema: the grant file as a JSON Schema, for editors.
package cli

import "github.com/spf13/cobra"

// schema is as much of JSON Schema 2020-12 as a grant file needs.
type schema struct {
	Schema      string             `json:"$schema,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Type        []string           `json:"type,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Additional  *bool              `json:"additionalProperties,omitempty"`
	Items       *schema            `json:"items,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	Examples    []any              `json:"examples,omitempty"`
}

func (a *app) schemaCommand() *cobra.Command {
	c := a.command(page{
		Use: "schema", Short: "Print the JSON Schema of the grant file",
		Long: "Editors check and complete a grant file with it. Nothing is required by it, because a flag may say what the file leaves out. " +
			"A grant file says the same as the flags of apply, for example:\n\n" + a.grantExample(),
		Examples: []string{"$PROGRAM schema"},
	})
	c.RunE = func(*cobra.Command, []string) error {
		return a.run(nil, func() error { return printJSON(a.env.Stdout, a.schema()) })
	}
	return c
}

// schema is made of the table that the parser and the flags are made of.
func (a *app) schema() *schema {
	closed := false
	s := &schema{
		Schema: "https://json-schema.org/draft/2020-12/schema", Title: a.cloud.Program + " grant", Type: []string{"object"},
		Additional: &closed,
	}
	s.Properties = a.properties()
	s.Properties[fleetKey] = &schema{
		Description: "many grants, each of which adds to what the file says of all of them: its prefix alone, or a mapping of the same keys", Type: []string{"array"},
		Items: &schema{Type: []string{"string", "object"}, Properties: a.properties(), Additional: &closed},
	}
	return s
}

// properties are the keys of one grant.
func (a *app) properties() map[string]*schema {
	all := map[string]*schema{}
	for _, f := range fields(a.info, a.cloud.Region) {
		p := &schema{Description: f.Usage}
		if len(f.Only) > 0 {
			p.Description += " (with " + whoKey + ": " + joinWho(f.Only) + " only)"
		}
		switch f.Kind {
		case textField:
			p.Type, p.Enum = []string{"string", "number"}, f.Accepts
		case flagField:
			p.Type = []string{"boolean"}
		case listField:
			p.Type, p.Items = []string{"array", "string"}, &schema{Type: []string{"string"}}
		}
		if f.Example != "" && f.Kind == textField {
			p.Examples = []any{f.Example}
		}
		all[f.Key] = p
	}
	return all
}

// grantExample is a grant file with what most grants need.
func (a *app) grantExample() string {
	text := ""
	for _, f := range fields(a.info, a.cloud.Region) {
		switch {
		case f.Key == "to":
			text += "to:\n  - age1…\n"
		case f.always(), f.Key == "prefix":
			text += f.Key + ": " + f.Example + "\n"
		}
	}
	return text
}
