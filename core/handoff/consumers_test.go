// The programs that consume each format, or their reference readers: judges that
// are not ours.

package handoff

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/unknwon/goconfig"
	yaml3 "go.yaml.in/yaml/v3"
)

// consumer reads a file as the program does that it is for. What it returns is
// named like the fields of the hostile texts; what a format does not hold is left out.
type consumer func(t *testing.T, data []byte) (map[string]string, error)

func consumers() map[string]consumer {
	return map[string]consumer{
		"native":             readProfile,
		"aws-credentials":    readProfile,
		"console-csv":        readTable,
		"import-csv":         readTable,
		"env":                readShell,
		"dotenv":             readShell,
		"credential-process": readObject(map[string]string{"AccessKeyId": "id", "SecretAccessKey": "secret"}),
		"json":               readObject(map[string]string{"access_key_id": "id", "access_key": "secret", "bucket": "bucket", "prefix": "prefix", "region": "region", "grant": "grant"}),
		"tfvars":             readObject(map[string]string{"access_key_id": "id", "secret_access_key": "secret", "bucket": "bucket", "prefix": "prefix", "region": "region"}),
		"rudder":             readDestination,
		"kubernetes":         readSecret,
		"clickhouse":         readCollection,
		"rclone":             readRemote,
		"github":             readScript,
	}
}

// documentConsumers read the key document out of a file.
func documentConsumers() map[string]func(t *testing.T, data []byte) ([]byte, error) {
	same := func(_ *testing.T, data []byte) ([]byte, error) { return data, nil }
	member := func(read func([]byte) (map[string]any, error), name string) func(*testing.T, []byte) ([]byte, error) {
		return func(_ *testing.T, data []byte) ([]byte, error) {
			values, err := read(data)
			text, _ := values[name].(string)
			return []byte(text), err
		}
	}
	object := func(data []byte) (values map[string]any, err error) { return values, json.Unmarshal(data, &values) }
	return map[string]func(t *testing.T, data []byte) ([]byte, error){
		"native": same,
		"rudder": same,
		"tfvars": member(object, "google_credentials"),
		"kubernetes": member(func(data []byte) (map[string]any, error) {
			values, err := readYAML(data)
			all, _ := values["stringData"].(map[string]any)
			return all, err
		}, "GOOGLE_CREDENTIALS"),
		"json": func(_ *testing.T, data []byte) ([]byte, error) {
			var b struct {
				Document json.RawMessage `json:"service_account"`
			}
			err := json.Unmarshal(data, &b)
			return b.Document, err
		},
		"rclone": func(_ *testing.T, data []byte) ([]byte, error) {
			section, err := remote(data)
			if err != nil || len(section) != 4 || section["type"] != "google cloud storage" || section["bucket_policy_only"] != "true" || section["no_check_bucket"] != "true" {
				return nil, fmt.Errorf("got %d settings and %w", len(section), err)
			}
			return []byte(section["service_account_credentials"]), nil
		},
		"github": func(t *testing.T, data []byte) ([]byte, error) {
			set, err := runScript(t, data)
			return []byte(set["secret GOOGLE_CREDENTIALS"]), err
		},
	}
}

// readProfile reads a profile as the AWS tools do: the first "=" divides, nothing is unquoted.
func readProfile(_ *testing.T, data []byte) (map[string]string, error) {
	rows := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	name := strings.TrimSpace(rows[0])
	if !strings.HasPrefix(name, "[") || !strings.HasSuffix(name, "]") {
		return nil, errors.New("no profile")
	}
	values := map[string]string{"grant": strings.Trim(name, "[]")}
	known := map[string]string{"aws_access_key_id": "id", "aws_secret_access_key": "secret", "region": "region"}
	for _, row := range rows[1:] {
		key, value, ok := strings.Cut(row, "=")
		field, known := known[strings.TrimSpace(key)]
		if _, twice := values[field]; !ok || !known || twice {
			return nil, fmt.Errorf("%q is not expected", row)
		}
		values[field] = strings.TrimSpace(value)
	}
	return values, nil
}

func readTable(_ *testing.T, data []byte) (map[string]string, error) {
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil || len(rows) != 2 {
		return nil, fmt.Errorf("%d rows, %w", len(rows), err)
	}
	values := map[string]string{}
	for i, column := range rows[0] {
		values[map[string]string{"User Name": "grant", "Access key ID": "id", "Secret access key": "secret"}[column]] = rows[1][i]
		if strings.ContainsAny(rows[1][i][:1], "=-@\t") || rows[1][i][0] == '+' && strings.ContainsAny(rows[1][i], "(|!'\"&") {
			return nil, errors.New("a cell is a formula")
		}
	}
	return values, nil
}

// shell is the shell, or, where there is time, one of those of this machine; with
// other data it is another one's turn.
func shell(data []byte) string {
	if !everyReader {
		return "sh"
	}
	found := []string{"sh"}
	for _, name := range []string{"dash", "bash", "ash", "ksh", "mksh"} {
		if _, err := exec.LookPath(name); err == nil {
			found = append(found, name)
		}
	}
	return found[len(data)%len(found)]
}

// readShell lets a shell read the variables, which must set nothing else.
func readShell(t *testing.T, data []byte) (map[string]string, error) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "file"), data, 0o600))
	c := exec.CommandContext(t.Context(), shell(data), "-c", "set -a; . ./file; set +a; exec env -0")
	c.Dir, c.Env = dir, []string{"PATH=" + os.Getenv("PATH")}
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.Output()
	if err != nil || errs.Len() > 0 {
		return nil, fmt.Errorf("%w %s", err, errs.String())
	}
	values := map[string]string{}
	for setting := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		key, value, _ := strings.Cut(setting, "=")
		switch key {
		case "AWS_ACCESS_KEY_ID":
			values["id"] = value
		case "AWS_SECRET_ACCESS_KEY":
			values["secret"] = value
		case "AWS_REGION", "AWS_DEFAULT_REGION":
			values["region"] = value
		case "S3_BUCKET_NAME":
			values["bucket"] = value
		case "S3_PREFIX":
			values["prefix"] = value
		case "PATH", "PWD", "_", "OLDPWD", "SHLVL":
		default:
			return nil, fmt.Errorf("sets %q as well", key)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		return nil, errors.New("something was run")
	}
	return values, nil
}

func readObject(names map[string]string) consumer {
	return func(_ *testing.T, data []byte) (map[string]string, error) {
		var object map[string]any
		if err := json.Unmarshal(data, &object); err != nil {
			return nil, err
		}
		values := map[string]string{}
		for key, value := range object {
			name, known := names[key]
			text, isText := value.(string)
			switch {
			case known && isText:
				values[name] = text
			case key != "schema_version" && key != "cloud" && key != "Version":
				return nil, fmt.Errorf("holds %q as well", key)
			}
		}
		return values, nil
	}
}

// readYAML reads a document with two readers, which must agree.
func readYAML(data []byte) (map[string]any, error) {
	var a, b map[string]any
	if err := errors.Join(yaml.Unmarshal(data, &a), yaml3.Unmarshal(data, &b)); err != nil {
		return nil, err
	}
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	if !bytes.Equal(x, y) {
		return nil, fmt.Errorf("two readers of YAML read %s and %s", x, y)
	}
	return b, nil
}

func readDestination(_ *testing.T, data []byte) (map[string]string, error) {
	values, err := readYAML(data)
	if err != nil || len(values) != 4 {
		return nil, fmt.Errorf("%d keys, %w", len(values), err)
	}
	text, err := texts(values["spec"].(map[string]any)["config"])
	if err != nil {
		return nil, err
	}
	meta, err := texts(values["metadata"])
	return map[string]string{"id": text["access_key_id"], "secret": text["access_key"], "bucket": text["bucket_name"], "prefix": text["prefix"], "grant": meta["name"]}, err
}

func readSecret(_ *testing.T, data []byte) (map[string]string, error) {
	values, err := readYAML(data)
	if err != nil || len(values) != 5 || values["apiVersion"] != "v1" || values["kind"] != "Secret" || values["type"] != "Opaque" {
		return nil, fmt.Errorf("%v, %w", values, err)
	}
	text, err := texts(values["stringData"])
	if err != nil {
		return nil, err
	}
	meta, err := texts(values["metadata"])
	if len(meta) != 1 || text["AWS_REGION"] != text["AWS_DEFAULT_REGION"] {
		return nil, fmt.Errorf("got the metadata %v", meta)
	}
	return map[string]string{"id": text["AWS_ACCESS_KEY_ID"], "secret": text["AWS_SECRET_ACCESS_KEY"], "bucket": text["S3_BUCKET_NAME"], "prefix": text["S3_PREFIX"], "region": text["AWS_REGION"], "grant": meta["name"]}, err
}

// texts demands that all values are texts, but for truth values.
func texts(node any) (map[string]string, error) {
	all, _ := node.(map[string]any)
	values := map[string]string{}
	for key, value := range all {
		switch v := value.(type) {
		case string:
			values[key] = v
		case bool:
		default:
			return nil, fmt.Errorf("%q is a %T", key, value)
		}
	}
	return values, nil
}

func readCollection(_ *testing.T, data []byte) (map[string]string, error) {
	var config struct {
		XMLName     xml.Name `xml:"clickhouse"`
		Collections struct {
			All []struct {
				XMLName xml.Name
				Values  []struct {
					XMLName xml.Name
					Attrs   []xml.Attr `xml:",any,attr"`
					Text    string     `xml:",chardata"`
					Inner   []struct{} `xml:",any"`
				} `xml:",any"`
			} `xml:",any"`
		} `xml:"named_collections"`
	}
	if err := xml.Unmarshal(data, &config); err != nil {
		return nil, err
	}
	if len(config.Collections.All) != 1 || len(config.Collections.All[0].Values) != 3 {
		return nil, errors.New("not one collection of three values")
	}
	one := config.Collections.All[0]
	values := map[string]string{"grant as an identifier": one.XMLName.Local}
	for _, v := range one.Values {
		if len(v.Attrs)+len(v.Inner) > 0 || strings.Contains(v.Text, "${") { // which the server would replace
			return nil, fmt.Errorf("%s is no plain value", v.XMLName.Local)
		}
		values[map[string]string{"url": "url", "access_key_id": "id", "secret_access_key": "secret"}[v.XMLName.Local]] = v.Text
	}
	return values, nil
}

// remote is the only remote of a configuration, read by rclone's own reader.
func remote(data []byte) (map[string]string, error) {
	config, err := goconfig.LoadFromReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range config.GetSectionList() {
		if name != goconfig.DEFAULT_SECTION {
			names = append(names, name)
		}
	}
	if len(names) != 1 {
		return nil, fmt.Errorf("got the remotes %q", names)
	}
	values := map[string]string{"": names[0]}
	for _, key := range config.GetKeyList(names[0]) {
		if values[key], err = config.GetValue(names[0], key); err != nil { // resolves %(…)s
			return nil, err
		}
	}
	delete(values, " ")
	if name := values[""]; len(values) > 1 {
		delete(values, "")
		values["name"] = name
	}
	if values["type"] == "google cloud storage" {
		delete(values, "name")
	}
	return values, nil
}

func readRemote(_ *testing.T, data []byte) (map[string]string, error) {
	values, err := remote(data)
	if err != nil {
		return nil, err
	}
	got := map[string]string{"grant": values["name"], "id": values["access_key_id"], "secret": values["secret_access_key"], "region": values["region"]}
	for _, key := range []string{"name", "access_key_id", "secret_access_key", "region"} {
		delete(values, key)
	}
	if want := map[string]string{"type": "s3", "provider": "AWS", "no_check_bucket": "true", "no_head": "true"}; !maps.Equal(values, want) {
		return nil, fmt.Errorf("got %v, want %v", values, want)
	}
	return got, nil
}

// runScript runs a script with a gh that notes what it is told, without a process
// of its own. What it returns is named "secret NAME" and "variable NAME"; the true
// gh cuts ends of lines off as well.
func runScript(t *testing.T, data []byte) (map[string]string, error) {
	const gh = `gh() { echo "$*" >>"$NOTES/argv"; while IFS= read -r line || [ "$line" ]; do printf '%s\n' "$line" >>"$NOTES/$1 $3"; done; }; . ./file.sh`
	dir, notes := t.TempDir(), t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "file.sh"), data, 0o600))
	c := exec.CommandContext(t.Context(), shell(data), "-c", gh, "file.sh", "--repo", "acme/site")
	c.Dir, c.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "NOTES=" + notes}
	if out, err := c.CombinedOutput(); err != nil || len(out) > 0 {
		return nil, fmt.Errorf("%w %s", err, out)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		return nil, errors.New("something was run")
	}
	set := noted(t, notes)
	for argv := range strings.Lines(set["argv"]) {
		if words := strings.Fields(argv); len(words) != 5 || words[1] != "set" || words[3] != "--repo" || words[4] != "acme/site" {
			return nil, fmt.Errorf("gh was called with %q", argv)
		}
	}
	delete(set, "argv")
	return set, nil
}

// noted is what a gh has noted.
func noted(t *testing.T, notes string) map[string]string {
	t.Helper()
	set := map[string]string{}
	entries, err := os.ReadDir(notes)
	must(t, err)
	for _, e := range entries {
		value, err := os.ReadFile(filepath.Join(notes, e.Name()))
		must(t, err)
		set[e.Name()] = strings.TrimRight(string(value), "\r\n")
	}
	return set
}

func readScript(t *testing.T, data []byte) (map[string]string, error) {
	set, err := runScript(t, data)
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for name, field := range map[string]string{"secret AWS_ACCESS_KEY_ID": "id", "secret AWS_SECRET_ACCESS_KEY": "secret", "variable S3_BUCKET_NAME": "bucket", "variable S3_PREFIX": "prefix", "variable AWS_REGION": "region", "variable AWS_DEFAULT_REGION": "region"} {
		if value, ok := set[name]; ok {
			values[field] = value
			delete(set, name)
		}
	}
	if len(set) > 0 {
		return nil, fmt.Errorf("sets %v as well", set)
	}
	return values, nil
}

// jsonText is text as JSON holds it, without the escapes that only HTML needs.
func jsonText(text string) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		panic(err)
	}
	return bytes.TrimRight(out.Bytes(), "\n")
}
