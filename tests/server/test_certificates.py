"""A certificate is checked in full before it serves, and a new one is taken up while the old one keeps serving."""

from __future__ import annotations

import logging
import shutil
import ssl
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from injector.shell import certificates
from injector.shell.errors import CertificateError
from tests.server.applications import echo_of
from tests.server.authorities import CLIENT, issue
from tests.server.clients import eventually, trusting

HALF = slice(None, 300)


@pytest.fixture(scope="session")
def other():
    return issue()


@pytest.fixture
def own(identity, tmp_path):
    """Return the files of a good pair that a test may spoil."""
    return identity.store(tmp_path)


def remove(path):
    path.unlink()


def truncate(path):
    path.write_bytes(path.read_bytes()[HALF])


def empty(path):
    path.write_bytes(b"")


def make_binary(path):
    path.write_bytes(bytes(range(256)))


def make_folder(path):
    path.unlink()
    path.mkdir()


TABLE = [
    ("certificate", remove, "certificate file {!r} does not exist"),
    ("key", remove, "certificate file {!r} does not exist"),
    ("certificate", make_folder, "certificate file {!r} cannot be read: Is a directory"),
    ("certificate", empty, "certificate file {!r} is not PEM: it has no '-----BEGIN' line"),
    ("key", empty, "certificate file {!r} is not PEM: it has no '-----BEGIN' line"),
    ("key", make_binary, "certificate file {!r} is not PEM: it has no '-----BEGIN' line"),
    ("certificate", truncate, "certificate {!r} holds no complete PEM certificate"),
]


@pytest.mark.parametrize(("spoiled", "spoil", "expected"), TABLE)
def test_what_is_wrong_with_a_file_is_said_in_one_sentence(own, spoiled, spoil, expected):
    path = getattr(own, spoiled)
    spoil(path)

    assert expected.format(str(path)) == complaint(own)


def test_a_key_that_is_cut_off_is_named(own):
    own.key.write_bytes(own.key.read_bytes()[:100])

    assert complaint(own).startswith(f"key {str(own.key)!r} cannot be used with its certificate: ")


def test_an_unreadable_file_is_named(own, monkeypatch):
    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(own.key), "read_bytes", refuse)  # who runs tests as root may read everything
    assert f"certificate file {str(own.certificate)!r} cannot be read: Permission denied" == complaint(own)


def test_a_pair_that_does_not_belong_together_is_refused(own, other):
    own.key.write_bytes(other.key)

    assert f"certificate {str(own.certificate)!r} and key {str(own.key)!r} do not belong together" == complaint(own)


def test_a_key_with_a_passphrase_is_refused_without_asking_for_it(tmp_path):
    files = issue(passphrase=b"secret").store(tmp_path)

    assert f"key {str(files.key)!r} is encrypted; store it without a passphrase" == complaint(files)


def test_an_expired_certificate_is_refused_with_its_date(tmp_path):
    files = issue(starts_in=timedelta(days=-2), ends_in=timedelta(minutes=-5)).store(tmp_path)

    day = datetime.now(UTC) - timedelta(minutes=5)
    assert complaint(files).startswith(f"certificate {str(files.certificate)!r} expired on {day:%Y-%m-%d}")
    assert complaint(files).endswith(" UTC; renew it")


def test_a_certificate_of_the_future_is_refused_with_its_date(tmp_path):
    files = issue(starts_in=timedelta(days=1), ends_in=timedelta(days=2)).store(tmp_path)

    assert complaint(files).startswith(f"certificate {str(files.certificate)!r} is not valid before ")
    assert complaint(files).endswith(" UTC; check the clock")


def test_a_certificate_for_clients_is_refused(tmp_path):
    files = issue(purpose=CLIENT).store(tmp_path)

    expected = f"certificate {str(files.certificate)!r} cannot serve TLS: "
    assert complaint(files).startswith(expected)
    assert "purpose" in complaint(files)


def test_a_client_authority_that_is_none_is_refused(own, tmp_path):
    authority = tmp_path / "client-ca.crt"
    authority.write_bytes(b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")

    expected = f"client authority {str(authority)!r} holds no complete PEM certificate"
    assert expected == complaint(replace(own, client_ca=authority))


def test_a_good_certificate_tells_its_dates_and_names(own):
    certificate = certificates.load(own)

    assert ("localhost",) == certificate.names
    assert -3700 < certificate.not_before - time.time() < -3500
    assert 86_300 < certificate.not_after - time.time() < 86_500


def test_a_server_speaks_no_version_before_1_2_and_never_renegotiates(own):
    context = certificates.load(own).context

    assert ssl.TLSVersion.TLSv1_2 == context.minimum_version
    assert context.options & ssl.OP_NO_RENEGOTIATION


def test_a_pair_read_in_the_middle_of_a_swap_is_read_again(own, other, monkeypatch):
    own.key.write_bytes(other.key)  # the key is new, the certificate still old
    shake = certificates.build_context

    def finish_the_swap(files):
        try:
            return shake(files)
        finally:
            own.certificate.write_bytes(other.certificate)

    monkeypatch.setattr(certificates, "build_context", finish_the_swap)
    assert other.certificate.decode() == served_by(certificates.load(own).context, other)


# -- reload ------------------------------------------------------------------------------------------------------------


class Replaced:
    """Remembers what a watch hands on."""

    def __init__(self):
        self.certificates = []
        self.event = threading.Event()

    def __call__(self, certificate):
        self.certificates.append(certificate)
        self.event.set()


@pytest.fixture
def replaced():
    return Replaced()


@pytest.fixture
def watch(own, replaced):
    return certificates.Watch(own, certificates.load(own), replaced)


def look_twice(watch):
    watch.look()
    watch.look()


def test_files_that_do_not_change_change_nothing(watch, replaced):
    for _ in range(5):
        watch.look()

    assert [] == replaced.certificates


def test_a_new_pair_is_handed_on_once(watch, replaced, own, other):
    other.store(own.key.parent)
    for _ in range(5):
        watch.look()

    assert [watch.current] == replaced.certificates
    assert other.certificate.decode() == served_by(watch.current.context, other)


def test_a_pair_replaced_file_by_file_is_taken_up_when_it_is_whole(watch, replaced, own, other, caplog):
    own.certificate.write_bytes(other.certificate)
    watch.look()
    own.key.write_bytes(other.key)
    watch.look()
    watch.look()

    assert 1 == len(replaced.certificates)
    assert [] == [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("spoil", [remove, truncate, empty, make_binary])
def test_a_bad_pair_is_reported_once_and_the_old_one_stays(watch, replaced, own, caplog, spoil):
    before = watch.current
    spoil(own.certificate)
    for _ in range(5):
        watch.look()

    assert (before, [], 1) == (watch.current, replaced.certificates, watch.failures)
    assert ["the new certificate is not used, the old one stays"] == [
        record.getMessage().partition(":")[0] for record in caplog.records
    ]


def test_an_expired_pair_is_not_taken_up(watch, replaced, own, caplog):
    issue(starts_in=timedelta(days=-2), ends_in=timedelta(days=-1)).store(own.key.parent)
    look_twice(watch)

    assert ([], 1) == (replaced.certificates, watch.failures)
    assert "expired on" in caplog.text


def test_a_good_pair_after_a_bad_one_is_taken_up(watch, replaced, own, other):
    own.key.write_bytes(other.key)
    look_twice(watch)
    own.certificate.write_bytes(other.certificate)
    look_twice(watch)

    assert (1, 1) == (watch.failures, len(replaced.certificates))


def test_the_good_pair_put_back_is_taken_up_again(watch, replaced, own, identity, other):
    own.key.write_bytes(other.key)
    look_twice(watch)
    own.key.write_bytes(identity.key)
    look_twice(watch)

    assert (1, 1) == (watch.failures, len(replaced.certificates))


def test_a_new_client_authority_is_taken_up(own, other, replaced, tmp_path):
    authority = tmp_path / "client-ca.crt"
    authority.write_bytes(issue("one", purpose=CLIENT).certificate)
    files = replace(own, client_ca=authority)
    watch = certificates.Watch(files, certificates.load(files), replaced)
    authority.write_bytes(other.certificate)
    look_twice(watch)

    assert [ssl.CERT_REQUIRED] == [certificate.context.verify_mode for certificate in replaced.certificates]


def test_a_mounted_secret_is_followed_through_its_link(identity, other, replaced, tmp_path):
    files, swap = mounted_secret(tmp_path, identity)
    watch = certificates.Watch(files, certificates.load(files), replaced)
    swap(other)
    look_twice(watch)

    assert other.certificate.decode() == served_by(replaced.certificates[0].context, other)


def test_a_running_watch_replaces_the_certificate_of_a_running_server(network, own, other):
    server = network.https(context=certificates.load(own).context)
    watch = certificates.Watch(
        own, certificates.load(own), lambda new: server.replace_context(new.context), interval=0.02
    )
    old = network.tls(server)
    watch.start()
    other.store(own.key.parent)

    assert eventually(lambda: other.certificate.decode() == served_certificate(server.port))
    assert echo_of(b"still") == old.post("/", b"still").body
    watch.stop()


def test_swaps_under_load_break_no_connection(network, identity, other, tmp_path):
    files, swap = mounted_secret(tmp_path, identity)
    server = network.https(context=certificates.load(files).context)
    watch = certificates.Watch(
        files, certificates.load(files), lambda new: server.replace_context(new.context), interval=0.01
    )
    both = trusting(identity, other)
    enough, failures, served = threading.Event(), [], set()

    def call():
        while not enough.is_set():
            try:
                client = network.tls(server, both)
                served.add(client.sock.getpeercert()["serialNumber"])
                failures.extend(["wrong"] * (client.post("/", b"x" * 3000).body != echo_of(b"x" * 3000)))
                client.close()
            except (OSError, IndexError) as error:
                failures.append(error)

    callers = [threading.Thread(target=call) for _ in range(3)]
    for caller in callers:
        caller.start()
    watch.start()
    for number in range(20):
        previous = watch.current
        swap(identity if number % 2 else other)
        assert eventually(lambda: watch.current is not previous)  # noqa: B023  # awaited in this very round
    enough.set()
    for caller in callers:
        caller.join()
    watch.stop()
    assert ([], 2, 0) == (failures, len(served), watch.failures)


def complaint(files):
    with pytest.raises(CertificateError) as caught:
        certificates.load(files)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def served_by(context, identity):
    """Return the certificate, as PEM, that a context shows to a client who trusts the identity."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting(identity).wrap_bio(to_client, to_server, server_hostname="localhost")
    server = context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        certificates._advance(side)
    return ssl.DER_cert_to_PEM_cert(client.getpeercert(binary_form=True))


def served_certificate(port):
    return ssl.get_server_certificate(("127.0.0.1", port))


def mounted_secret(folder, identity):
    """Lay out a Secret as the kubelet mounts it; return its files and what swaps them for those of another identity."""
    names = iter(range(1000))

    def swap(identity):
        fresh = folder / f"..version-{next(names)}"
        identity.store(fresh)
        (folder / "..next").symlink_to(fresh.name)
        old = (folder / "..data").resolve()
        (folder / "..next").rename(folder / "..data")
        if old != folder / "..data":
            shutil.rmtree(old)

    folder.mkdir(exist_ok=True)
    swap(identity)
    for name in ("tls.crt", "tls.key"):
        (folder / name).symlink_to(f"..data/{name}")
    return certificates.Files(certificate=folder / "tls.crt", key=folder / "tls.key"), swap
