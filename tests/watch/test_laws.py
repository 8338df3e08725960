"""After any script of changes and faults, the view is what the API server has."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.watch import api_servers
from tests.watch.api_servers import CONFIGMAPS, ApiServer
from tests.watch.conftest import LABELS, Observer

NAMES = st.sampled_from(["a", "b", "c", "d"])
REFUSALS = st.sampled_from(
    [
        api_servers.forbidden,
        api_servers.gone,
        api_servers.status(500, "no leader"),
        api_servers.no_json,
        api_servers.no_list,
        api_servers.half,
        api_servers.drop,
    ]
)
INTERRUPTIONS = st.sampled_from(
    [
        api_servers.error_event(410),
        api_servers.error_event(500),
        api_servers.line(b"garbage"),
        api_servers.line(b"{}"),
        api_servers.half_a_line,
        api_servers.drop_in_a_chunk,
        api_servers.drop,
    ]
)


class Mirror(RuleBasedStateMachine):
    """An API server, and a watch that looks at it all the time."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.api = ApiServer()
        self.observer = Observer(self.api, Path(self.folder.name))
        self.observer.watch.start()

    @rule(name=NAMES, labels=st.sampled_from([LABELS, LABELS, {}]), value=st.integers(0, 9))
    def put(self, name, labels, value):
        self.api.put(CONFIGMAPS, name, labels=labels, data={"value": str(value)})

    @precondition(lambda self: self.api.state[CONFIGMAPS])
    @rule(data=st.data())
    def delete(self, data):
        self.api.delete(CONFIGMAPS, data.draw(st.sampled_from(sorted(self.api.state[CONFIGMAPS]))))

    @rule()
    def compact(self):
        self.api.compact()

    @rule()
    def finish(self):
        self.api.finish()

    @rule()
    def cut(self):
        self.api.cut()

    @rule(kind=st.sampled_from(["list", "watch"]), fault=REFUSALS)
    def strike(self, kind, fault):
        self.api.strike(kind, fault)

    @rule(fault=INTERRUPTIONS)
    def interrupt(self, fault):
        self.api.interrupt(fault)

    @rule()
    def restart(self):
        self.api.stop()
        self.api.restart()

    @rule()
    def settle(self):
        self.observer.catch_up()

    def teardown(self):
        try:
            self.observer.catch_up()
        finally:
            self.observer.watch.stop()
            self.api.stop()
            self.folder.cleanup()


TestMirror = Mirror.TestCase
TestMirror.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
