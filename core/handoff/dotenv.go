// dotenv: a .env file, as programs read it that are no shells.
//
// Readers of such files differ in what they do with quotes, "#" and "$": a value
// in single quotes that holds none of the doubtful characters means the same to all.
// https://docs.docker.com/reference/compose-file/services/#env_file-format
package handoff

import (
	"github.com/bucketgrant/bucketgrant/core"
)

func encodeDotenv(c core.Credential, r core.Receipt) ([]byte, error) {
	if _, err := secretOf(c, core.PairForm); err != nil {
		return nil, err
	}
	list, err := variablesOf("dotenv", c, r, notEnv)
	if err != nil {
		return nil, err
	}
	var parts [][]byte
	for _, v := range list {
		parts = append(parts, []byte(v.name+"='"), v.value, []byte("'\n"))
	}
	return lines(parts...), nil
}
