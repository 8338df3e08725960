#!/usr/bin/env bash
# Run a command beside a throw-away Kubernetes API server on loopback: etcd and kube-apiserver, no kubelet, no scheduler,
# no controllers. Pods are admitted and stay Pending, which is all that recordings with --dry-run=server need.
#
#     KUBE_BIN=DIR scripts/api_server.sh COMMAND [ARGUMENT...]      # COMMAND finds the server through $KUBECONFIG
#
# It ends with the exit code of COMMAND; everything that was started is stopped, everything that was written is removed.
#
# DIR holds kube-apiserver; etcd is taken from there or from the PATH (Debian: etcd-server); kubectl, curl and openssl
# from the PATH. kube-apiserver is built from its Go module, about four minutes on two cores. Save this as go.mod in an
# empty folder:
#
#     module tools
#     go 1.26.0
#     require k8s.io/kubernetes v1.36.3
#     tool k8s.io/kubernetes/cmd/kube-apiserver
#
# k8s.io/kubernetes asks for its staging modules at v0.0.0: each of them needs a replace line (v0.36.3 for v1.36.3). Then
#
#     go mod download k8s.io/kubernetes@v1.36.3
#     awk '$1 ~ /^k8s.io\// && $2 == "v0.0.0" {print "replace", $1, "=>", $1, "v0.36.3"}' \
#         "$(go env GOMODCACHE)/k8s.io/kubernetes@v1.36.3/go.mod" >>go.mod
#     go mod tidy
#     CGO_ENABLED=0 go build -trimpath -o DIR/kube-apiserver \
#         -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3" k8s.io/kubernetes/cmd/kube-apiserver
set -euo pipefail

bin=${KUBE_BIN:?names the folder that holds kube-apiserver; the header of this script says how to build it}
port=${PORT:-16443} etcd_port=${ETCD_PORT:-12379} etcd_peer_port=${ETCD_PEER_PORT:-12380}
[ $# -gt 0 ] || { echo "usage: KUBE_BIN=DIR $0 COMMAND [ARGUMENT...]" >&2; exit 2; }

state=$(mktemp -d)
started=()
finish() {
  # KILL, because a polite kube-apiserver waits for an etcd that is gone, and nothing is to be saved.
  [ ${#started[@]} -eq 0 ] || { kill -KILL "${started[@]}" 2>/dev/null || true; wait "${started[@]}" 2>/dev/null || true; }
  rm -rf "$state"
}
trap finish EXIT
trap 'exit 130' INT TERM

start() { # name, command...
  local name=$1
  shift
  "$@" >"$state/$name.log" 2>&1 </dev/null &
  started=($! "${started[@]}")
}

alive() {
  local process
  for process in "${started[@]}"; do kill -0 "$process" 2>/dev/null || return; done
}

await() { # name, command...: until the command succeeds
  local name=$1
  shift
  for _ in $(seq 240); do
    alive || break                                  # or it is another's server that answers
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.25
  done
  echo "$name does not get ready; the end of its log:" >&2
  tail -n 5 "$state/$name.log" >&2
  exit 2
}

token=$(openssl rand -hex 16)
echo "$token,admin,admin,system:masters" >"$state/tokens.csv"
openssl ecparam -name prime256v1 -genkey -noout -out "$state/service-account.key"

start etcd env PATH="$bin:$PATH" etcd --data-dir "$state/etcd" \
  --listen-client-urls "http://127.0.0.1:$etcd_port" --advertise-client-urls "http://127.0.0.1:$etcd_port" \
  --listen-peer-urls "http://127.0.0.1:$etcd_peer_port" --initial-advertise-peer-urls "http://127.0.0.1:$etcd_peer_port" \
  --initial-cluster "default=http://127.0.0.1:$etcd_peer_port"
await etcd curl --silent --fail --noproxy '*' "http://127.0.0.1:$etcd_port/health"

start apiserver "$bin/kube-apiserver" --etcd-servers "http://127.0.0.1:$etcd_port" \
  --bind-address 127.0.0.1 --advertise-address 127.0.0.1 --secure-port "$port" --cert-dir "$state/certificates" \
  --token-auth-file "$state/tokens.csv" --authorization-mode RBAC --anonymous-auth=false \
  --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$state/service-account.key" \
  --service-account-signing-key-file "$state/service-account.key" --service-cluster-ip-range 198.18.0.0/24 \
  --endpoint-reconciler-type none --allow-privileged

export KUBECONFIG="$state/kubeconfig"
cat >"$KUBECONFIG" <<EOF
apiVersion: v1
kind: Config
current-context: throw-away
contexts: [{name: throw-away, context: {cluster: throw-away, user: admin}}]
clusters: [{name: throw-away, cluster: {server: "https://127.0.0.1:$port", certificate-authority: "$state/certificates/apiserver.crt"}}]
users: [{name: admin, user: {token: "$token"}}]
EOF
await apiserver kubectl get --raw /readyz

"$@"
