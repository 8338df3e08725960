"""A turn of the loop finds what a look at everybody would find, and nobody who tells of a change waits for ever."""

from __future__ import annotations

import os
import select
import socket
import threading

import pytest
from hypothesis import settings, strategies
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, rule
from waitress.trigger import trigger

from injector.shell.descriptors import Descriptors, Poll, best_poller
from tests.server.clients import PATIENCE

POLLERS = [best_poller, Poll]
EVENTS = {select.POLLIN: "read", select.POLLOUT: "write"}
ENDS = select.POLLHUP | select.POLLERR | select.POLLNVAL


class Owner:
    """One end of a connection that notes what it is told."""

    accepting = False

    def __init__(self, descriptors):
        self.descriptors = descriptors
        self.near, self.far = socket.socketpair()
        self.near.setblocking(False)
        self.number = self.near.fileno()
        self.reads, self.writes = True, False
        self.told = []
        self.asked = 0
        descriptors[self.number] = self

    def readable(self):
        self.asked += 1
        return self.reads

    def writable(self):
        return self.writes

    def handle_read_event(self):
        self.told.append("read")

    def handle_write_event(self):
        self.told.append("write")

    def handle_close(self):
        self.told.append("end")
        self.leave()

    def leave(self):
        if self.descriptors.get(self.number) is self:
            del self.descriptors[self.number]
            self.near.close()
            self.far.close()


class Loop(RuleBasedStateMachine):
    """A loop whose turns are compared with those of waitress: a new poll of everybody."""

    poller = staticmethod(best_poller)
    owners = Bundle("owners")

    def __init__(self):
        super().__init__()
        self.descriptors = Descriptors(self.poller())

    def teardown(self):
        for owner in [*self.descriptors.values()]:
            owner.leave()
        self.descriptors.close()

    @rule(target=owners)
    def enter(self):
        return Owner(self.descriptors)

    @rule(owner=consumes(owners))
    def leave(self, owner):
        """Leave; whoever enters next gets the descriptor."""
        owner.leave()

    @rule(owner=owners, reads=strategies.booleans(), writes=strategies.booleans())
    def change(self, owner, reads, writes):
        owner.reads, owner.writes = reads, writes
        self.descriptors.look_again_at(owner.number)

    @rule(owner=owners, reads=strategies.booleans(), writes=strategies.booleans())
    def forget_to_tell(self, owner, reads, writes):
        owner.reads, owner.writes = reads, writes
        self.descriptors.look_again_at_all()

    @rule(owner=owners)
    def hear(self, owner):
        if owner.far.fileno() >= 0:
            owner.far.send(b"x")

    @rule(owner=owners)
    def drain(self, owner):
        if owner.near.fileno() >= 0 and select.select([owner.near], [], [], 0)[0]:
            owner.near.recv(1024)

    @rule(owner=owners)
    def hang_up(self, owner):
        owner.far.close()

    @rule()
    def turn(self):
        owners = [*self.descriptors.values()]
        expected = {owner: told_by_a_new_poll(owner) for owner in owners}
        for owner in owners:
            owner.told.clear()

        self.descriptors.turn(0)

        assert expected == {owner: owner.told for owner in owners}


def told_by_a_new_poll(owner):
    wanted = (select.POLLIN if owner.reads else 0) | (select.POLLOUT if owner.writes else 0)
    if not wanted:
        return []
    polled = select.poll()
    polled.register(owner.number, wanted)
    found = sum(events for _, events in polled.poll(0))
    return [name for event, name in EVENTS.items() if found & event] + ["end"] * bool(found & ENDS)


class PollLoop(Loop):
    """The same where there is no epoll."""

    poller = Poll


TestLoop = Loop.TestCase
TestPollLoop = PollLoop.TestCase
TestLoop.settings = TestPollLoop.settings = settings(max_examples=100)


@pytest.fixture(params=POLLERS, ids=lambda poller: poller.__name__)
def descriptors(request):
    descriptors = Descriptors(request.param())
    yield descriptors
    descriptors.close()


def test_only_who_has_something_to_do_is_asked(descriptors):
    owners = [Owner(descriptors) for _ in range(100)]
    descriptors.turn(0)
    owners[0].far.send(b"x")
    descriptors.look_again_at(owners[1].number)
    for _ in range(3):
        descriptors.turn(0)
    for owner in owners:
        owner.leave()

    assert [3, 2] + [1] * 98 == [owner.asked for owner in owners]


def test_changes_told_by_threads_are_never_lost(descriptors):
    """Each thread changes what its owner waits for and wakes the loop, and goes on once the loop has seen it."""
    alarm = trigger(descriptors)
    writers = [Writer(descriptors, alarm) for _ in range(4)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        descriptors.turn(0.1)
    for writer in writers:
        writer.join()
        writer.owner.leave()
    alarm.close()

    assert [500] * 4 == [writer.seen for writer in writers]


class Writer(threading.Thread):
    def __init__(self, descriptors, alarm):
        super().__init__()
        self.descriptors, self.alarm = descriptors, alarm
        self.owner = Owner(descriptors)
        self.owner.handle_write_event = self.written
        self.ready = threading.Event()
        self.seen = 0

    def run(self):
        for _ in range(500):
            self.owner.writes = True
            self.descriptors.look_again_at(self.owner.number)
            self.alarm.pull_trigger()
            if not self.ready.wait(PATIENCE):
                return
            self.ready.clear()
            self.seen += 1

    def written(self):
        self.owner.writes = False
        self.ready.set()


def test_an_owner_whose_descriptor_was_closed_behind_its_back_is_told_of_the_end(descriptors):
    owner = Owner(descriptors)
    os.close(owner.near.detach())
    descriptors.turn(0)

    assert ["end"] == owner.told


def test_what_an_owner_raises_ends_neither_the_turn_nor_the_others(descriptors):
    broken, sound = Owner(descriptors), Owner(descriptors)
    broken.handle_read_event = lambda: 1 // 0
    broken.handle_error = broken.handle_close
    for owner in (broken, sound):
        owner.far.send(b"x")
    descriptors.turn(0)
    told = broken.told, sound.told
    sound.leave()

    assert (["end"], ["read"]) == told
    assert {} == descriptors


def test_an_accepting_owner_is_never_asked_to_write(descriptors):
    owner = Owner(descriptors)
    owner.accepting = owner.writes = True
    descriptors.turn(0)
    told = [*owner.told]
    owner.leave()

    assert [] == told
