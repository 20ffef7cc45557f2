// Inside of a workflow: tokens that GitHub signs for this very run.
package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/github"
)

// The variables by which a run gets its tokens.
// https://docs.github.com/en/actions/reference/security/oidc
const (
	tokenURLVariable = "ACTIONS_ID_TOKEN_REQUEST_URL"
	tokenKeyVariable = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
	gitHubsHosts     = github.TokenHosts
)

// Run is how this run asks GitHub for a token.
type Run struct {
	URL string
	Key string // a secret: it goes to URL, and nowhere else
}

// run is the run that this is part of; none if the environment does not say so.
func (p *Provider) run() (Run, bool) {
	r := p.config.Run
	if r == (Run{}) && !p.config.Isolated {
		r = Run{os.Getenv(tokenURLVariable), os.Getenv(tokenKeyVariable)}
	}
	return r, r.URL != "" && r.Key != ""
}

// asThisWorkflow takes the role on with tokens of this run.
func (e *entrant) asThisWorkflow(ctx context.Context, d design) error {
	r, ok := e.provider.run()
	switch {
	case !ok:
		return &core.Error{Kind: core.ErrOperator, What: "GitHub token", Err: errors.New("this does not run in a workflow of GitHub Actions that may ask for one"), Hint: "permissions: id-token: write in the workflow, and run this in a step of it"}
	case d.account == "":
		return core.Faults{{Field: setAccount, Rule: "is missing: from inside, nobody else says in which account the role is", Accepts: `12 digits, e.g. "111122223333"`}}
	}
	if err := e.provider.mayAsk(r); err != nil {
		return err
	}
	client, err := e.anonymous(ctx)
	if err != nil {
		return err
	}
	e.forged = []string{github.WrongAudience, github.UnsignedToken, github.ForgedSignature}
	e.open = e.withTokens(client, d.layout.grantee(d, d.account), func(ctx context.Context, forgery string) (string, error) {
		if forgery == github.WrongAudience {
			return e.provider.askToken(ctx, r, wrongAudience)
		}
		return e.provider.askToken(ctx, r, audience)
	})
	return nil
}

// mayAsk refuses to send the run's key to hosts that are not GitHub's, unless somebody consented.
func (p *Provider) mayAsk(r Run) error {
	if _, ok := github.TokenURL(r.URL, p.config.AllowEndpoint); ok {
		return nil
	}
	return core.Faults{{Field: tokenURLVariable, Value: withoutUser(r.URL), Rule: "is not an address of GitHub's", Accepts: github.TokenForm}}
}

// mostToken is the size of an answer with a token.
const mostToken = 1 << 20

// askToken gets a token for an audience. What goes wrong is told without what was sent.
func (p *Provider) askToken(ctx context.Context, r Run, audience string) (string, error) {
	u, err := url.Parse(r.URL)
	if err != nil {
		return "", errors.New("the address for tokens is not one")
	}
	q := u.Query()
	q.Set("audience", audience)
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", errors.New("the address for tokens is not one")
	}
	req.Header.Set("Authorization", "Bearer "+r.Key)
	req.Header.Set("Accept", "application/json")
	resp, err := newCaller(p.config.Transport, nil).Do(req)
	if err != nil {
		return "", fmt.Errorf("GitHub gave no token: %w", plainly(err))
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Value string `json:"value"`
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("GitHub gave no token: status %d", resp.StatusCode)
	}
	if err := json.NewDecoder(http.MaxBytesReader(nil, resp.Body, mostToken)).Decode(&answer); err != nil || answer.Value == "" {
		return "", errors.New("GitHub gave no token: its answer holds none")
	}
	return answer.Value, nil
}
