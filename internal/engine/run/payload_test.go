package run

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// A call carries its version's signer and certificate, and nothing of the call before it.
func TestCallsCarryTheSignerOfTheirVersion(t *testing.T) {
	t.Parallel()
	const secret webhook.Secret = "whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
	compile := func(secrets ...webhook.Secret) *Version {
		v := domain.Version{Number: 1, Spec: plainSpec()}
		v.Spec.Signing.Secrets = secrets
		ver, err := NewVersion(&v)
		if err != nil {
			t.Fatal(err)
		}
		return ver
	}
	signed, plain := compile(secret), compile()
	var call domain.Call
	signed.FillCall(&call)
	if call.Signer == nil || call.Body != nil || !call.BodyIsJSON {
		t.Errorf("a signed job's call is %+v", call)
	}
	plain.FillCall(&call)
	if call.Signer != nil || plain.payload != nil {
		t.Errorf("a plain job's call is %+v", call)
	}
	v := domain.Version{Number: 1, Spec: plainSpec()}
	v.Spec.ClientCertificate = "bank"
	shown, err := NewVersion(&v)
	if err != nil {
		t.Fatal(err)
	}
	if shown.FillCall(&call); call.ClientCert != "bank" {
		t.Errorf("a job with a certificate makes the call %+v", call)
	}
	if plain.FillCall(&call); call.ClientCert != "" {
		t.Errorf("the next call shows it too: %+v", call)
	}
	v.Spec.Signing.Secrets = []webhook.Secret{webhook.Mask}
	if _, err := NewVersion(&v); domain.ErrorCode(err) != domain.CodeInvalid {
		t.Errorf("a mask signs: %v", err)
	}
}

// plainSpec is a job that fires each second.
func plainSpec() domain.Spec {
	d := domain.NewSpecDoc()
	d.Schedule, d.Type, d.API = "* * * * * *", domain.AtLeastOnce, "http://a.test/"
	return d.Spec
}
