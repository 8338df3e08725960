"""Texts of templates are compiled in processes that can be killed."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from injector.core import templates
from injector.core.errors import LimitExceeded, OurFault, Place, TemplateError
from injector.core.model import BrokenTemplate, Domain, Policy, Template
from injector.shell import workers
from injector.shell.pool import Pool
from injector.shell.stores import DirectoryStore
from injector.shell.workers import Allowance
from tests.stores.mounts import PATIENCE, template


def configmap(annotations=None, **data):
    return {"metadata": {"name": "hello", "namespace": "team", "annotations": annotations or {}}, "data": data}


GOOD = configmap(labels="a: {{ 1 }}\n")
LARGE = configmap(parameters="".join(f"p{n}: {{type: integer, default: {n}, minimum: 0}}\n" for n in range(1300)))
SMALL = Allowance(memory=256 << 10)
"""Enough memory for a small template, far from enough for a large one."""


@pytest.fixture(scope="module")
def pool():
    with Pool(Policy()) as running:
        yield running


def test_a_good_template_passes(pool):
    pool.check(GOOD)


def test_a_template_at_the_limit_of_size_passes(pool):
    pool.check(LARGE)


BAD = {
    "bad Jinja": configmap(labels="a: b\nc: {{ 1 }\n"),
    "a bad parameter": configmap(parameters="a: {type: nothing}"),
    "an unknown data key": configmap(lables="a: b"),
    "an unknown annotation": configmap({"pillion.dev/ordr": "1"}),
    "a bad condition": configmap({"pillion.dev/when": "1 +"}, labels="a: b"),
    "too large a text": configmap(labels="a: b\n" * 20_000),
    "no name": {"metadata": {}},
    "no object": [],
    "a text with a million brackets": configmap(parameters="[" * 60_000),
    "parentheses without end": configmap(labels="a: {{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}"),
    "blocks without end": configmap(labels="{% if 1 %}" * 3_000 + "a: b" + "{% endif %}" * 3_000),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_template_gives_the_error_that_compiling_it_here_gives(pool, bad):
    with pytest.raises(TemplateError) as here:
        templates.parse(bad, Policy())

    with pytest.raises(TemplateError) as there:
        pool.check(bad)

    assert type(here.value) is type(there.value)
    assert here.value.with_caret() == there.value.with_caret()
    assert here.value.place == there.value.place


@pytest.mark.parametrize("bomb", ["'a' * 10 ** 10", "(10 ** (10 ** 8)) > 5", "range(10 ** 9) | list"])
def test_a_bomb_that_goes_off_only_when_it_is_rendered_compiles_in_no_time(pool, bomb):
    pool.check(configmap(labels=f"a: {{{{ {bomb} }}}}"))


def test_an_error_has_its_place(pool):
    with pytest.raises(TemplateError) as caught:
        pool.check(BAD["bad Jinja"])

    assert Place(template="team/hello", key="labels", line=2, column=9, source="c: {{ 1 }") == caught.value.place


def test_the_policys_domain_and_namespace_hold_there_too():
    policy = Policy(domain=Domain(name="example.org"), release_namespace="injection")
    with Pool(policy) as pool, pytest.raises(TemplateError) as caught:
        pool.check(configmap({"example.org/order": "first"}))

    assert (
        "ConfigMap team/hello, key order: annotation 'order' is 'first': expected a whole number such as \"100\""
        == str(caught.value)
    )


def test_a_template_that_takes_too_much_memory_is_at_fault():
    with Pool(Policy(), allowance=SMALL) as pool, pytest.raises(LimitExceeded) as caught:
        pool.check(LARGE)

    assert "the template takes more than 0 MiB of memory to compile" == str(caught.value)


def test_a_template_that_takes_too_long_is_killed_and_at_fault():
    allowance = Allowance(seconds=0.001, processor_seconds=0)
    with Pool(Policy(), allowance=allowance) as pool, pytest.raises(LimitExceeded) as caught:
        pool.check(LARGE)

    assert "the template takes longer than 0 s to compile" == str(caught.value)


def test_a_process_that_gets_no_processor_time_is_our_fault():
    with Pool(Policy(), allowance=Allowance(seconds=0.001)) as pool, pytest.raises(OurFault) as caught:
        pool.check(LARGE)

    assert "the process that compiles templates was killed or got no processor time; this is tried again" == str(
        caught.value
    )


def test_after_a_kill_the_next_template_is_compiled():
    with Pool(Policy(), allowance=SMALL) as pool:
        with pytest.raises(LimitExceeded):
            pool.check(LARGE)
        pool.check(GOOD)


def test_a_fork_server_that_was_killed_is_started_anew():
    with Pool(Policy()) as pool:
        pool.check(GOOD)
        before = pool.process
        os.kill(before, signal.SIGKILL)

        pool.check(GOOD)

        assert before != pool.process


def test_many_threads_share_a_pool():
    failures = []

    def check(number):
        try:
            pool.check(configmap(labels=f"a: {{{{ {number} }}}}"))
        except Exception as error:  # noqa: BLE001  # the assertion below shows it
            failures.append(error)

    with Pool(Policy(), size=2) as pool:
        threads = [threading.Thread(target=check, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)

    assert [] == failures


def test_a_closed_pool_says_that_it_has_no_process():
    pool = Pool(Policy())
    pool.close()

    with pytest.raises(OurFault) as caught:
        pool.check(GOOD)

    assert "the process that compiles templates cannot be started" == str(caught.value)
    assert 0 == pool.process


def children_of(process):
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()


def test_no_process_is_left_behind_by_a_check(pool):
    pool.check(GOOD)

    assert [] == children_of(pool.process)


def test_the_fork_server_ends_with_its_parent():
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from injector.core.model import Policy\n"
        "from injector.shell.pool import Pool\n"
        "pool = Pool(Policy()); pool.check({'metadata': {'name': 'a'}})\n"
        "print(pool.process, flush=True)\n"
        "input()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, *sys.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with parent:
        server = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    assert [server] == select.select([server], [], [], PATIENCE)[0]  # readable: it has ended
    os.close(server)


def test_a_worker_has_its_limits():
    allowance = Allowance(memory=1 << 30, processor_seconds=7, files=11)
    with Pool(Policy(), allowance=allowance) as pool:
        process, connection = pool._fork()
        with connection:
            workers.send(connection, {"configmap": GOOD, "domain": "pillion.dev", "release_namespace": "a"})
            assert {} == workers.receive(connection)
            lines = Path(f"/proc/{process}/limits").read_text().splitlines()
        pool._bury(process)

    limits = {line[:25].strip(): line[25:46].strip() for line in lines}
    expected = {
        "Max cpu time": "7",
        "Max open files": "11",
        "Max processes": "0",
        "Max file size": "0",
        "Max core file size": "0",
    }
    assert expected == {name: limits[name] for name in expected}
    assert 1 << 30 < int(limits["Max address space"]) < 1 << 32


def test_the_store_compiles_only_what_the_pool_lets_through(folder):
    (folder / "a.yaml").write_text(template())
    (folder / "b.yaml").write_text(template("bad", labels="a: {{ 1 }"))
    (folder / "c.yaml").write_text(template("other"))

    with Pool(Policy()) as pool:
        store = DirectoryStore(folder, Policy(), check=pool.check)
        found = store.load().catalog.templates

    assert {"hello": Template, "bad": BrokenTemplate, "other": Template} == {
        name: type(each) for name, each in found.items()
    }
