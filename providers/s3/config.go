// Config: how the clients of AWS are made.
package s3

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/bucketgrant/bucketgrant/core"
)

// Config is how the provider reaches AWS.
type Config struct {
	core.Connection
	Transport   http.RoundTripper       // nil: the network
	Credentials aws.CredentialsProvider // of the operator; nil: wherever AWS's own tools look
	Isolated    bool                    // nothing is read from the environment or from files
	StandIn     StandIn                 // plays the grantees that need no secret; nil on a real cloud
	Run         Run                     // the workflow's run that this is part of; the zero value: as the environment says
}

// clients are the three services of one caller.
type clients struct {
	iam       *iam.Client
	s3        *s3.Client
	sts       *sts.Client
	source    string   // where the credentials come from, in words
	endpoints []string // that are not AWS's own
}

// callAttempts bounds how often one call is sent. Calls that must not be repeated say so themselves.
const callAttempts = 5

// connect makes the clients of one caller; nil credentials are the operator's.
// Every endpoint is checked before anything is sent to it.
func (p *Provider) connect(ctx context.Context, region string, credentials aws.CredentialsProvider) (*clients, error) {
	if credentials == nil {
		credentials = p.config.Credentials
	}
	if !p.config.Isolated {
		if err := bundle().Err(); err != nil {
			return nil, err
		}
	}
	cfg, err := p.load(ctx, region, credentials)
	if err != nil {
		return nil, &core.Error{Kind: core.ErrOperator, What: "AWS configuration", Err: err, Hint: "aws configure list"}
	}
	cfg.HTTPClient = newCaller(p.config.Transport, cfg.HTTPClient)
	cfg.Logger = logging.Nop{}
	cfg.ClientLogMode = 0 // a log of bodies would hold secrets
	cfg.Retryer = retryer
	cfg.APIOptions = append(cfg.APIOptions, clocked)
	c := &clients{iam: iam.NewFromConfig(cfg), sts: sts.NewFromConfig(cfg), s3: s3.NewFromConfig(cfg, foreignStyle)}
	services := ourServices()
	if credentials == nil {
		services = append(services, keyServices()...)
	}
	if err := c.gate(configured(ctx, cfg, services), p.config.AllowEndpoint); err != nil {
		return nil, err
	}
	if credentials == nil && !p.config.Isolated {
		if err := halfPair(); err != nil {
			return nil, err
		}
	}
	c.source = sourceOf(cfg)
	return c, retrieve(ctx, cfg)
}

// load reads AWS's own configuration. The clients that hand out credentials are
// made in here and keep its HTTP client, whose kind is the only one that takes
// AWS_CA_BUNDLE; for all others it is replaced afterwards.
func (p *Provider) load(ctx context.Context, region string, credentials aws.CredentialsProvider) (aws.Config, error) {
	if p.config.Isolated {
		return aws.Config{Region: region, Credentials: credentials}, nil
	}
	options := []func(*config.LoadOptions) error{
		config.WithRegion(region),
		config.WithHTTPClient(network()),
		config.WithRetryer(retryer),
		config.WithLogger(logging.Nop{}),
	}
	if credentials != nil {
		options = append(options, config.WithCredentialsProvider(credentials))
	}
	return config.LoadDefaultConfig(ctx, options...)
}

// foreignStyle makes requests that servers other than AWS's understand, where one was given.
func foreignStyle(o *s3.Options) {
	o.DisableLogOutputChecksumValidationSkipped = true
	if o.BaseEndpoint == nil || ownEndpoint(*o.BaseEndpoint) {
		return
	}
	o.UsePathStyle = true
	o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
}
