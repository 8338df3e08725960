"""What ``pillion certs`` does, and how it ends, whatever the cluster and the signer are like."""

from __future__ import annotations

import base64
import json
import signal
import socket
import ssl
import threading
from contextlib import suppress

import pytest
from cryptography import x509

from tests.certs import authorities, states
from tests.certs.authorities import pem
from tests.certs.processes import Program
from tests.certs.servers import Refusal
from tests.certs.states import decoded, note, secret_of
from tests.server.clients import PATIENCE

HOOKS = {"--mutating-webhook": "pillion", "--validating-webhook": "pillion"}
REQUEST = "pillion.pillion-system"
WRITES = ("create", "update", "patch", "delete")


@pytest.fixture
def run(program, api, authority_file):
    """Run ``pillion certs`` on the API server, with what a pod knows."""

    def run(*words, **flags):
        settings = {} if "status" in words else {"--authority": authority_file(api)}
        return program.run(api, *(words or ("setup",)), **{**HOOKS, **settings, **flags})

    return run


def writes(api):
    return [str(call) for call in api.calls if call.verb in WRITES and call.resource != "selfsubjectreviews"]


def leaf_of(api):
    return x509.load_pem_x509_certificate(decoded(api, "tls.crt"))


def bundles_of(api):
    return [x509.load_pem_x509_certificates(base64.b64decode(entry["clientConfig"]["caBundle"]))
            for entry in api.entries()]  # fmt: skip


def test_a_new_cluster_gets_a_certificate_of_its_signer_and_every_entry_trusts_its_authority(api, run):
    states.add_webhooks(api)

    ended = run()

    assert (0, "csr", "kubernetes.io/kubelet-serving") == (ended.code, note(api, "mode"), note(api, "signer"))
    assert [[api.authority.certificate]] * 3 == bundles_of(api)
    assert [] == api.all("certificatesigningrequests")
    assert [] == api.breaches


def test_the_request_has_what_the_signer_of_kubelets_insists_on(api, run):
    run()

    (body,) = [call.body for call in api.calls if str(call) == "create certificatesigningrequests"]
    request = x509.load_pem_x509_csr(base64.b64decode(body["spec"]["request"]))
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert ["digital signature", "key encipherment", "server auth"] == body["spec"]["usages"]
    assert ["O=system:nodes", "CN=system:node:pillion-229c06b3"] == [
        part.rfc4514_string() for part in request.subject.rdns
    ]
    assert ["pillion.pillion-system.svc"] == names.get_values_for_type(x509.DNSName)
    assert 365 * 86_400 == body["spec"]["expirationSeconds"]


def test_a_second_run_writes_nothing(api, run):
    states.add_webhooks(api)
    run()
    api.calls.clear()

    assert 0 == run().code
    assert [] == writes(api)


def test_before_the_webhooks_exist_the_secret_is_made_and_afterwards_they_are_filled(api, run):
    assert 0 == run().code
    states.add_webhooks(api)
    api.calls.clear()

    assert 0 == run("setup", "--require-webhooks").code
    assert ["patch mutatingwebhookconfigurations pillion", "patch validatingwebhookconfigurations pillion"] == writes(
        api
    )


def test_webhooks_that_must_be_there_are_waited_for_until_the_deadline(run):
    ended = run("setup", "--require-webhooks", **{"--deadline": "1"})

    assert 1 == ended.code
    assert "not done within 1 s" in ended.last


def test_a_bundle_that_somebody_emptied_is_filled_again(api, run):
    states.add_webhooks(api)
    run()
    for entry in api.entries():
        del entry["clientConfig"]["caBundle"]
    api.calls.clear()

    assert 0 == run().code
    assert [[api.authority.certificate]] * 3 == bundles_of(api)
    assert 2 == len(writes(api))


@pytest.mark.parametrize(
    ("signing", "cause"),
    [
        ("fails", "the request is Failed: SignerValidationFailure: subject organization is not system:nodes"),
        ("denied", "the request is Denied: NotANode: the user of a kubelet-serving request must be a node"),
        ("never", "has not signed within 0.2 s, though the request is approved"),
        ("drops-names", "Hostname mismatch"),
        ("for-clients", "unsuitable certificate purpose"),
        ("another-key", "certificate and key do not belong together"),
        ("briefly", "issued for 3.0 days only, less than 7"),
    ],
)
def test_a_signer_that_gives_nothing_usable_is_replaced_on_record(api, run, signing, cause):
    states.add_webhooks(api)
    api.signing = signing

    ended = run()

    assert (0, "self-signed", "fallback") == (ended.code, note(api, "mode"), note(api, "reason"))
    assert cause in note(api, "cause")
    assert [cause in item["message"] for item in api.all("events")] == [True]
    assert '"level":"warning"' in ended.said
    assert [] == api.all("certificatesigningrequests")
    assert [] == api.breaches


@pytest.mark.parametrize("signing", ["fails", "denied", "never", "drops-names"])
def test_without_a_fallback_it_is_an_error_and_nothing_is_written(api, run, signing):
    states.add_webhooks(api)
    api.signing = signing

    ended = run(**{"--fallback": "none"})

    assert (2, None, []) == (ended.code, secret_of(api), api.all("certificatesigningrequests"))
    assert "nothing was written" in ended.last
    assert [] == [call for call in writes(api) if "certificatesigningrequests" not in call]


def test_a_fallback_is_not_tried_again_by_the_next_setup_but_by_another_signer_and_a_renewal(api, run):
    states.add_webhooks(api)
    api.signing = "never"
    run()
    api.calls.clear()

    run()
    assert [] == writes(api)
    api.signing = "signs"
    run("renew", "--now", **{"--rotation": "csr"})
    assert ("csr", None) == (note(api, "mode"), note(api, "reason"))
    run(**{"--signer": "example.com/webhooks"})
    assert "example.com/webhooks" == note(api, "signer")
    assert [] == api.breaches


def test_an_authority_that_nobody_knows_is_not_published(api, run):
    states.add_webhooks(api)
    api.issuer = authorities.make("another", now=api.now())

    ended = run()

    assert (0, "fallback") == (ended.code, note(api, "reason"))
    assert "is vouched for by none of 1" in note(api, "cause")
    assert [api.issuer.certificate] not in bundles_of(api)


def test_an_old_authority_without_key_identifiers_will_do(api, run):
    states.add_webhooks(api)
    api.authority = api.issuer = authorities.make("kubernetes", now=api.now(), identifiers=False)

    assert (0, "csr") == (run().code, note(api, "mode"))


def test_a_signer_whose_authority_is_an_intermediate_one_is_trusted_by_that_one(api, run, tmp_path):
    states.add_webhooks(api)
    api.issuer = authorities.make("intermediate", now=api.now(), issuer=api.authority, ends=3000)
    (tmp_path / "known").write_bytes(pem(api.authority.certificate) + pem(api.issuer.certificate))

    assert 0 == run(**{"--authority": str(tmp_path / "known")}).code
    assert [[api.issuer.certificate]] * 3 == bundles_of(api)


def test_an_authority_that_ends_before_the_certificate_is_not_published(api, run):
    states.add_webhooks(api)
    api.authority = api.issuer = authorities.make("kubernetes", now=api.now(), ends=100)

    assert (0, "fallback") == (run().code, note(api, "reason"))
    assert "issued for longer than its authority lives" in note(api, "cause")


def test_a_foreign_request_is_waited_for_and_never_approved(api, run):
    foreign = states.foreign_request(api)

    ended = run()

    assert (1, None) == (ended.code, secret_of(api))
    assert "is not ours but of user 'mallory': it is not approved" in ended.last
    assert foreign == api.get("certificatesigningrequests", REQUEST)


@pytest.mark.parametrize(
    "left",
    [
        {"ago": 301.0},
        {"conditions": ({"type": "Failed", "status": "True"},)},
        {"username": "system:serviceaccount:pillion-system:pillion-certs"},
    ],
    ids=["old", "failed", "of an earlier run of ours"],
)
def test_a_request_that_is_left_over_makes_room(api, run, left):
    states.foreign_request(api, **left)

    assert (0, "csr") == (run().code, note(api, "mode"))
    assert [] == api.all("certificatesigningrequests")


def swap(api, call, at):
    """Somebody replaces our request by his own, of the same name, just before a call."""
    if str(call) == at and not getattr(api, "swapped", False):
        api.swapped = True
        ours = api.get("certificatesigningrequests", REQUEST)
        spec = {**ours["spec"], "request": "bWluZQ==", "username": "mallory"}
        api.put("certificatesigningrequests", REQUEST, {"metadata": {}, "spec": spec, "status": {}})


@pytest.mark.parametrize("at", [f"get certificatesigningrequests {REQUEST}",
                                f"update certificatesigningrequests/approval {REQUEST}"])  # fmt: skip
def test_a_request_that_was_swapped_is_not_approved(api, run, at):
    api.before_call = lambda call: swap(api, call, at)

    ended = run()

    assert 2 == ended.code
    assert "foreign CertificateSigningRequest: 'pillion.pillion-system' now has another request" in ended.last
    assert {} == api.get("certificatesigningrequests", REQUEST)["status"]


def test_a_request_of_the_same_bytes_but_another_user_is_not_approved(api, run):
    def copy(call):
        if str(call).startswith("get certificatesigningrequests"):
            api.objects["certificatesigningrequests", "", REQUEST]["spec"]["username"] = "mallory"

    api.before_call = copy

    ended = run()

    assert (2, None) == (ended.code, secret_of(api))
    assert "another username, of user 'mallory'" in ended.last


def test_a_request_that_was_made_anew_is_not_approved_whatever_it_says(api, run):
    def make_anew(call):
        if str(call).startswith("get certificatesigningrequests"):
            api.objects["certificatesigningrequests", "", REQUEST]["metadata"]["uid"] = "another"

    api.before_call = make_anew

    ended = run()

    assert (2, None) == (ended.code, secret_of(api))
    assert "now has another uid" in ended.last


def test_a_request_that_is_removed_is_made_once_more(api, run):
    def remove(call):
        if call.resource.endswith("approval") and not getattr(api, "removed", False):
            api.removed = True
            del api.objects["certificatesigningrequests", "", REQUEST]

    api.before_call = remove

    assert (0, "csr") == (run().code, note(api, "mode"))


def test_a_secret_that_is_not_ours_is_never_touched(api, run):
    states.installed(api)
    del secret_of(api)["metadata"]["labels"]
    before = json.dumps(secret_of(api))

    ended = run()

    assert (2, before) == (ended.code, json.dumps(secret_of(api)))
    assert "refusing to overwrite Secret 'pillion-tls'" in ended.last


def test_a_secret_of_ours_of_the_wrong_type_is_made_anew(api, run):
    states.wrong_type(api)

    assert (0, "kubernetes.io/tls") == (run().code, secret_of(api)["type"])
    assert [] == api.breaches


def test_a_secret_that_was_edited_to_garbage_is_made_anew_and_the_pair_that_pods_serve_stays_trusted(api, run):
    states.garbage(api)

    ended = run()

    assert 0 == ended.code
    assert "the pair in Secret 'pillion-tls' does not serve" in ended.said
    assert [] == api.breaches
    assert {2} == {len(bundle) for bundle in bundles_of(api)}


@pytest.mark.parametrize("part", ["tls.crt", "tls.key", "ca.crt"])
def test_each_part_of_a_secret_is_missed(api, run, part):
    states.installed(api)
    secret_of(api)["data"][part] = ""

    assert (0, "csr") == (run().code, note(api, "mode"))
    assert [] == api.breaches


def test_labels_and_annotations_of_others_survive(api, run):
    states.installed(api)
    secret_of(api)["metadata"]["annotations"]["example.com/owner"] = "us"

    run()

    assert "us" == secret_of(api)["metadata"]["annotations"]["example.com/owner"]


def test_an_expired_authority_is_replaced_and_dropped(api, run):
    states.expired_authority(api)

    assert 0 == run(**{"--mode": "self-signed"}).code
    assert {1} == {len(bundle) for bundle in bundles_of(api)}


@pytest.mark.parametrize(("starts", "days", "renewed"), [(-200, 165, False), (-260, 105, True), (-360, 5, True)])
def test_a_renewal_acts_at_two_thirds_of_the_life_and_a_setup_does_not(api, run, starts, days, renewed):
    states.installed(api, starts=starts, days=days)
    before = leaf_of(api)

    assert 0 == run(**{"--mode": "self-signed"}).code
    assert before == leaf_of(api)
    assert 0 == run("renew", **{"--mode": "self-signed"}).code
    assert renewed is (before != leaf_of(api))
    assert [] == api.breaches


def test_many_renewals_keep_three_authorities(api, run):
    states.add_webhooks(api)
    for _ in range(6):
        run("renew", "--now", **{"--mode": "self-signed"})
    run(**{"--mode": "self-signed"})

    assert {3} == {len(bundle) for bundle in bundles_of(api)}
    assert [] == api.breaches


def test_a_renewal_without_the_right_to_approve_is_self_signed_and_the_next_setup_returns_to_the_signer(api, run):
    states.add_webhooks(api)
    run()
    api.calls.clear()

    run("renew", "--now")
    assert ("self-signed", "rotation") == (note(api, "mode"), note(api, "reason"))
    assert [] == [call for call in api.calls if call.resource.startswith("certificatesigningrequests")]
    assert 0 == run("renew").code
    assert "rotation" == note(api, "reason")
    run()
    assert ("csr", None) == (note(api, "mode"), note(api, "reason"))
    assert [] == api.breaches


@pytest.mark.parametrize("skew", [86_400.0, -86_400.0], ids=["a day ahead", "a day behind"])
@pytest.mark.parametrize("mode", ["csr", "self-signed"])
def test_the_clock_of_the_api_server_counts(make_api, program, authority_file, skew, mode):
    api = make_api(skew=skew)
    states.add_webhooks(api)

    ended = program.run(api, "setup", **{**HOOKS, "--authority": authority_file(api), "--mode": mode})

    assert (0, mode, None) == (ended.code, note(api, "mode"), note(api, "reason"))
    assert leaf_of(api).not_valid_before_utc.timestamp() < api.now() < leaf_of(api).not_valid_after_utc.timestamp()


def test_names_of_sixty_characters_fit(make_api, program, authority_file):
    api = make_api()
    service, namespace = "s" * 60, "n" * 60

    ended = program.run(api, "setup", **{"--service": service, "--namespace": namespace,
                                         "--authority": authority_file(api)})  # fmt: skip

    secret = api.get("secrets", "pillion-tls", namespace)
    leaf = x509.load_pem_x509_certificate(base64.b64decode(secret["data"]["tls.crt"]))
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert (0, [f"{service}.{namespace}.svc"]) == (ended.code, names.get_values_for_type(x509.DNSName))


@pytest.mark.parametrize("words", [("setup",), ("renew", "--now", "--rotation", "csr")], ids=["setup", "renew"])
def test_two_runs_at_a_time_end_well(api, program, tmp_path, authority_file, words):
    states.add_webhooks(api)
    other = Program(tmp_path)
    flags = {**HOOKS, "--authority": authority_file(api), "--leftover-wait": "5"}
    try:
        ends = [one.start(api, *words, **flags) for one in (program, other)]
        codes = {end().code for end in ends}
    finally:
        other.close()

    assert codes <= {0, 1}
    assert 0 == program.run(api, **flags).code
    assert ([], []) == (api.breaches, api.all("certificatesigningrequests"))
    assert 1 == len({frozenset(bundle) for bundle in bundles_of(api)})


def test_two_self_signed_runs_at_a_time_end_well(api, program, tmp_path):
    states.installed(api)
    other = Program(tmp_path)
    flags = {**HOOKS, "--mode": "self-signed"}
    try:
        ends = [one.start(api, "renew", "--now", **flags) for one in (program, other)]
        codes = {end().code for end in ends}
    finally:
        other.close()

    assert codes <= {0, 1}
    assert 0 == program.run(api, **flags).code
    assert [] == api.breaches


def settling(api, act):
    """Do something once the webhooks have been read back, before it is looked whether they still trust."""

    def wait(call):
        patched = any(one.resource.startswith("validating") and one.verb == "patch" for one in api.calls)
        if patched and str(call) == "get mutatingwebhookconfigurations pillion" and not getattr(api, "acted", False):
            api.acted = True
            act()

    api.before_call = wait


def publish(api, bundle):
    for entry in api.entries():
        entry["clientConfig"]["caBundle"] = bundle


def test_a_run_beside_this_one_publishes_the_new_authority_too_as_it_stands_in_the_secret_first(api, run):
    states.installed(api)
    settling(api, lambda: publish(api, secret_of(api)["data"]["ca.crt"]))

    assert 0 == run("renew", "--now", **{"--mode": "self-signed"}).code
    assert (True, []) == (api.acted, api.breaches)


def test_one_who_overwrites_the_bundle_while_it_settles_is_noticed_before_the_pair_is_stored(api, run):
    states.installed(api)
    before, old = leaf_of(api), secret_of(api)["data"]["ca.crt"]
    settling(api, lambda: publish(api, old))

    ended = run("renew", "--now", **{"--mode": "self-signed"})

    assert (1, before, []) == (ended.code, leaf_of(api), api.breaches)
    assert "webhook 'pods.pillion.dev' lost the new authority" in ended.last


def test_what_another_adds_between_reading_and_writing_is_not_lost(api, run):
    states.installed(api)
    another = authorities.make("another", now=api.now()).certificate
    added, kept = [], []

    def interfere(call):
        if call.verb == "patch" and not added:
            added.append(another)
            config = api.get("mutatingwebhookconfigurations", "pillion")
            for entry in config["webhooks"][:2]:
                bundle = base64.b64decode(entry["clientConfig"]["caBundle"]) + pem(another)
                entry["clientConfig"]["caBundle"] = base64.b64encode(bundle).decode()
            config["metadata"]["resourceVersion"] = api.next_version()
        if str(call) == "update secrets pillion-tls":
            kept.append(another in bundles_of(api)[0])

    api.before_call = interfere

    assert 0 == run("renew", "--now", **{"--mode": "self-signed"}).code
    assert [False, True] == kept


def test_one_who_overwrites_the_bundle_in_between_is_noticed_before_the_pair_is_stored(api, run):
    states.installed(api)
    before = leaf_of(api)
    old = [entry["clientConfig"]["caBundle"] for entry in api.entries()]

    def overwrite(_):
        for entry, bundle in zip(api.entries(), old, strict=True):
            entry["clientConfig"]["caBundle"] = bundle

    api.before_call = overwrite

    ended = run("renew", "--now", **{"--mode": "self-signed"})

    assert (1, before) == (ended.code, leaf_of(api))
    assert "is changed by another again and again: find who writes its caBundle" in ended.last
    assert [] == api.breaches


def test_a_webhook_that_calls_another_service_is_an_error(api, run):
    api.add_webhooks("mutating", entries=())

    ended = run(**{"--validating-webhook": "pillion"})

    assert 2 == ended.code
    assert "has no webhook that calls Service 'pillion' in 'pillion-system'" in ended.last


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_api_server_in_trouble_is_asked_again(api, run, status):
    refused = set()

    def refuse(call):
        if str(call) not in refused:
            refused.add(str(call))
            raise Refusal(status, "Trouble", "not now")

    api.before_call = refuse

    assert 0 == run(**{"--mode": "self-signed"}).code
    assert refused


def test_rights_that_arrive_late_are_waited_for(api, run):
    asked = []

    def refuse(call):
        asked.append(call)
        if len(asked) < 3:
            raise Refusal(403, "Forbidden", "not yet")

    api.before_call = refuse

    assert 0 == run(**{"--rights-wait": "30"}).code


def test_an_api_server_that_never_answers_ends_at_the_deadline(api, run):
    def refuse(_):
        raise Refusal(503, "Trouble", "not now")

    api.before_call = refuse

    ended = run(**{"--deadline": "1"})

    assert 1 == ended.code
    assert "not done within 1 s: get secrets 'pillion-tls' in 'pillion-system': not now (HTTP 503)" in ended.last


def test_sigterm_stops_before_the_next_call(api, program, authority_file):
    waiting = threading.Event()

    def look(call):
        if call.verb == "get" and any(one.resource.endswith("approval") for one in api.calls):
            waiting.set()

    states.add_webhooks(api)
    api.signing, api.before_call = "never", look
    end = program.start(api, "setup", **{**HOOKS, "--authority": authority_file(api), "--csr-timeout": "60"})
    assert waiting.wait(PATIENCE)
    program.signal(api, signal.SIGTERM)
    ended = end()

    assert 1 == ended.code
    assert "stopped by a signal" in ended.last
    assert (None, 1) == (secret_of(api), len(api.all("certificatesigningrequests")))


def test_a_server_that_serves_the_pair_passes_the_probe(api, run, tmp_path):
    states.add_webhooks(api)
    run()
    certificate, key = tmp_path / "crt", tmp_path / "key"
    certificate.write_bytes(decoded(api, "tls.crt"))
    key.write_bytes(decoded(api, "tls.key"))
    with serving(certificate, key) as address:
        ended = run(**{"--probe": address})

    assert 0 == ended.code
    assert "serves what the webhooks trust" in ended.said


@pytest.mark.parametrize("skew", [86_400.0, -86_400.0], ids=["a day ahead", "a day behind"])
def test_the_probe_goes_by_the_clock_of_the_api_server(make_api, program, tmp_path, skew):
    api = make_api(skew=skew)
    states.installed(api)
    certificate, key = tmp_path / "crt", tmp_path / "key"
    certificate.write_bytes(decoded(api, "tls.crt"))
    key.write_bytes(decoded(api, "tls.key"))
    with serving(certificate, key) as address:
        ended = program.run(api, "renew", **{**HOOKS, "--mode": "self-signed", "--probe": address})

    assert 0 == ended.code, ended.said


def test_a_server_that_serves_what_is_over_is_told(api, run, tmp_path):
    own = authorities.make("pillion-1", now=api.now())
    states.store(api, *authorities.pair(own, states.HOST, now=api.now()), own.certificate)
    files = tmp_path / "crt", tmp_path / "key"
    for file, text in zip(files, authorities.pair(own, states.HOST, now=api.now(), starts=-30, days=-1), strict=True):
        file.write_bytes(text)
    with serving(*files) as address:
        ended = run("renew", **{"--mode": "self-signed", "--probe": address, "--probe-timeout": "0"})

    assert 1 == ended.code
    assert f"{address} does not serve the pair: " in ended.last
    assert "expired on" in ended.last


class serving:  # noqa: N801 - reads as a word
    """A TLS server for a moment."""

    def __init__(self, certificate, key):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        return f"127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self):
        connection, _ = self.listener.accept()
        with self.context.wrap_socket(connection, server_side=True) as tls, suppress(ConnectionError):
            tls.recv(1)  # who has seen enough may leave without a word

    def __exit__(self, *_):
        self.thread.join(30)
        self.listener.close()


@pytest.mark.parametrize(("words", "code"), [(("setup",), 0), (("renew",), 1)], ids=["setup warns", "renew fails"])
def test_a_server_that_does_not_answer_is_told(api, run, words, code):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    states.add_webhooks(api)

    ended = run(*words, **{"--probe": address, "--probe-timeout": "0"})

    assert code == ended.code
    assert address in ended.said
    assert "refused" in ended.said


def test_a_pair_that_is_provided_is_looked_at_and_nothing_is_written(api, run):
    states.installed(api)
    api.calls.clear()

    assert 0 == run(**{"--mode": "provided"}).code
    assert {"get"} == {call.verb for call in api.calls}


@pytest.mark.parametrize("state", ["deleted", "garbage", "expired_authority"])
def test_a_pair_that_is_provided_must_serve(api, run, state):
    getattr(states, state)(api)

    assert 2 == run(**{"--mode": "provided"}).code
    assert [] == writes(api)


def test_cert_manager_is_waited_for(api, run):
    def deliver(_):
        if len(api.calls) > 2 and not secret_of(api):
            states.installed(api)

    api.before_call = deliver

    assert 0 == run(**{"--mode": "cert-manager"}).code
    assert [] == writes(api)


def test_cert_manager_is_waited_for_until_the_deadline(run):
    ended = run(**{"--mode": "cert-manager", "--deadline": "1"})

    assert 1 == ended.code
    assert "waiting for cert-manager: there is no Secret 'pillion-tls'" in ended.said


def test_status_tells_a_story_and_finds_nothing_amiss(api, run):
    states.add_webhooks(api)
    api.signing = "never"
    run()

    ended = run("status")

    assert 0 == ended.code
    assert "fallback       signer 'kubernetes.io/kubelet-serving' has not signed" in ended.said
    assert "webhook check.pillion.dev trusts the pair" in ended.said


@pytest.mark.parametrize(
    ("state", "finding"),
    [
        ("deleted", "there is no Secret 'pillion-tls' in 'pillion-system'"),
        ("garbage", "the pair does not serve: it holds no certificate that can be read"),
        ("expired_authority", "expired on"),
        ("late", "has not been renewed: see the CronJob"),
        ("mistrusted", "webhook 'check.pillion.dev' does not trust the pair"),
        ("empty", "webhook 'check.pillion.dev' has no caBundle"),
    ],
)
def test_status_finds(api, run, state, finding):
    {"late": late, "mistrusted": mistrusted, "empty": empty}.get(state, getattr(states, state, None))(api)

    ended = run("status", **{"--output": "json"})
    text = ended.said

    assert 1 == ended.code
    assert [True] == [True for found in [json.loads(text)["findings"]] if any(finding in one for one in found)], text


def late(api):
    states.installed(api, starts=-350, days=15)


def mistrusted(api):
    states.installed(api)
    other = authorities.make("other", now=api.now())
    for entry in api.entries():
        entry["clientConfig"]["caBundle"] = base64.b64encode(pem(other.certificate)).decode()


def empty(api):
    states.installed(api)
    for entry in api.entries():
        entry["clientConfig"]["caBundle"] = ""


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ({"--mode": "magic"}, "--mode is 'magic': expected 'csr' or 'self-signed' or 'cert-manager' or 'provided'"),
        ({"--service": "a.b"}, "--service is 'a.b': expected a name of lower-case letters, digits and '-', at most 63"),
        ({"--signer": "nobody"}, "--signer is 'nobody': expected a signer such as kubernetes.io/kubelet-serving"),
        ({"--days": "1"}, "--days is '1': expected a whole number of days from 8 to 3650"),
        ({"--authority": "/nowhere"}, "--authority '/nowhere' cannot be read: No such file or directory"),
        ({"--authority": "/dev/null"}, "--authority '/dev/null' holds no certificate in PEM"),
        ({"--probe": "nowhere"}, "--probe is 'nowhere': expected an address such as pillion.pillion-system.svc:443"),
        ({"--kubeconfig": "/nowhere"}, "kubeconfig '/nowhere' cannot be used"),
    ],
)
def test_a_wrong_value_gets_one_sentence(api, program, flags, sentence):
    ended = program.run(api, "setup", **flags)

    assert (2, 1) == (ended.code, len(ended.lines))
    assert sentence in ended.said
    assert [] == api.calls


def test_no_key_is_ever_told(api, run):
    states.add_webhooks(api)
    ended = run()

    told = ended.said + json.dumps([call.body for call in api.calls if call.resource != "secrets"])
    assert "PRIVATE KEY" not in told
    assert base64.b64encode(b"PRIVATE").decode()[:-2] not in told
