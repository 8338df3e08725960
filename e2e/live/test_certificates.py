"""Certificates that are renewed under load, killed half-way, never issued, brought along, spoilt, or out of date."""

from __future__ import annotations

import base64
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from e2e.chart import clusters
from e2e.chart.conftest import namespace
from e2e.live import authorities, jobs, loads, obstacles, proxies, spares
from e2e.live.jobs import Job
from e2e.live.spares import Spare

CREATORS = 8
ENOUGH = 50
"""Pods that are created after a renewal, to see that all is well."""
SIGNER = "example.com/nobody"
GARBAGE = base64.b64encode(b"garbage\n").decode()
STAYS = "the new certificate is not used, the old one stays"


# -- releases that are under way at once -------------------------------------------------------------------------------


def install_living():
    release = Spare("living", replicas=2)
    release.install()
    return release


def install_killed(name, obstacle, hook):
    """Install, and kill the hook's Job where an obstacle stops it; tell the release and what was there then."""
    release = Spare(name)
    with ThreadPoolExecutor(1) as executor:
        with obstacle.standing(release):
            installing = executor.submit(release.install)
            job = Job(release, f"{release.full_name}-certs-{hook}")
            job.await_stop(obstacle)
            job.kill()
            left = len(release.pending()), release.has_secret()
        installing.result()
    return release, left


def install_unsigned():
    release = Spare("unsigned", csr={"signerName": SIGNER})
    release.install()
    return release


def install_provided():
    release = Spare("provided")
    pair = authorities.make_pair(release.host)
    given = {"secretName": "brought-along", "caBundle": pair.authority}
    release.values["certificates"] = {"mode": "provided", "provided": given}
    assert clusters.apply([namespace(release.namespace), _secret(release, pair)]).returncode == 0
    release.install()
    return release


SCENARIOS = {
    "unsigned": install_unsigned,
    "asked": lambda: install_killed("asked", obstacles.APPROVAL, "ensure"),
    "stored": lambda: install_killed("stored", obstacles.PUBLICATION, "inject"),
    "living": install_living,
    "provided": install_provided,
}
"""What takes long, the longest first."""


@pytest.fixture(scope="module", autouse=True)
def under_way(request):
    """Begin all that the chosen tests need; each waits for its own."""
    items = [item for item in request.session.items if item.module is request.module]
    wanted = {name for item in items for name in item.fixturenames if name in SCENARIOS}
    spares.await_absence(wanted)
    with ThreadPoolExecutor(len(SCENARIOS)) as executor:
        yield {name: executor.submit(run) for name, run in SCENARIOS.items() if name in wanted}
    spares.remove(wanted)


@pytest.fixture
def living(under_way):
    """A release of two servers that are ready."""
    release = under_way["living"].result()
    release.await_servers()
    return release


@pytest.fixture
def unsigned(under_way):
    """A release that asked a signer which nobody is."""
    return under_way["unsigned"].result()


@pytest.fixture
def asked(under_way):
    """A release whose Job was killed when it had asked for its certificate."""
    return under_way["asked"].result()


@pytest.fixture
def stored(under_way):
    """A release whose Job was killed when its pair was stored."""
    return under_way["stored"].result()


@pytest.fixture
def provided(under_way):
    """A release whose pair somebody else has made."""
    return under_way["provided"].result()


# -- brought along -----------------------------------------------------------------------------------------------------


def test_a_pair_that_is_provided_is_served_and_left_alone(provided):
    secret = provided.read("secret", "brought-along")

    assert {provided.values["certificates"]["provided"]["caBundle"].encode()} == provided.bundles()
    assert ["brought-along"] == [each["metadata"]["name"] for each in provided.tls_secrets()]
    assert {"kubectl"} == {each["manager"] for each in secret["metadata"]["managedFields"]}
    clusters.await_true("a pod is greeted", provided.greets)


SKEWED = [
    pytest.param(1, 3, "is not valid before {start}; check the clock", id="slow"),
    pytest.param(-3, -1, "expired on {end}; renew it", id="fast"),
]
"""A clock that is a day behind finds that a certificate's time has not come; one that is ahead finds it over."""


@pytest.fixture
def replaced(provided):
    """Replace the pair that was brought along, for the time of a test."""
    before = provided.read("secret", "brought-along")["data"]

    def replace(pair):
        assert clusters.apply([_secret(provided, pair)]).returncode == 0

    yield replace
    provided.patch("secret", "brought-along", {"data": before})
    provided.restart()


@pytest.mark.parametrize(("start", "end", "sentence"), SKEWED)
def test_a_clock_that_is_off_by_a_day_is_told_in_one_sentence(provided, replaced, start, end, sentence):
    provided.await_servers()
    pair = authorities.make_pair(provided.host, start=start, end=end)
    replaced(pair)
    expected = f"certificate '/etc/pillion/tls/tls.crt' {sentence.format(start=pair.start, end=pair.end)}"
    clusters.await_true("the server says so", lambda: f"{STAYS}: {expected}" in provided.logs()[0], 120)

    assert provided.greets()
    provided.restart()
    clusters.await_true("the new server has ended", lambda: 2 in provided.codes(), 60)
    clusters.await_true(f"its last words are {expected!r}", lambda: provided.last_words().endswith(expected))


# -- renewed -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def load(living):
    """Creators, for the time of a test."""
    with (
        proxies.proxying() as port,
        loads.creating(port, CREATORS, living.pod, spares.greeted) as found,
    ):
        yield found


def test_a_renewal_under_load_fails_no_call(living, load, figures):
    before, authority = living.serials(), living.authority()
    load.phase = "renewal"
    job = jobs.renew(living, "--now")

    assert [0] == job.await_end(), job.log()
    living.await_other_serials(before)
    _create_some_more(load)
    figures["pods created around a renewal"] = str(load)
    assert [] == load.failures
    assert {living.authority()} == living.bundles()
    assert set(authorities.read(authority)) < set(authorities.read(living.authority()))


@pytest.mark.parametrize(
    "obstacle",
    [
        pytest.param(obstacles.PUBLICATION, id="before the webhooks trust it"),
        pytest.param(obstacles.STORAGE, id="before the pair is stored"),
    ],
)
def test_a_renewal_that_is_killed_under_load_is_finished_by_the_next_try(living, load, obstacle):
    before = living.serials()
    with obstacle.standing(living):
        job = jobs.renew(living, "--now", "--settle=1")
        job.await_stop(obstacle)
        load.phase = "killed"
        job.kill()

    assert [137, 0] == job.await_end(), job.log()
    living.await_other_serials(before)
    _create_some_more(load)
    assert [] == load.failures
    check_trust(living)


def test_a_secret_that_is_edited_to_garbage_is_said_not_served_and_made_good_by_the_next_renewal(living):
    before = living.serials()
    _spoil(living)
    clusters.await_true("every server says so", lambda: all(STAYS in log for log in living.logs()), 120)
    status = _run_certs(living, "status")

    assert before == living.serials()
    assert living.greets()
    assert 1 == status.returncode
    assert "finding: the pair does not serve: it holds no certificate that can be read" in status.stderr
    job = jobs.renew(living)
    assert [0] == job.await_end(), job.log()
    living.await_other_serials(before)
    check_trust(living)


@pytest.fixture
def deserted(living):
    """The release without a server, and webhooks that insist."""
    living.scale(0)
    living.insist("Fail")
    yield living
    living.insist("Ignore")
    living.scale(2)


def test_a_service_without_endpoints_is_told_in_one_sentence(deserted):
    done = clusters.create(deserted.pod(), "--dry-run=server")
    job = jobs.renew(deserted, "--probe-timeout=0", retries=0)

    assert [1] == job.await_end(), job.log()
    assert f"not done, try again: {deserted.host}:443 does not serve the pair: " in job.log().splitlines()[-1]
    assert f'failed calling webhook "pod.{deserted.values["domain"]}"' in done.stderr
    assert [] == done.stderr.splitlines()[1:]


# -- installed in other ways -------------------------------------------------------------------------------------------


def test_an_installation_that_is_killed_when_it_has_asked_is_finished_by_the_next_try(asked):
    release, left = asked

    assert (1, False) == left
    assert "csr" == release.record()["mode"]
    check_trust(release)


def test_an_installation_that_is_killed_when_the_pair_is_stored_is_finished_by_the_next_try(stored):
    release, left = stored

    assert (0, True) == left
    assert "csr" == release.record()["mode"]
    check_trust(release)


def test_a_signer_that_never_issues_is_replaced_by_ourselves_on_record(unsigned):
    notes = unsigned.record()
    events = unsigned.read("events", "--field-selector=reason=CertificateFallback")["items"]

    assert ("self-signed", "fallback", SIGNER) == (notes["mode"], notes["reason"], notes["signer"])
    assert f"signer '{SIGNER}' has not signed within 90 s, though the request is approved" in notes["cause"]
    assert [f"self-signed instead of csr: {notes['cause']}"] == [event["message"] for event in events]
    check_trust(unsigned)


# -- common ------------------------------------------------------------------------------------------------------------


def check_trust(release):
    """See that all has come to its end: nothing is left over, everything trusts the pair, and pods are greeted."""
    assert [] == release.pending()
    assert {release.authority()} == release.bundles()
    assert release.authority()
    clusters.await_true("a pod is greeted", release.greets)


def _create_some_more(load):
    load.phase = "after"
    clusters.await_true("some more pods", lambda: load.created["after"] >= ENOUGH, 60)
    load.stop()


def _spoil(release):
    release.patch(
        "secret", f"{release.full_name}-tls", {"data": dict.fromkeys(("tls.crt", "tls.key", "ca.crt"), GARBAGE)}
    )


def _secret(release, pair):
    metadata = {"name": "brought-along", "namespace": release.namespace}
    data = {"tls.crt": pair.certificate, "tls.key": pair.key}
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata, "stringData": data}


def _run_certs(release, verb):
    where = {"namespace": release.namespace, "service": release.full_name, "secret": f"{release.full_name}-tls"}
    more = {"domain": release.values["domain"], "mutating-webhook": release.full_name}
    flags = [f"--{name}={value}" for name, value in {**where, **more}.items()]
    command = [sys.executable, "-m", "injector", "certs", verb, *flags]
    return subprocess.run(command, capture_output=True, text=True, check=False)
