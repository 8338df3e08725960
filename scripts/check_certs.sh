#!/usr/bin/env bash
# Run `pillion certs` against a real API server with the real signer of Kubernetes, kube-controller-manager: a request is
# approved, issued, verified and published; then the signer is stopped, and the fallback is on record.
#
#     KUBE_BIN=DIR scripts/api_server.sh scripts/check_certs.sh
#
# DIR holds kube-apiserver and kube-controller-manager (scripts/api_server.sh says how to build them); kubectl, jq and
# openssl come from the PATH, Python from $PYTHON. It ends with 0 if everything is as it should be.
set -euo pipefail

bin=${KUBE_BIN:?names the folder that holds kube-controller-manager}
python=${PYTHON:-python3} port=${SIGNER_PORT:-20257}
state=$(mktemp -d)
controllers=certificatesigningrequest-signing-controller,root-ca-certificate-publisher-controller
signer=
stop_signer() { [ -z "$signer" ] || { kill "$signer" && wait "$signer"; signer=; } 2>/dev/null || true; }
trap 'code=$?; stop_signer; [ $code = 0 ] || tail -n 5 "$state/signer.log" >&2; rm -rf "$state"' EXIT

expect() { # what, expected, actual
  [ "$2" = "$3" ] || { echo "FAILED: $1: expected $2, got $3" >&2; exit 1; }
  echo "ok: $1: $3"
}
certs() { "$python" -m injector certs "$@" --mutating-webhook pillion --validating-webhook pillion; }
note() { kubectl -n pillion-system get secret pillion-tls -o json | jq -r ".metadata.annotations[\"pillion.dev/certs-$1\"]"; }
bundles() { kubectl get "$1" pillion -o json | jq -r '.webhooks[].clientConfig.caBundle'; }
same_everywhere() { { bundles mutatingwebhookconfigurations; bundles validatingwebhookconfigurations; \
  kubectl -n pillion-system get secret pillion-tls -o json | jq -r '.data["ca.crt"]'; } | sort -u | wc -l; }
chain() { # does the published bundle vouch for the stored certificate?
  kubectl -n pillion-system get secret pillion-tls -o json | jq -r '.data["tls.crt"]' | base64 -d >"$state/tls.crt"
  bundles mutatingwebhookconfigurations | head -n 1 | base64 -d >"$state/bundle"
  openssl verify -CAfile "$state/bundle" -purpose sslserver -verify_hostname pillion.pillion-system.svc "$state/tls.crt" |
    sed 's/.*: //'
}

openssl ecparam -name prime256v1 -genkey -noout -out "$state/ca.key"
openssl req -x509 -new -key "$state/ca.key" -subj /CN=kubernetes -days 3650 -out "$state/ca.crt" \
  -addext keyUsage=critical,keyCertSign,digitalSignature
start_signer() {
  "$bin/kube-controller-manager" --kubeconfig "$KUBECONFIG" --leader-elect=false --bind-address 127.0.0.1 \
    --secure-port "$port" --cert-dir "$state" --controllers "$controllers" \
    --cluster-signing-cert-file "$state/ca.crt" --cluster-signing-key-file "$state/ca.key" \
    --root-ca-file "$state/ca.crt" >"$state/signer.log" 2>&1 </dev/null &
  signer=$!
}

kubectl create namespace pillion-system >/dev/null
for kind in Mutating Validating; do
  kubectl apply -f - >/dev/null <<YAML
apiVersion: admissionregistration.k8s.io/v1
kind: ${kind}WebhookConfiguration
metadata: {name: pillion}
webhooks:
  - &entry
    name: one.pillion.dev
    clientConfig: {service: {name: pillion, namespace: pillion-system, path: /mutate}}
    rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
    objectSelector: {matchLabels: {never: "true"}}
    sideEffects: None
    admissionReviewVersions: [v1]
    failurePolicy: Ignore
  - {<<: *entry, name: two.pillion.dev}
YAML
done

start_signer
kubectl -n pillion-system wait --for=create configmap/kube-root-ca.crt --timeout=60s >/dev/null
kubectl get csr --watch --output-watch-events --output json >"$state/csrs" &
watch=$!
certs setup
kill "$watch"
expect "mode after setup" csr "$(note mode)"
expect "conditions and certificate of the request" "Approved true" "$(jq -rs '[.[] | .object.status
  | select(.certificate)][0] | "\(.conditions | map(.type) | join(",")) \(.certificate | length > 0)"' "$state/csrs")"
expect "requests left behind" 0 "$(kubectl get csr -o name | wc -l)"
expect "bundle of Secret and webhooks" 1 "$(same_everywhere)"
expect "openssl's opinion" OK "$(chain)"

version=$(kubectl -n pillion-system get secret pillion-tls -o json | jq -r .metadata.resourceVersion)
certs setup
expect "second setup changes nothing" "$version" \
  "$(kubectl -n pillion-system get secret pillion-tls -o json | jq -r .metadata.resourceVersion)"

certs renew --now --rotation csr --settle 1
expect "mode after a renewal by the signer" csr "$(note mode)"
certs renew --now --settle 1
expect "renewal without requests" "self-signed rotation" "$(note mode) $(note reason)"
expect "openssl's opinion" OK "$(chain)"
certs setup --settle 1
expect "the next setup asks the signer again" csr "$(note mode)"
certs status

stop_signer
code=0
certs setup --secret pillion-tls --signer example.com/nobody --fallback none --csr-timeout 3 || code=$?
expect "a signer that nobody runs, without fallback" 2 "$code"
certs renew --now --rotation csr --csr-timeout 5 --settle 1
expect "the fallback is on record" "self-signed fallback" "$(note mode) $(note reason)"
expect "as an Event, too" CertificateFallback \
  "$(kubectl -n pillion-system get events -o json | jq -r '.items[].reason' | sort -u)"
expect "requests left behind" 0 "$(kubectl get csr -o name | wc -l)"
expect "openssl's opinion" OK "$(chain)"
expect "bundle of Secret and webhooks" 1 "$(same_everywhere)"
echo "all is as it should be"
