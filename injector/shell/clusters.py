"""
A Kubernetes API server, as raw JSON: one request, one answer. Who asks decides what a refusal means and what to repeat.

The official client finds the cluster (kubeconfig, or the ServiceAccount of a pod) and keeps the token fresh; its typed
models are not used, as they drop fields that they do not know. Certificates are checked as the rest of Kubernetes
does: Python's own ``VERIFY_X509_STRICT`` refuses the authorities of clusters that were made years ago.
"""

from __future__ import annotations

import email.utils
import os
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import orjson
import urllib3
import yaml
from kubernetes import client, config
from kubernetes.client import rest
from urllib3.util.ssl_ import create_urllib3_context

from injector.shell.errors import ClusterError

Object = dict[str, Any]
"""Anything of Kubernetes, as raw JSON."""

CONNECT, READ = 5.0, 15.0
"""Seconds that an API server may take to accept a connection, and to answer."""

_IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


class Cluster:
    """A connection to an API server; safe to share between threads."""

    def __init__(self, kubeconfig: str | None = None) -> None:
        """Find the cluster: the given kubeconfig, the user's own, else that of this pod; may raise ClusterError."""
        self.skew = 0.0
        """Seconds that the API server's clock is ahead of ours, by its last answer; a few of them count as none."""
        self._kubeconfig = kubeconfig
        self._configuration = _configure(kubeconfig)
        self._pool = _open_pool(self._configuration)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Object:
        """Ask once and return the answer's object; whatever is no success raises ClusterError."""
        response = self.open(method, path, body, query=query, content_type=content_type)
        self._note_clock(response.headers.get("Date"))
        if response.status >= 300:  # never followed: a token is not for others
            raise refusal(response)
        return _parse(response)

    def open(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        read_timeout: float = READ,
        preload: bool = True,
    ) -> urllib3.BaseHTTPResponse:
        """Ask once and return the response, whatever its status; not preloaded, it is the caller's to release."""
        url = f"{self._configuration.host.rstrip('/')}{quote(path)}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "application/json", "User-Agent": "pillion", **self._credentials()}
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            return self._pool.request(
                method, url, body=None if body is None else orjson.dumps(body), headers=headers, retries=False,
                redirect=False, timeout=urllib3.Timeout(connect=CONNECT, read=read_timeout), preload_content=preload,
            )  # fmt: skip
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ClusterError(0, "NoAnswer", f"no answer from {self._configuration.host}: {_plain(error)}") from error

    def log_in_again(self) -> None:
        """Read the credentials anew, as a token may have been replaced."""
        self._configuration = _configure(self._kubeconfig)
        self._pool.clear()
        self._pool = _open_pool(self._configuration)

    def _credentials(self) -> dict[str, str]:
        settings: Any = self._configuration.auth_settings()
        try:
            return {setting["key"]: setting["value"] for setting in settings.values() if setting["value"]}
        except (OSError, config.ConfigException) as error:
            raise ClusterError(401, "NoToken", f"the token cannot be read: {error}") from error

    def _note_clock(self, date: str | None) -> None:
        with suppress(TypeError, ValueError):
            skew = email.utils.parsedate_to_datetime(date or "").timestamp() - time.time()
            self.skew = skew if abs(skew) > 5 else 0.0  # the header has whole seconds, and took some to arrive


def _configure(kubeconfig: str | None) -> Any:
    configuration: Any = client.Configuration()
    try:
        if kubeconfig or any(Path(path).is_file() for path in _usual_places()):
            load: Any = config.load_kube_config
            load(kubeconfig, client_configuration=configuration, persist_config=False)
        elif _IN_CLUSTER.exists():
            load = config.load_incluster_config
            load(client_configuration=configuration)
        else:
            raise ClusterError(0, "NoCluster", "there is no kubeconfig, and this is no pod: give --kubeconfig FILE")
    except (OSError, config.ConfigException, yaml.YAMLError) as error:
        raise ClusterError(
            0, "NoCluster", f"kubeconfig {kubeconfig or 'of this user'!r} cannot be used: {error}"
        ) from error
    return configuration


def _usual_places() -> list[str]:
    places: str = config.KUBE_CONFIG_DEFAULT_LOCATION
    return [str(Path(place).expanduser()) for place in places.split(os.pathsep) if place]


def _open_pool(configuration: Any) -> urllib3.PoolManager:
    """Open the client's own pool, which knows proxies and client certificates, with a milder check of authorities."""
    pool: urllib3.PoolManager = rest.RESTClientObject(configuration).pool_manager
    context = create_urllib3_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not configuration.verify_ssl:
        context.check_hostname = False
    if configuration.host.startswith("https:") and not configuration.ssl_ca_cert and not configuration.ca_cert_data:
        context.load_default_certs()
    pool.connection_pool_kw["ssl_context"] = context
    return pool


def _parse(response: urllib3.BaseHTTPResponse) -> Object:
    try:
        found = orjson.loads(response.data or b"{}")
    except orjson.JSONDecodeError as error:
        raise ClusterError(0, "NoAnswer", "the answer is no JSON: is this an API server?") from error
    return found if isinstance(found, dict) else {"value": found}


def refusal(response: urllib3.BaseHTTPResponse) -> ClusterError:
    """Return the error for a response that is no success; reads its body."""
    status: Object = {}
    with suppress(ClusterError):
        status = _parse(response)
    message = str(status.get("message") or response.reason or "no reason given")
    with suppress(ValueError):
        wait = float(response.headers.get("Retry-After", "0"))
        return ClusterError(response.status, str(status.get("reason", "")), message, retry_after=wait)
    return ClusterError(response.status, str(status.get("reason", "")), message)


def _plain(error: Exception) -> str:
    return str(getattr(error, "reason", None) or error)
