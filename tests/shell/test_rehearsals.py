"""What a pod that is created by dry run tells: it came back injected, or the sentence that says what to look at."""

from __future__ import annotations

import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

import pytest

from injector.core.model import Domain
from injector.shell import rehearsals
from injector.shell.clusters import Cluster
from injector.shell.errors import ClusterError
from injector.shell.rehearsals import Rehearsal, Uninjected

REHEARSAL = Rehearsal(namespace="shop", template="logs", container="log-shipper", domain=Domain())
PLAIN = (201, {"spec": {"containers": [{"name": "app"}]}}, ())
INJECTED = (201, {"spec": {"containers": [{"name": "app"}], "initContainers": [{"name": "log-shipper"}]}}, ())
WARNED = (201, PLAIN[1], ('299 - "pillion.dev: template \\"logs\\" is broken"',))
FORBIDDEN = (403, {"kind": "Status", "reason": "Forbidden", "message": "you cannot create pods"}, ())


class ApiServer(HTTPServer):
    """Answers in the order given, and remembers what it was asked."""

    def __init__(self, answers):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = deque(answers)
        self.asked = []


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.asked.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        status, body, warnings = self.server.answers.popleft()
        self.send_response(status)
        for warning in warnings:
            self.send_header("Warning", warning)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def rehearse(tmp_path):
    """Rehearse before an API server of few answers, on a clock that only pauses move."""
    seconds = [0.0]

    def run(*answers, wait=0.0):
        server = ApiServer(answers)
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "fake",
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
            "clusters": [{"name": "fake", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
            "users": [{"name": "fake", "user": {}}],
        }  # fmt: skip
        (tmp_path / "kubeconfig").write_text(json.dumps(config))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            cluster = Cluster(str(tmp_path / "kubeconfig"))
            pod = rehearsals.rehearse(cluster, REHEARSAL, wait, lambda: seconds[0], advance)
            return pod, server.asked
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def advance(pause):
        seconds[0] += pause

    return run


def test_a_pod_that_comes_back_with_the_container_is_injected(rehearse):
    pod, [(url, asked)] = rehearse(INJECTED)

    assert INJECTED[1] == pod
    assert ("/api/v1/namespaces/shop/pods", "dryRun=All") == (urlsplit(url).path, urlsplit(url).query)
    assert {"pillion.dev/inject": "true"} == asked["metadata"]["labels"]
    assert {"pillion.dev/templates": "-*, logs"} == asked["metadata"]["annotations"]


def test_what_is_known_only_after_a_moment_is_waited_for(rehearse):
    pod, asked = rehearse(PLAIN, FORBIDDEN, INJECTED, wait=2)

    assert (INJECTED[1], 3) == (pod, len(asked))


@pytest.mark.parametrize(
    ("answers", "error", "sentence"),
    [
        ([PLAIN], Uninjected, "without container 'log-shipper', and nobody says why: the API server did not call"),
        ([WARNED], Uninjected, 'the API server says: pillion.dev: template "logs" is broken'),
        ([FORBIDDEN], ClusterError, "you cannot create pods"),
        ([WARNED, PLAIN], Uninjected, "nobody says why"),
    ],
)
def test_the_last_answer_says_what_to_look_at(rehearse, answers, error, sentence):
    with pytest.raises(error) as caught:
        rehearse(*answers, wait=len(answers) - 1)

    assert sentence in str(caught.value)
