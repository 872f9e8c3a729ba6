# shellcheck shell=bash
# The keys, certificates, tokens and kubeconfigs of one cluster, all made anew for it and gone with its folder.
# Sourced, never run. Expects DIR.

# make_pki ADDRESS…: the addresses are those under which the API server is reached.
make_pki() {
  local pki=$DIR/pki address names="DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
  for address in "$@"; do names+=",IP:$address"; done
  mkdir -p "$pki"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=awscost test cluster" \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" \
    -keyout "$pki/ca.key" -out "$pki/ca.crt" 2>/dev/null || die "openssl could not make a certificate authority"
  make_certificate apiserver "/CN=kube-apiserver" serverAuth "$names"
  # With this the API server asks the kubelet for logs and the like.
  make_certificate apiserver-to-kubelet "/O=system:masters/CN=kube-apiserver" clientAuth DNS:kube-apiserver
  openssl ecparam -name prime256v1 -genkey -noout -out "$pki/service-accounts.key"
  : >"$pki/tokens.csv"
}

# make_certificate NAME SUBJECT USAGE ALTERNATIVE-NAMES
make_certificate() {
  local pki=$DIR/pki
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "$2" -keyout "$pki/$1.key" 2>/dev/null |
    openssl x509 -req -days 30 -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -CAcreateserial -out "$pki/$1.crt" \
      -extfile <(printf 'extendedKeyUsage=%s\nsubjectAltName=%s\n' "$3" "$4") 2>/dev/null ||
    die "openssl could not make the certificate $1"
}

# make_identity FILE USER SERVER [GROUP]: a token that the API server knows for USER, in a kubeconfig.
make_identity() {
  local file=$1 user=$2 server=$3 group=${4:-} token
  token=$(openssl rand -hex 24)
  printf '%s,%s,%s,"%s"\n' "$token" "$user" "$user" "$group" >>"$DIR/pki/tokens.csv"
  cat >"$file" <<YAML
apiVersion: v1
kind: Config
current-context: awscost-test
contexts:
- {name: awscost-test, context: {cluster: awscost-test, user: awscost-test}}
clusters:
- name: awscost-test
  cluster:
    server: $server
    certificate-authority-data: $(base64 -w0 "$DIR/pki/ca.crt")
users:
- {name: awscost-test, user: {token: $token}}
YAML
}
