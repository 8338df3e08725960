"""
A small API server over HTTP: lists in pages, watches from a version, a history that can be forgotten, and faults.

A fault is a function that answers one request in place of the server, or goes on in the middle of a watch; ``strike``
has the next request of a kind meet it, ``interrupt`` a watch that is open.
"""

from __future__ import annotations

import json
import socket
import threading
from collections import deque
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import yaml

LABEL = "pillion.dev/template"
SELECTOR = f"{LABEL}=true"
CONFIGMAPS = "/api/v1/namespaces/pillion-system/configmaps"
NAMESPACES = "/api/v1/namespaces"


class ApiServer:
    """Objects by path and name, and every change to them."""

    def __init__(self, *, port=0):
        self.state = {CONFIGMAPS: {}, NAMESPACES: {}}
        self.history = []
        self.version = 100
        self.oldest = 0
        self.requests = []
        self.news = threading.Condition()
        self._faults = {"list": deque(), "watch": deque()}
        self._interruptions = deque()
        self._open = set()
        self._ending = 0
        self._start(port)

    def _start(self, port):
        self.running = True
        self._http = _Http(("127.0.0.1", port), _Handler)
        self._http.api = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def port(self):
        return self._http.server_address[1]

    def kubeconfig(self, folder):
        """Write a kubeconfig and return its path."""
        path = folder / "kubeconfig"
        cluster = {"server": f"http://127.0.0.1:{self.port}"}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "fake",
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "tester"}}],
            "clusters": [{"name": "fake", "cluster": cluster}],
            "users": [{"name": "tester", "user": {"token": "t0ken"}}],
        }
        path.write_text(yaml.safe_dump(config))
        return path

    # -- what happens to objects ---------------------------------------------------------------------------------------

    def put(self, path, name, *, labels=None, annotations=None, **rest):
        """Create or change an object."""
        with self.news:
            before = self.state[path].get(name)
            self.version += 1
            metadata = {"name": name, "labels": labels or {}, "annotations": annotations or {}}
            if path == CONFIGMAPS:
                metadata["namespace"] = "pillion-system"
            metadata |= {"resourceVersion": str(self.version), "uid": "u", "managedFields": [{"manager": "test"}]}
            self.state[path][name] = {"metadata": metadata, **rest}
            self._record(path, before, self.state[path][name])

    def delete(self, path, name):
        """Delete an object."""
        with self.news:
            self.version += 1
            self._record(path, self.state[path].pop(name), None)

    def _record(self, path, before, after):
        self.history.append((self.version, path, before, after))
        self.news.notify_all()

    def compact(self):
        """Forget all changes so far: who asks for one of them is told that it is gone."""
        with self.news:
            self.version += 1
            self.oldest = self.version

    @property
    def newest(self):
        """The version of the last change of an object."""
        return self.history[-1][0] if self.history else 0

    def found(self, path, selector):
        """Return the objects of a path that match a selector, by name."""
        with self.news:
            return {name: obj for name, obj in self.state[path].items() if matches(obj, selector)}

    # -- what happens to requests --------------------------------------------------------------------------------------

    def strike(self, kind, *faults):
        """Have the next requests for a list or a watch meet these."""
        self._faults[kind].extend(faults)

    def interrupt(self, fault):
        """Have the next turn of a watch meet this."""
        with self.news:
            self._interruptions.append(fault)
            self.news.notify_all()

    def finish(self):
        """End all watches in peace, with a bookmark."""
        with self.news:
            self._ending += 1
            self.news.notify_all()

    def cut(self):
        """Cut all connections."""
        with self.news:
            for sock in self._open:
                hang_up(sock)

    def watched(self, path):
        """Tell how many watches of a path were opened."""
        return sum(1 for kind, found, _ in self.requests if (kind, found) == ("watch", path))

    def lists(self, path):
        """Return the queries of all lists of a path."""
        return [query for kind, found, query in self.requests if (kind, found) == ("list", path)]

    def stop(self):
        """Refuse connections."""
        with self.news:
            self.running = False
            self.news.notify_all()
        self._http.shutdown()
        self._http.server_close()
        self.cut()

    def restart(self):
        """Serve on at the same port."""
        self._start(self.port)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False

    def handle_error(self, request, client_address):
        """A client that has gone is no news."""


def hang_up(sock):
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def matches(obj, selector):
    return obj is not None and (not selector or obj["metadata"]["labels"].get(LABEL) == selector.partition("=")[2])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 0

    def setup(self):
        super().setup()
        self.api = self.server.api
        with self.api.news:
            self.api._open.add(self.connection)

    def finish(self):
        with self.api.news:
            self.api._open.discard(self.connection)
        super().finish()

    def log_message(self, *arguments):
        """Say nothing."""

    def do_GET(self):
        url = urlsplit(self.path)
        self.query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        self.place, self.kind = url.path, "watch" if self.query.get("watch") else "list"
        with self.api.news:
            self.api.requests.append((self.kind, url.path, {**self.query, "token": self.headers.get("Authorization")}))
            faults = self.api._faults[self.kind]
            fault = faults.popleft() if faults else _Handler.serve
        fault(self)

    def serve(self):
        """Answer as a healthy server does."""
        if self.kind == "watch":
            self.watch(self.place, self.query)
        else:
            self.list(self.place, self.query)

    # -- answers -------------------------------------------------------------------------------------------------------

    def answer(self, code, value):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def list(self, path, query):
        """One page; the token names version and name to go on from."""
        with self.api.news:
            version, _, after = query.get("continue", f"{self.api.version}:").partition(":")
            if int(version) < self.api.oldest:
                gone(self)
                return
            found = self.api.found(path, query.get("labelSelector", ""))
        names = sorted(name for name in found if name > after)
        page = names[: int(query["limit"])]
        token = f"{version}:{page[-1]}" if len(page) < len(names) else ""
        items = [found[name] for name in page] or None
        self.answer(200, {"metadata": {"resourceVersion": version, "continue": token}, "items": items})

    def begin(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def event(self, kind, obj):
        self.chunk(json.dumps({"type": kind, "object": obj}).encode() + b"\n")

    def end(self):
        self.wfile.write(b"0\r\n\r\n")

    def watch(self, path, query):
        version, selector, ending = int(query["resourceVersion"]), query.get("labelSelector", ""), self.api._ending
        self.begin()
        if version < self.api.oldest:
            self.event("ERROR", {"kind": "Status", "code": 410, "message": "too old resource version"})
            self.end()
            return
        while self.api.running:
            later, fault, ended = self._await(version, ending)
            for version, changed, before, after in later:
                self._tell(changed == path, matches(before, selector), matches(after, selector), before, after, version)
            if fault:
                fault(self)
                return
            if ended:
                self.event("BOOKMARK", {"metadata": {"resourceVersion": ended}})
                self.end()
                return
        hang_up(self.connection)

    def _await(self, version, ending):
        """Wait for news; return the changes, the fault to meet and the version at which to end."""
        api = self.api
        with api.news:
            api.news.wait_for(
                lambda: api.newest > version or api._interruptions or api._ending != ending or not api.running
            )
            later = [change for change in api.history if change[0] > version]
            fault = api._interruptions.popleft() if api._interruptions and not later else None
            return later, fault, str(api.version) if api._ending != ending and not later else ""

    def _tell(self, here, was, is_now, before, after, version):
        if here and is_now:
            self.event("MODIFIED" if was else "ADDED", after)
        elif here and was:
            self.event("DELETED", {**before, "metadata": {**before["metadata"], "resourceVersion": str(version)}})


# -- faults ------------------------------------------------------------------------------------------------------------


def status(code, message):
    """Answer with a Status of Kubernetes."""
    return lambda handler: handler.answer(code, {"kind": "Status", "code": code, "message": message, "reason": "R"})


gone = status(410, "The provided continue parameter is too old")
forbidden = status(403, 'configmaps is forbidden: User "u" cannot list resource "configmaps" in the namespace "n"')


def drop(handler):
    """Cut the connection."""
    hang_up(handler.connection)


def silence(handler):
    """Never say anything again, until the connection is cut."""
    handler.connection.setblocking(True)
    while handler.connection.recv(1):
        pass


def no_json(handler):
    """Answer with something else, as a proxy does that wants a login."""
    handler.answer(200, b"<html>Please log in</html>")


def no_list(handler):
    """Answer with JSON that is no list."""
    handler.answer(200, {"kind": "Status", "metadata": {}})


def half(handler):
    """Promise more than is sent."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"metadata": {"resourceVersion": "1"}, "items": [')
    hang_up(handler.connection)


def hold(path, release):
    """Answer a request for *path* only when released, any other at once; in peace."""

    def fault(handler):
        if handler.place == path:
            release.wait()
        handler.serve()

    return fault


# in the middle of a watch


def line(text):
    """Send a line and go on as if nothing was amiss."""

    def fault(handler):
        handler.chunk(text + b"\n")
        silence(handler)

    return fault


def error_event(code):
    """Tell of an error as an event, and end."""

    def fault(handler):
        handler.event("ERROR", {"kind": "Status", "code": code, "message": "the storage is (re)initializing"})
        handler.end()

    return fault


def half_a_line(handler):
    """End in peace in the middle of a line."""
    handler.chunk(b'{"type": "DELETED", "obj')
    handler.end()


def drop_in_a_chunk(handler):
    """Cut the connection in the middle of a chunk."""
    handler.wfile.write(b'40\r\n{"type": "DEL')
    hang_up(handler.connection)


def instead_of_a_watch(fault):
    """Open a watch and let it meet a fault at once."""

    def meet(handler):
        handler.begin()
        fault(handler)

    return meet
