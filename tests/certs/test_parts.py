"""The parts that decide: judging, pruning, proving, repeating, and the flags on their page."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from injector.cli.certs import command
from injector.shell.certs import bundles, calls, flags, judging, minting, proofs, records
from injector.shell.certs.faults import Permanent, Transient, Unfit
from injector.shell.certs.options import Mode, Options
from injector.shell.certs.proofs import Pair
from injector.shell.certs.records import Maker, Stored
from injector.shell.certs.steps import REQUESTS, Call, Login, Pause, Tell
from injector.shell.errors import ClusterError
from tests.certs import authorities
from tests.certs.authorities import CLIENT, pem
from tests.docs import pages

NOW = time.time()
HOST = Options().host
DAY = 86_400.0


def own_pair(options, now=NOW):
    key = minting.make_key(options.key)
    chain, authority = minting.sign_own(key, options, now)
    return Pair(chain, minting.write_key(key)), authority


AUTHORITY = authorities.make(now=NOW)
OTHER = authorities.make("other", now=NOW)
MIDDLE = authorities.make("middle", now=NOW, issuer=AUTHORITY)
OLD = authorities.make("old", now=NOW, identifiers=False)
EXPIRED = authorities.make("expired", now=NOW, starts=-40, ends=-1)
LATER = authorities.make("later", now=NOW, starts=1)


@pytest.mark.parametrize(
    ("signer", "bundle", "details", "problem"),
    [
        (AUTHORITY, [AUTHORITY], {}, ""),
        (OLD, [OLD], {}, ""),
        (AUTHORITY, [OTHER, AUTHORITY], {}, ""),
        (MIDDLE, [MIDDLE], {}, ""),
        (MIDDLE, [AUTHORITY], {}, "unable to get local issuer certificate"),
        (AUTHORITY, [OTHER], {}, "unable to get local issuer certificate"),
        (AUTHORITY, [], {}, "vouched for by none of 0"),
        (EXPIRED, [EXPIRED], {}, "expired on"),
        (LATER, [LATER], {}, "is not valid before"),
        (AUTHORITY, [AUTHORITY], {"names": ("other.svc",)}, "Hostname mismatch"),
        (AUTHORITY, [AUTHORITY], {"names": ()}, "Hostname mismatch"),
        (AUTHORITY, [AUTHORITY], {"names": (), "common_name": HOST}, "Hostname mismatch"),
        (AUTHORITY, [AUTHORITY], {"purpose": CLIENT}, "unsuitable certificate purpose"),
        (AUTHORITY, [AUTHORITY], {"days": -0.001}, "expired on"),
        (AUTHORITY, [AUTHORITY], {"starts": 0.01}, "is not valid before"),
    ],
)
def test_a_certificate_is_proved_as_the_api_server_would(signer, bundle, details, problem):
    pair = Pair(*authorities.pair(signer, HOST, now=NOW, **details))
    candidates = tuple(one.certificate for one in bundle)

    assert problem in reason(pair, candidates)
    assert bool(problem) is bool(reason(pair, candidates))


def reason(pair, candidates, now=NOW):
    try:
        proofs.prove(pair, candidates, HOST, now)
    except Unfit as error:
        return str(error)
    return ""


def test_only_the_authorities_that_vouch_are_anchors():
    pair = Pair(*authorities.pair(AUTHORITY, HOST, now=NOW))

    proven = proofs.prove(pair, (OTHER.certificate, AUTHORITY.certificate), HOST, NOW)

    assert (AUTHORITY.certificate,) == proven.anchors


@pytest.mark.parametrize("key", [b"", b"garbage", pem(AUTHORITY.certificate)])
def test_a_key_that_is_none_is_told(key):
    chain, _ = authorities.pair(AUTHORITY, HOST, now=NOW)

    assert "its key cannot be read" == reason(Pair(chain, key), (AUTHORITY.certificate,))


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_an_authority_of_ours_vouches_for_our_one_name_only(kind):
    options = Options(key=kind)
    pair, authority = own_pair(options)

    assert "" == proofs.shake_hands(pair, [authority], HOST)
    assert "" != proofs.shake_hands(pair, [authority], "other.svc")
    assert (authority,) == proofs.prove(pair, (authority,), HOST, NOW).anchors
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    assert [x509.DNSName(HOST)] == constraints.permitted_subtrees
    leaf = x509.load_pem_x509_certificate(pair.chain)
    assert authority.not_valid_after_utc - leaf.not_valid_after_utc == timedelta(days=1)


def test_no_two_authorities_of_ours_share_a_name():
    assert 3 == len({own_pair(Options())[1].subject for _ in range(3)})


@settings(max_examples=50)
@given(service=st.from_regex(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True),
       namespace=st.from_regex(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True))  # fmt: skip
def test_every_service_can_ask_for_a_certificate(service, namespace):
    options = Options(service=service, namespace=namespace)

    request = x509.load_pem_x509_csr(minting.request(AUTHORITY.key, options))

    (name,) = request.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    assert name.value.startswith("system:node:")
    assert len(name.value) <= 64


CERTIFICATES = [authorities.make(str(number), now=NOW).certificate for number in range(6)]


@given(all_of=st.permutations(CERTIFICATES), needed=st.integers(1, 2), used=st.permutations(CERTIFICATES),
       known=st.integers(0, 6))  # fmt: skip
def test_pruning_keeps_what_is_needed_and_the_last_that_were_used(all_of, needed, used, known):
    names = [bundles.fingerprint(one) for one in used[:known]]

    kept = bundles.prune(tuple(all_of), names, tuple(all_of[:needed]))

    others = [one for one in used[:known] if one not in all_of[:needed]]
    assert set(all_of[:needed]) <= set(kept)
    assert bundles.LIMIT == len(kept) == len(set(kept))
    assert set(others[: bundles.LIMIT - needed]) <= set(kept)


def test_a_bundle_is_read_as_leniently_as_go_does():
    text = (
        b"# comment\n" + pem(AUTHORITY.certificate) + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    )

    assert (AUTHORITY.certificate,) == bundles.read(text + pem(AUTHORITY.certificate))


PAIR, ROOT = own_pair(Options())
LEAF = x509.load_pem_x509_certificate(PAIR.chain)
SIGNER = Options().signer


def stored(mode="csr", signer=SIGNER, reason=""):
    return Stored(secret={"type": "kubernetes.io/tls"}, ours=True, typed=True, pair=PAIR, authorities=(ROOT,),
                  mode=mode, signer=signer, reason=reason, cause="", used=())  # fmt: skip


@pytest.mark.parametrize(
    ("wish", "found", "stays"),
    [
        ({}, stored(), True),
        ({}, stored(signer="example.com/other"), False),
        ({}, stored("self-signed", reason="fallback"), True),
        ({"fallback": None}, stored("self-signed", reason="fallback"), False),
        ({"signer": "example.com/other"}, stored("self-signed", reason="fallback"), False),
        ({}, stored("self-signed", reason="rotation"), False),
        ({"renew": True}, stored("self-signed", reason="rotation"), True),
        ({"renew": True, "rotation": Mode.CSR}, stored("self-signed", reason="rotation"), False),
        ({"renew": True, "rotation": Mode.CSR}, stored("self-signed", reason="fallback"), True),
        ({}, stored("self-signed", ""), False),
        ({"mode": Mode.SELF_SIGNED}, stored("self-signed", ""), True),
        ({"mode": Mode.SELF_SIGNED}, stored("self-signed", reason="rotation"), False),
        ({"mode": Mode.SELF_SIGNED}, stored(), False),
        ({"renew": True, "force": True}, stored(), False),
        ({"service": "renamed"}, stored(), False),
    ],
)
def test_a_pair_stays_if_it_was_made_as_wished(wish, found, stays):
    assert stays is (judging.judge(found, Options(**wish), NOW).issue == "")


def test_a_certificate_is_due_between_the_last_twentieth_before_two_thirds_and_two_thirds_of_its_life():
    start, end = LEAF.not_valid_before_utc.timestamp(), LEAF.not_valid_after_utc.timestamp()

    assert 2 / 3 - 0.05 <= (judging.due(LEAF) - start) / (end - start) <= 2 / 3
    assert judging.due(LEAF) == judging.due(LEAF)


def play(prepared, **details):
    """Run a call against prepared answers; return the steps other than the call, and the result or error."""
    plan = calls.send(Call(verb="get", kind=REQUESTS, name="x"), **{"rights_wait": 1.0, **details})
    steps, answers = [], iter(prepared)
    step = next(plan)
    try:
        while True:
            if not isinstance(step, Call):
                steps += [] if isinstance(step, Tell) else [step]
                step = plan.send(None)
            elif isinstance(answer := next(answers), Exception):
                step = plan.throw(answer)
            else:
                step = plan.send(answer)
    except StopIteration as end:
        return steps, end.value
    except (ClusterError, Permanent, Transient) as error:
        return steps, error


def refusal(status, message="no", **details):
    return ClusterError(status, "", message, **details)


def test_no_answer_is_asked_again_with_growing_pauses():
    steps, found = play([refusal(0), refusal(503), refusal(500), {"a": 1}])

    assert {"a": 1} == found
    assert [Pause(0.25), Pause(0.4), Pause(0.64)] == [Pause(round(step.seconds, 2)) for step in steps]


def test_the_api_server_says_how_long_to_wait():
    steps, _ = play([refusal(429, retry_after=7.0), {}])

    assert [Pause(7.0)] == steps


def test_new_credentials_are_tried_once():
    assert ([Login(), Pause(0.25)], {}) == play([refusal(401), {}])
    assert isinstance(play([refusal(401), refusal(401)])[1], Transient)


def test_a_right_is_waited_for_and_then_named():
    steps, error = play([refusal(403)] * 9)

    assert sum(step.seconds for step in steps) >= 1.0
    assert isinstance(error, Permanent)
    assert "the right to get certificatesigningrequests 'x' is missing: no (HTTP 403)" == str(error)


@pytest.mark.parametrize("status", [400, 405, 422])
def test_what_is_wrong_stays_wrong(status):
    steps, error = play([refusal(status, "nonsense")])

    assert ([], True) == (steps, isinstance(error, Permanent))
    assert f"the API server refuses to get certificatesigningrequests 'x': nonsense (HTTP {status})" == str(error)


@pytest.mark.parametrize("status", [404, 409])
def test_what_the_caller_understands_is_the_callers(status):
    error = refusal(status)

    assert error is play([error], answers={404, 409})[1]


def test_every_flag_is_on_the_page():
    rows = pages.table("docs/certificates.md", "flag", "default", "meaning", "expected")
    known = [
        [f"`{flag.flag}`", f"`{flag.default}`" if flag.default else "none", flag.text, flag.form.expected]
        for flag in (*flags.WHERE, *flags.HOW)
    ]

    assert known == rows[: len(known)]


def test_every_option_of_the_commands_is_on_the_page():
    rows = pages.table("docs/certificates.md", "flag", "default", "meaning", "expected")
    named = {word for row in rows for word in pages.words(row[0])}
    known = {option for one in ("setup", "renew") for parameter in command.commands[one].params
             for option in parameter.opts if option not in ("--color", "--no-color")}  # fmt: skip

    assert known == named


def test_every_annotation_is_on_the_page():
    pair, root = own_pair(Options())
    maker = Maker(mode=Mode.SELF_SIGNED, signer=SIGNER, reason="fallback", cause="it does not sign")
    secret = records.build(Options(), proofs.prove(pair, (root,), HOST, NOW), maker, (root,), None)

    told = [
        word
        for row in pages.table("docs/certificates.md", "annotation", "what it says")
        for word in pages.words(row[0])
    ]
    assert [f"pillion.dev/certs-{name}" for name in told] == list(secret["metadata"]["annotations"])


def test_nothing_is_said_where_there_is_nothing_to_say():
    pair, root = own_pair(Options())
    proven = proofs.prove(pair, (root,), HOST, NOW)
    fallback = Maker(mode=Mode.SELF_SIGNED, signer=SIGNER, reason="fallback", cause="it does not sign")
    before = records.read(records.build(Options(), proven, fallback, (root,), None), Options())

    found = records.build(Options(), proven, Maker(mode=Mode.CSR, signer=SIGNER), (root,), before)["metadata"]

    assert {"mode", "signer", "not-after", "public-key", "authorities"} == {
        key.removeprefix("pillion.dev/certs-") for key in found["annotations"]
    }


def test_every_mode_is_on_the_page():
    rows = pages.table("docs/certificates.md", "mode", "who makes the pair", "who fills in `caBundle`",
                       "what `pillion certs setup` does")  # fmt: skip

    assert [f"`{mode}`" for mode in Mode] == [row[0] for row in rows]
