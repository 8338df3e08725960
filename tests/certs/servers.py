"""
An API server of ours for one namespace's worth of objects: HTTP on loopback, with as much of the real one's semantics
as certificates touch. It records every call, checks the law of trust after every change, and can kill who calls.
"""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import jsonpatch
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from tests.certs import authorities
from tests.certs.authorities import pem
from tests.server.clients import PATIENCE

ME = "system:serviceaccount:pillion-system:pillion-certs"
VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
PATH = re.compile(
    r"/(?:api|apis/(?P<group>[\w.]+))/v1(?:/namespaces/(?P<namespace>[^/]+))?/(?P<plural>[a-z]+)"
    r"(?:/(?P<name>[^/]+))?(?:/(?P<subresource>\w+))?\Z"
)
GROUPS = {
    "secrets": "", "events": "", "configmaps": "", "certificatesigningrequests": "certificates.k8s.io",
    "mutatingwebhookconfigurations": "admissionregistration.k8s.io", "signers": "certificates.k8s.io",
    "validatingwebhookconfigurations": "admissionregistration.k8s.io", "selfsubjectreviews": "authentication.k8s.io",
}  # fmt: skip


class Refusal(Exception):
    def __init__(self, status, reason, message):
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message


@dataclass(frozen=True)
class Recorded:
    """One call as it came."""

    verb: str
    resource: str
    name: str
    body: object = None

    @property
    def sort(self):
        return "read" if self.verb == "get" or self.resource == "selfsubjectreviews" else "write"

    def __str__(self):
        return f"{self.verb} {self.resource} {self.name}".strip()


@dataclass
class ApiServer:
    """State, and what is to go wrong."""

    skew: float = 0.0
    """Seconds that its clock is ahead of that of the process."""
    objects: dict = field(default_factory=dict)
    calls: list[Recorded] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)
    """Moments at which a webhook did not trust what might be served."""
    rules: list | None = None
    """RBAC rules to enforce; None: everything is allowed."""
    before_call: object = None
    """Called with each Recorded before its effect; may raise Refusal or change objects."""
    kill: tuple[str, int, str] | None = None
    """``read`` or ``write``, which of them, and ``before`` or ``after`` its effect."""
    victim: object = None
    """Future of the process to kill."""
    signing: str = "signs"
    served: list = field(default_factory=list)
    """Certificates that a pod may be serving: the newest good one and the one before."""

    def __post_init__(self):
        self.lock = threading.RLock()
        self.version = 100
        self.authority = authorities.make("kubernetes", now=self.now())
        self.issuer = self.authority
        """Who signs; tests put others here."""
        handler = type("Handler", (_Handler,), {"api": self})
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.http.daemon_threads = True
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    def now(self):
        return time.time() + self.skew

    def close(self):
        self.http.shutdown()
        self.http.server_close()

    def write_kubeconfig(self, path):
        server = f"http://127.0.0.1:{self.http.server_address[1]}"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "t", "users": [{"name": "t", "user": {}}],
            "contexts": [{"name": "t", "context": {"cluster": "t", "user": "t"}}],
            "clusters": [{"name": "t", "cluster": {"server": server}}],
        }))  # fmt: skip
        return path

    # objects, as tests put and read them

    def put(self, plural, name, item, namespace=""):
        with self.lock:
            item = {"metadata": {}, **item}
            item["metadata"] = {
                "uid": str(uuid.uuid4()), "creationTimestamp": self.stamp(), **item["metadata"], "name": name,
                "resourceVersion": self.next_version(),
            }  # fmt: skip
            if namespace:
                item["metadata"]["namespace"] = namespace
            self.objects[plural, namespace, name] = item
            self.changed()
            return item

    def get(self, plural, name, namespace=""):
        return self.objects.get((plural, namespace, name))

    def all(self, plural):
        return [item for (kind, _, _), item in self.objects.items() if kind == plural]

    def add_webhooks(self, kind="mutating", name="pillion", entries=("pods.pillion.dev", "labels.pillion.dev")):
        hooks = [
            {"name": entry, "clientConfig": {"service": {"name": "pillion", "namespace": "pillion-system"}}}
            for entry in entries
        ]
        other = {"name": "other.example", "clientConfig": {"service": {"name": "other", "namespace": "x"}}}
        plural = f"{kind}webhookconfigurations"
        return self.put(plural, name, {"kind": f"{kind.title()}WebhookConfiguration", "webhooks": [*hooks, other]})

    def entries(self):
        for plural in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"):
            for config in self.all(plural):
                yield from (entry for entry in config["webhooks"] if not entry["name"].startswith("other"))

    def stamp(self, ago=0.0):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.now() - ago))

    def next_version(self):
        self.version += 1
        return str(self.version)

    # one call

    def answer(self, method, path, body):
        url = urlsplit(path)
        match = PATH.match(url.path)
        plural, name, subresource = match["plural"], match["name"] or "", match["subresource"] or ""
        resource = "/".join(part for part in (plural, subresource) if part)
        call = Recorded(VERBS[method], resource, name, body)
        with self.lock:
            self.calls.append(call)
            point = (call.sort, sum(call.sort == one.sort for one in self.calls))
            if self.kill == (*point, "before"):
                self.strike()
            try:
                if self.before_call:
                    self.before_call(call)
                self.authorize(call)
                key = (plural, match["namespace"] or "", name)
                answer = self.act(call.verb, key, subresource, body)
                self.changed()
            except Refusal as refusal:
                answer = refusal
            if self.kill == (*point, "after"):
                self.strike()
        return answer

    def strike(self):
        os.kill(self.victim.result(PATIENCE), signal.SIGKILL)
        raise ConnectionAbortedError

    def authorize(self, call, subject=None):
        if self.rules is None:
            return
        if call.resource == "selfsubjectreviews":
            return  # everybody may, by a ClusterRole of Kubernetes
        group = GROUPS[call.resource.partition("/")[0]]
        for rule in self.rules:
            if (
                group in rule["apiGroups"] and call.resource in rule["resources"] and call.verb in rule["verbs"]
                and call.name in rule.get("resourceNames", [call.name])
            ):  # fmt: skip
                return
        raise Refusal(
            403,
            "Forbidden",
            subject or f'{call.resource} "{call.name}" is forbidden: User "{ME}" cannot {call.verb} it',
        )

    # verbs

    def act(self, verb, key, subresource, body):
        if subresource == "approval":
            return self.approve(self.matching(key, body), body)
        if verb == "get":
            return self.do_get(key)
        return getattr(self, f"do_{verb}")(key, body)

    def do_get(self, key):
        if key not in self.objects:
            raise Refusal(404, "NotFound", f'{key[0]} "{key[2]}" not found')
        return self.objects[key]

    def do_create(self, key, body):
        plural, namespace, _ = key
        if plural == "selfsubjectreviews":
            return {"status": {"userInfo": {"username": ME}}}
        name = body["metadata"].get("name") or body["metadata"]["generateName"] + uuid.uuid4().hex[:5]
        if (plural, namespace, name) in self.objects:
            raise Refusal(409, "AlreadyExists", f'{plural} "{name}" already exists')
        if plural == "certificatesigningrequests":
            body = {**body, "spec": {**body["spec"], "username": ME}, "status": {}}
            if body["spec"].get("expirationSeconds", 600) < 600:
                raise Refusal(422, "Invalid", "spec.expirationSeconds: may not specify a duration less than 600")
        item = {**body, "metadata": {**body["metadata"], "uid": str(uuid.uuid4())}}
        item["metadata"].pop("resourceVersion", None)
        created = self.put(plural, name, item, namespace)
        if self.signing == "denied" and plural == "certificatesigningrequests":
            self.condition(created, "Denied", "NotANode", "the user of a kubelet-serving request must be a node")
        return created

    def matching(self, key, body):
        """The object, if that is the one the caller read."""
        before = self.do_get(key)
        for field_name in ("resourceVersion", "uid"):
            if body["metadata"].get(field_name, before["metadata"][field_name]) != before["metadata"][field_name]:
                raise Refusal(409, "Conflict", f'Operation cannot be fulfilled on {key[0]} "{key[2]}": modified')
        return before

    def do_update(self, key, body):
        before = self.matching(key, body)
        if before.get("type") != body.get("type"):
            raise Refusal(422, "Invalid", f'Secret "{key[2]}" is invalid: type: field is immutable')
        body["metadata"]["resourceVersion"] = self.next_version()
        self.objects[key] = body
        return body

    def do_patch(self, key, body):
        before = self.do_get(key)
        try:
            after = jsonpatch.apply_patch(before, body)
        except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
            raise Refusal(422, "Invalid", f"the server rejected our request: {error}") from error
        after["metadata"]["resourceVersion"] = self.next_version()
        self.objects[key] = after
        return after

    def do_delete(self, key, body):
        before = self.do_get(key)
        wanted = ((body or {}).get("preconditions") or {}).get("uid")
        if wanted and wanted != before["metadata"]["uid"]:
            raise Refusal(409, "Conflict", "Precondition failed: UID in precondition")
        del self.objects[key]
        return {"kind": "Status", "status": "Success"}

    # the signer

    def approve(self, request, body):
        signer = request["spec"]["signerName"]
        self.authorize(
            Recorded("approve", "signers", signer),
            f'user not permitted to approve requests with signerName "{signer}"',
        )
        conditions = body["status"]["conditions"]
        after = {**request, "status": {**request.get("status", {}), "conditions": conditions}}
        after = self.store_request(after)
        if self.signing not in ("never", "denied"):
            after = getattr(self, f"signer_{self.signing.replace('-', '_')}")(after)
        return after

    def store_request(self, request):
        request = {**request, "metadata": {**request["metadata"], "resourceVersion": self.next_version()}}
        self.objects["certificatesigningrequests", "", request["metadata"]["name"]] = request
        return request

    def condition(self, request, kind, reason, message):
        conditions = [*request.get("status", {}).get("conditions", ())]
        conditions.append({"type": kind, "status": "True", "reason": reason, "message": message})
        return self.store_request({**request, "status": {**request.get("status", {}), "conditions": conditions}})

    def issue(self, request, **details):
        asked = x509.load_pem_x509_csr(base64.b64decode(request["spec"]["request"]))
        names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        details.setdefault("days", request["spec"].get("expirationSeconds", 31536000) / 86400)
        names = details.pop("names", names.get_values_for_type(x509.DNSName))
        leaf = self.issuer.sign(asked.public_key(), asked.subject, names, now=self.now(), **details)
        certificate = base64.b64encode(pem(leaf)).decode()
        return self.store_request({**request, "status": {**request["status"], "certificate": certificate}})

    def signer_signs(self, request):
        """As kube-controller-manager does, with its checks in its order and its words."""
        asked = x509.load_pem_x509_csr(base64.b64decode(request["spec"]["request"]))
        subject = {part.oid._name: part.value for part in asked.subject}
        problem = ""
        if subject.get("organizationName") != "system:nodes":
            problem = "subject organization is not system:nodes"
        elif set(request["spec"]["usages"]) != {"digital signature", "key encipherment", "server auth"}:
            problem = "usages did not match"
        elif not subject["commonName"].startswith("system:node:"):
            problem = "subject common name does not begin with system:node:"
        if problem:
            return self.condition(request, "Failed", "SignerValidationFailure", problem)
        return self.issue(request)

    def signer_fails(self, request):
        return self.condition(request, "Failed", "SignerValidationFailure", "subject organization is not system:nodes")

    def signer_drops_names(self, request):
        return self.issue(request, names=())

    def signer_briefly(self, request):
        return self.issue(request, days=3)

    def signer_for_clients(self, request):
        return self.issue(request, purpose=authorities.CLIENT)

    def signer_another_key(self, request):
        leaf, _ = authorities.pair(self.issuer, "pillion.pillion-system.svc", now=self.now())
        status = {**request["status"], "certificate": base64.b64encode(leaf).decode()}
        return self.store_request({**request, "status": status})

    # the law

    def changed(self):
        """After every effect: what the webhooks trust vouches for whatever a pod may be serving."""
        self.note_served()
        for entry in self.entries():
            bundle = base64.b64decode(entry["clientConfig"].get("caBundle", ""))
            if not bundle:
                continue
            trusted = x509.load_pem_x509_certificates(bundle)
            for leaf in self.served:
                if self.lives(leaf) and not any(vouches(one, leaf) for one in trusted):
                    number = f"after call {len(self.calls)}: {self.calls[-1] if self.calls else 'none'}"
                    self.breaches.append(f"{number}: {entry['name']} does not trust {leaf.serial_number:x}")

    def note_served(self):
        """A server takes up a pair that is whole, and stays with the last one otherwise."""
        secret = self.get("secrets", "pillion-tls", "pillion-system") or {}
        data = {name: base64.b64decode(value) for name, value in (secret.get("data") or {}).items()}
        with suppress(ValueError, KeyError):
            leaf = x509.load_pem_x509_certificate(data["tls.crt"])
            alive = [one for one in x509.load_pem_x509_certificates(data["ca.crt"]) if self.lives(one)]
            whole = b"PRIVATE KEY" in data["tls.key"] and any(vouches(one, leaf) for one in alive)
            if whole and leaf not in self.served[:1]:
                self.served = [leaf, *self.served][:2]

    def lives(self, certificate):
        return certificate.not_valid_after_utc.timestamp() > self.now()


def vouches(authority, leaf):
    with suppress(ValueError, InvalidSignature, TypeError):
        leaf.verify_directly_issued_by(authority)
        return True
    return False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer leaves in one piece: in two it would wait for the client's ACK
    api: ApiServer

    def handle_one_request(self):
        with suppress(ConnectionError):
            super().handle_one_request()
            return
        self.close_connection = True

    def serve(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        answer = self.api.answer(self.command, self.path, body)
        status = 200
        if isinstance(answer, Refusal):
            status = answer.status
            answer = {"kind": "Status", "reason": answer.reason, "message": answer.message, "code": status}
        text = json.dumps(answer).encode()
        self.send_response_only(status)
        self.send_header("Date", formatdate(self.api.now(), usegmt=True))
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815 - the library's names

    def log_message(self, *_):
        pass
