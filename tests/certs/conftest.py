"""A program, and API servers to set it on."""

from __future__ import annotations

import pytest

from tests.certs.authorities import pem
from tests.certs.processes import Program
from tests.certs.servers import ApiServer


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    program = Program(tmp_path_factory.mktemp("certs"))
    yield program
    program.close()


@pytest.fixture
def make_api():
    made = []

    def make(**details):
        made.append(ApiServer(**details))
        return made[-1]

    yield make
    for api in made:
        api.close()


@pytest.fixture
def api(make_api):
    return make_api()


@pytest.fixture
def authority_file(tmp_path):
    """Write the authority of a cluster as every pod finds it."""

    def write(api):
        path = tmp_path / "ca.crt"
        path.write_bytes(pem(api.authority.certificate))
        return str(path)

    return write
