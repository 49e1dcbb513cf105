package engine

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// A call carries its version's signer and certificate, and nothing of the call before it.
func TestCallsCarryTheSignerOfTheirVersion(t *testing.T) {
	t.Parallel()
	const secret webhook.Secret = "whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
	compile := func(secrets ...webhook.Secret) *version {
		v := domain.Version{Number: 1, Spec: spec("").Spec}
		v.Spec.Signing.Secrets = secrets
		ver, err := newVersion(&v)
		if err != nil {
			t.Fatal(err)
		}
		return ver
	}
	signed, plain := compile(secret), compile()
	var call domain.Call
	signed.fillCall(&call)
	if call.Signer == nil || call.Body != nil || !call.BodyIsJSON {
		t.Errorf("a signed job's call is %+v", call)
	}
	plain.fillCall(&call)
	if call.Signer != nil || plain.payload != nil {
		t.Errorf("a plain job's call is %+v", call)
	}
	v := domain.Version{Number: 1, Spec: spec("").Spec}
	v.Spec.ClientCertificate = "bank"
	shown, err := newVersion(&v)
	if err != nil {
		t.Fatal(err)
	}
	if shown.fillCall(&call); call.ClientCert != "bank" {
		t.Errorf("a job with a certificate makes the call %+v", call)
	}
	if plain.fillCall(&call); call.ClientCert != "" {
		t.Errorf("the next call shows it too: %+v", call)
	}
	v.Spec.Signing.Secrets = []webhook.Secret{webhook.Mask}
	if _, err := newVersion(&v); domain.ErrorCode(err) != domain.CodeInvalid {
		t.Errorf("a mask signs: %v", err)
	}
}
