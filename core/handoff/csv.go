// console-csv and import-csv: what the AWS console offers for download, and
// what the AWS command line imports.
package handoff

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// The columns, letter by letter as the console writes them.
const (
	userColumn   = "User Name"
	idColumn     = "Access key ID"
	secretColumn = "Secret access key"
)

func encodeConsoleCSV(c core.Credential, _ core.Receipt) ([]byte, error) {
	secret, err := secretOf(c, core.PairForm)
	if err != nil {
		return nil, err
	}
	return encodeCSV("console-csv", []string{idColumn, secretColumn}, [][]byte{[]byte(c.ID), secret})
}

// The command line names the profile that it makes after the user, so the file
// gives it the grant's name.
func encodeImportCSV(c core.Credential, r core.Receipt) ([]byte, error) {
	secret, err := secretOf(c, core.PairForm)
	if err != nil {
		return nil, err
	}
	return encodeCSV("import-csv", []string{userColumn, idColumn, secretColumn}, [][]byte{[]byte(r.Grant), []byte(c.ID), secret})
}

func encodeCSV(format string, columns []string, cells [][]byte) ([]byte, error) {
	parts := [][]byte{[]byte(strings.Join(columns, ",") + "\n")}
	for i, cell := range cells {
		if len(cell) == 0 {
			return nil, fmt.Errorf("format %s: the %s is empty", format, columns[i])
		}
		if err := errors.Join(holds(format, columns[i], cell, ""), notFormula(format, columns[i], cell)); err != nil {
			return nil, err
		}
		end := ","
		if i == len(cells)-1 {
			end = "\n"
		}
		parts = append(parts, quoteCell(cell), []byte(end))
	}
	return lines(parts...), nil
}

// quoteCell quotes only where that is needed: simple readers of the console's
// file split at commas.
func quoteCell(cell []byte) []byte {
	if !bytes.ContainsAny(cell, `",`) {
		return cell
	}
	return lines([]byte(`"`), bytes.ReplaceAll(cell, []byte(`"`), []byte(`""`)), []byte(`"`))
}

// notFormula refuses a cell that a spreadsheet would execute. A secret may begin
// with "+": the digits of base64 alone make no formula that does anything.
// https://owasp.org/www-community/attacks/CSV_Injection
func notFormula(format, column string, cell []byte) error {
	switch {
	case strings.IndexByte("=-@", cell[0]) >= 0,
		cell[0] == '+' && len(bytes.Trim(cell, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")) > 0:
		return fmt.Errorf("format %s: the %s would be a formula in a spreadsheet", format, column)
	}
	return nil
}

// decodeCSV finds the columns by their names, in any order and letter case:
// consoles have written several layouts over the years.
func decodeCSV(data []byte) (core.Credential, error) {
	rows, err := csv.NewReader(bytes.NewReader(withoutMark(data))).ReadAll()
	if err != nil {
		return core.Credential{}, errors.New("format csv: is not a table of comma-separated values")
	}
	if len(rows) != 2 {
		return core.Credential{}, errors.New("format csv: the file must hold a row of names and exactly one key")
	}
	var id, secret []byte
	for i, column := range rows[0] {
		switch {
		case strings.EqualFold(column, idColumn):
			id = []byte(rows[1][i])
		case strings.EqualFold(column, secretColumn):
			secret = []byte(rows[1][i])
		}
	}
	return newPair(id, secret)
}
