"""From start to end: what a server that cannot start says, what a running one takes up, and how it leaves."""

from __future__ import annotations

import base64
import os
import signal
import socket
import ssl
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.server.authorities import CLIENT, issue
from tests.server.clients import eventually, request
from tests.shell.conftest import LABELS, store
from tests.shell.processes import JSON_TYPE, ROOT, run
from tests.shell.reviews import configmap, pod, review

BODY = b"{}"

# -- a start that fails ------------------------------------------------------------------------------------------------


@pytest.fixture
def valid(files, templates):
    """Flags of a server that would start."""
    return {
        "host": "127.0.0.1",
        "port": 0,
        "probe_host": "127.0.0.1",
        "probe_port": 0,
        "certificate": files.certificate,
        "key": files.key,
        "templates": templates,
    }


def assert_refused(process, sentence):
    assert (2, f"pillion: {sentence}\n", "") == (process.returncode, process.stderr, process.stdout)


def test_an_unknown_variable_ends_the_start_with_one_sentence(valid):
    process = run({"PILLION_TEMPLATE": "here"}, **valid)

    assert_refused(process, "unknown variable PILLION_TEMPLATE; did you mean PILLION_TEMPLATES?")


def test_a_wrong_flag_ends_the_start_with_one_sentence(valid):
    process = run({}, **valid, log_level="loud")

    assert_refused(process, "--log-level is 'loud': expected 'debug' or 'info' or 'warning' or 'error'")


def test_a_missing_certificate_ends_the_start_with_one_sentence(valid, tmp_path):
    process = run({}, **{**valid, "certificate": tmp_path / "tls.crt"})

    assert_refused(process, f"certificate file '{tmp_path}/tls.crt' does not exist")


def test_a_key_of_another_certificate_ends_the_start_with_one_sentence(valid, tmp_path):
    other = issue().store(tmp_path)
    process = run({}, **{**valid, "key": other.key})

    assert_refused(process, f"certificate '{valid['certificate']}' and key '{other.key}' do not belong together")


def test_a_port_in_use_ends_the_start_with_one_sentence(valid):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = run({}, **{**valid, "port": port})

    sentence = f"cannot listen on 127.0.0.1:{port}: the port is in use; stop what listens there or choose another port"
    assert_refused(process, sentence)


def test_a_probe_port_in_use_ends_the_start_with_one_sentence(valid):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = run({}, **{**valid, "probe_port": port})

    sentence = f"cannot listen on 127.0.0.1:{port}: the port is in use; stop what listens there or choose another port"
    assert_refused(process, sentence)


def test_a_missing_template_folder_ends_the_start_with_one_sentence(valid, tmp_path):
    process = run({}, **{**valid, "templates": tmp_path / "nowhere"})

    assert 2 == process.returncode
    assert "nowhere" in process.stderr
    assert 1 == process.stderr.count("\n")
    assert "Traceback" not in process.stderr + process.stdout


# -- probes ------------------------------------------------------------------------------------------------------------


def test_a_server_that_listens_is_alive_and_ready(server):
    assert (200, "ok\n") == server.probe("/livez")
    assert (200, "ok\n") == server.probe("/readyz")


def test_the_details_of_readiness_name_certificate_and_templates(server):
    status, text = server.probe("/readyz?verbose")

    lines = text.splitlines()
    assert 200 == status
    assert "[+] server: ok" == lines[0]
    assert lines[1].startswith("[+] certificate: for localhost, ")
    assert "[+] templates: 1 loaded" == lines[2]
    assert lines[3].startswith("[+] template greeter: revision ")


@pytest.mark.parametrize("path", ["/", "/mutate", "/readyz/", "/metrics/x"])
def test_there_is_nothing_else_on_the_plain_port(server, path):
    assert (404, "There are /livez, /readyz and /metrics here.\n") == server.probe(path)


def test_a_broken_template_is_told_in_the_details_and_in_a_metric_and_does_not_hinder(start, tmp_path):
    store(tmp_path, LABELS)
    store(tmp_path, configmap("broken", data={"labels": "{{ nothing }}"}))

    server = start(templates=tmp_path)

    status, text = server.probe("/readyz?verbose")
    line = next(line for line in text.splitlines() if "broken" in line)
    assert (200, "[-] template broken: ") == (status, line[:21])
    assert line.endswith("(it is not served)")
    assert 1 == server.metrics()['pillion_template_problems{serving="none",template="broken"}']
    assert "patch" in server.review(review(pod()))["response"]


def test_the_metrics_count_decisions_by_reason_and_template(start):
    server = start()
    server.review(review(pod()))
    server.review(review(pod(labels={"pillion.dev/inject": "false"})))
    server.review(review(pod(annotations={"pillion.dev/templates": "mine-1"})))
    server.review(review(pod(annotations={"pillion.dev/templates": "mine-2"})))

    found = server.metrics()

    assert 3 == found['pillion_decisions_total{reason="injected",template="greeter"}']
    assert 1 == found['pillion_decisions_total{reason="opted-out",template=""}']
    assert 2 == found['pillion_decisions_total{reason="unknown-template",template="(unknown)"}']
    assert 4 == found["pillion_review_duration_seconds_count"]
    assert 4 == found['pillion_requests_total{code="200",path="/mutate"}']


def test_handshakes_that_fail_are_counted(start):
    server = start()
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        sock.recv(1000)

    assert eventually(lambda: server.metrics()["pillion_tls_failures_total"] == 1)


def test_with_an_authority_for_clients_only_those_it_vouches_for_by_name_are_served(start, tmp_path):
    front, stranger = (issue(name, purpose=CLIENT).store(tmp_path / name) for name in ("front", "stranger"))
    authority = tmp_path / "ca.crt"
    authority.write_bytes(front.certificate.read_bytes() + stranger.certificate.read_bytes())

    server = start(client_ca=authority, client_names="front")

    assert 400 == server.post("/mutate", BODY, JSON_TYPE, shown=front).status
    for shown in (stranger, None):
        with pytest.raises(
            (ssl.SSLError, ConnectionError, IndexError)
        ):  # in TLS 1.3 a client learns of it when it reads
            server.post("/mutate", BODY, JSON_TYPE, shown=shown)
    assert eventually(lambda: server.metrics()["pillion_tls_failures_total"] == 2)


def test_a_server_has_nothing_in_memory_that_only_other_commands_need():
    program = "import sys, injector.cli.serve, injector.shell.serving; print(*sys.modules)"
    process = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert set() == {"kubernetes", "cryptography", "jsonpath", "requests"}.intersection(process.stdout.split())


# -- what is taken up while it runs ------------------------------------------------------------------------------------


def test_a_changed_template_is_taken_up_by_itself(start, tmp_path):
    store(tmp_path, LABELS)
    server = start(templates=tmp_path)

    store(tmp_path, {**LABELS, "data": {"labels": "greeting: morning\n"}})

    assert eventually(lambda: "morning" in answered(server))


def test_a_template_that_breaks_keeps_its_last_good_version(start, tmp_path):
    store(tmp_path, LABELS)
    server = start(templates=tmp_path)

    store(tmp_path, {**LABELS, "data": {"labels": "{{"}})

    assert eventually(lambda: "(its last good version is served)" in server.probe("/readyz?verbose")[1])
    assert 1 == server.metrics()['pillion_template_problems{serving="last-good",template="greeter"}']
    assert "hello" in answered(server)


def test_a_new_certificate_is_taken_up_and_measured(start, tmp_path):
    files = issue().store(tmp_path)
    server = start(files=files)
    before = server.metrics()["pillion_certificate_expiry_timestamp_seconds"]

    server.identity = issue(ends_in=timedelta(days=3))
    server.identity.store(tmp_path)

    assert eventually(lambda: trusts(server))
    assert before + 86_400 < server.metrics()["pillion_certificate_expiry_timestamp_seconds"]


def test_a_new_certificate_that_is_no_good_is_counted_and_the_old_one_served(start, tmp_path):
    identity = issue()
    files = identity.store(tmp_path)
    server = start(files=files)
    server.identity = identity

    files.certificate.write_text("garbage")

    assert eventually(lambda: server.metrics()["pillion_certificate_failures_total"] == 1)
    assert "hello" in answered(server)


def test_sighup_has_certificate_and_templates_looked_at_and_ends_nothing(start, tmp_path):
    store(tmp_path, LABELS)
    server = start(templates=tmp_path)

    server.signal(signal.SIGHUP)
    server.event("reloading")

    assert (200, "ok\n") == server.probe("/readyz")


# -- the end -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_server_with_code_0_and_nothing_on_standard_error(start, number):
    server = start(drain_seconds=0)

    server.signal(number)

    assert (0, "") == server.end()
    assert "stopped" == server.event("stopped")["event"]


def test_while_draining_it_is_unready_and_alive_and_serves_on_with_a_goodbye(start):
    server = start(drain_seconds=600)
    kept = server.connect()

    server.signal(signal.SIGTERM)
    server.event("draining", seconds=600)

    assert eventually(lambda: (503, "draining\n") == server.probe("/readyz"))
    assert (200, "ok\n") == server.probe("/livez")
    kept.send(request("/mutate", BODY, JSON_TYPE))
    old, new = kept.read(), server.post("/mutate", BODY)
    assert [(400, "close")] * 2 == [(answer.status, answer.headers["connection"]) for answer in (old, new)]
    assert b"" == kept.rest()


def test_a_second_signal_ends_the_draining(start):
    server = start(drain_seconds=600)
    server.signal(signal.SIGTERM)
    server.event("draining")

    server.signal(signal.SIGTERM)

    assert (0, "") == server.end()


def test_a_signal_to_the_whole_group_as_a_terminal_sends_it_leaves_no_traceback(start):
    server = start(drain_seconds=0)
    os.killpg(server.process.pid, signal.SIGINT)

    assert (0, "") == server.end()


def test_nothing_is_left_of_a_server_that_is_killed(start):
    server = start()
    left = children(server.process.pid)
    assert left

    server.signal(signal.SIGKILL)
    server.process.wait()

    assert eventually(lambda: not any(alive(process) for process in left))


def answered(server):
    response = server.review(review(pod()))["response"]
    return base64.b64decode(response.get("patch", "")).decode()


def trusts(server):
    try:
        server.connect().close()
    except ssl.SSLCertVerificationError:
        return False
    return True


def children(process):
    return [int(number) for number in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
