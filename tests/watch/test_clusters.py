"""Whom a cluster is found at and whom it trusts, as far as the watch of templates needs it."""

from __future__ import annotations

import http.server
import ssl
import threading
from contextlib import ExitStack

import pytest
import yaml

from injector.shell.clusters import Cluster
from injector.shell.errors import ClusterError
from tests.server.authorities import issue

LIST = b'{"kind": "NamespaceList", "metadata": {"resourceVersion": "1"}, "items": []}'


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        """Say nothing."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(LIST)


@pytest.fixture
def address(tmp_path):
    """An API server over TLS whose certificate has no key identifiers, as those of clusters that began long ago."""
    files = issue("localhost").store(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    with ExitStack() as stack:
        server = stack.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        yield f"https://localhost:{server.server_address[1]}"


def kubeconfig(folder, address, authority):
    path = folder / "kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "me"}}],
        "clusters": [{"name": "it", "cluster": {"server": address, "certificate-authority": str(authority)}}],
        "users": [{"name": "me", "user": {"token": "t0ken"}}],
    }
    path.write_text(yaml.safe_dump(config))
    return str(path)


def test_an_authority_without_key_identifiers_is_trusted_on_every_python(address, tmp_path):
    cluster = Cluster(kubeconfig(tmp_path, address, tmp_path / "tls.crt"))

    assert [] == cluster.request("GET", "/api/v1/namespaces")["items"]


def test_an_authority_that_is_not_the_kubeconfig_s_is_not_trusted(address, tmp_path):
    other = issue("localhost").store(tmp_path / "other")
    cluster = Cluster(kubeconfig(tmp_path, address, other.certificate))

    with pytest.raises(ClusterError, match="certificate verify failed"):
        cluster.request("GET", "/api/v1/namespaces")


def test_a_certificate_of_another_name_is_not_trusted(address, tmp_path):
    cluster = Cluster(kubeconfig(tmp_path, address.replace("localhost", "127.0.0.1"), tmp_path / "tls.crt"))

    with pytest.raises(ClusterError, match="IP address mismatch"):
        cluster.request("GET", "/api/v1/namespaces")
