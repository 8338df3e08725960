"""A view of a collection becomes and stays what the API server has, whatever happens on the way."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from tests.server.clients import eventually
from tests.watch import api_servers
from tests.watch.api_servers import CONFIGMAPS, SELECTOR
from tests.watch.conftest import LABELS, TIMING


def put(api, *names, **data):
    for name in names:
        api.put(CONFIGMAPS, name, labels=LABELS, data=data)


def at_once(low, _high):
    """Wait for nothing between two attempts."""
    return 0.0 if low < 1 else low


# -- in peace ----------------------------------------------------------------------------------------------------------


def test_what_is_there_is_listed_and_what_comes_is_watched(api, observe):
    put(api, "a", "b")
    observer = observe()
    observer.catch_up()

    put(api, "c")
    put(api, "a", edited="yes")
    api.delete(CONFIGMAPS, "b")
    observer.catch_up()

    assert ["pillion-system/a", "pillion-system/c", "pillion-system/zz-last"] == sorted(observer.watch.view)
    assert {"edited": "yes"} == observer.watch.view["pillion-system/a"]["data"]
    assert 1 == len(api.lists(CONFIGMAPS))


def test_an_empty_collection_is_listed_too(observe):
    observer = observe()

    observer.until(lambda: observer.watch.listed)

    assert {} == dict(observer.watch.view)


def test_an_object_that_is_deleted_and_made_again_is_the_new_one(api, observe):
    put(api, "a", age="old")
    observer = observe()

    api.delete(CONFIGMAPS, "a")
    put(api, "a", age="new")
    observer.catch_up()

    assert {"age": "new"} == observer.watch.view["pillion-system/a"]["data"]


def test_only_what_is_labelled_is_asked_for(api, observe):
    api.put(CONFIGMAPS, "other", data={})
    observer = observe()
    observer.catch_up()

    assert "pillion-system/other" not in observer.watch.view
    assert {SELECTOR} == {query["labelSelector"] for _, _, query in api.requests}


def test_an_object_that_loses_its_label_is_gone(api, observe):
    put(api, "a")
    observer = observe()
    observer.catch_up()

    api.put(CONFIGMAPS, "a", data={})
    observer.catch_up()

    assert ["pillion-system/zz-last"] == list(observer.watch.view)


def test_a_long_list_is_read_in_pages(api, observe):
    put(api, *(f"t-{number:04}" for number in range(1201)))
    observer = observe()
    observer.catch_up()

    pages = [query.get("continue", "").partition(":")[2] for query in api.lists(CONFIGMAPS)]
    assert ["", "t-0499", "t-0999"] == pages
    assert 1202 == len(observer.watch.view)


def test_every_request_bears_the_token(api, observe):
    observe().catch_up()

    assert {"Bearer t0ken"} == {query["token"] for _, _, query in api.requests}


def test_a_watch_that_ends_in_peace_goes_on_from_its_bookmark(api, observe):
    observer = observe(replace(TIMING, retry=(0, 0.01)))
    assert eventually(lambda: 1 == api.watched(CONFIGMAPS))
    observer.catch_up()

    api.compact()  # what was heard before the bookmark is forgotten
    api.finish()
    assert eventually(lambda: 2 == api.watched(CONFIGMAPS))
    observer.catch_up()

    assert 1 == len(api.lists(CONFIGMAPS))
    assert 0 == observer.watch.failures


def test_the_server_is_asked_for_bookmarks_and_for_an_end_before_silence_would_mean_death(api, observe):
    observe(replace(TIMING, watch=(40, 50))).catch_up()

    query = next(query for kind, _, query in api.requests if kind == "watch")
    assert "true" == query["allowWatchBookmarks"]
    assert 40 <= int(query["timeoutSeconds"]) <= 50


# -- in trouble --------------------------------------------------------------------------------------------------------

AT_A_LIST = {
    "forbidden": (api_servers.forbidden, "configmaps is forbidden: User"),
    "500": (api_servers.status(500, "etcd is sad"), "etcd is sad"),
    "no JSON": (api_servers.no_json, "no JSON"),
    "no list": (api_servers.no_list, "list of configmaps is none"),
    "half a list": (api_servers.half, "no answer from"),
    "cut": (api_servers.drop, "no answer from"),
}
IN_A_WATCH = {
    "410": (api_servers.error_event(410), "ended the watch with status 410: the storage is"),
    "500": (api_servers.error_event(500), "ended the watch with status 500: the storage is"),
    "no JSON": (api_servers.line(b"garbage"), "no JSON: b'garbage'"),
    "an empty line": (api_servers.line(b""), "no JSON: b''"),
    "no event": (api_servers.line(b'{"type": "DELETED"}'), "what is no event"),
    "an unknown event": (api_servers.line(b'{"type": "RENAMED", "object": {}}'), "what is no event"),
    "no name": (
        api_servers.line(b'{"type": "DELETED", "object": {"metadata": {"resourceVersion": "1"}}}'),
        "without a name",
    ),
    "half a line": (api_servers.half_a_line, "no JSON"),
    "cut": (api_servers.drop, "the connection to the API server is lost"),
    "cut in a chunk": (api_servers.drop_in_a_chunk, "the connection to the API server is lost"),
}
AT_A_WATCH = {
    "forbidden": (api_servers.forbidden, "configmaps is forbidden: User"),
    "410": (api_servers.gone, "too old"),
    "ended at once": (api_servers.instead_of_a_watch(lambda handler: handler.end()), "ended the watch"),
    **{name: (api_servers.instead_of_a_watch(fault), text) for name, (fault, text) in IN_A_WATCH.items()},
}


def assert_told_and_recovered(observer, caplog, sentence):
    assert eventually(lambda: any(sentence in message for message in caplog.messages)), caplog.messages
    observer.catch_up()
    assert observer.watch.failures >= 1
    assert eventually(lambda: observer.watch.failure == "")


@pytest.mark.parametrize(("fault", "sentence"), AT_A_LIST.values(), ids=AT_A_LIST)
def test_a_list_that_fails_is_told_and_repeated(api, observe, caplog, fault, sentence):
    caplog.set_level(logging.INFO, "pillion.watch")
    put(api, "a")
    api.strike("list", fault)

    assert_told_and_recovered(observe(), caplog, sentence)


@pytest.mark.parametrize(("fault", "sentence"), AT_A_WATCH.values(), ids=AT_A_WATCH)
def test_a_watch_that_fails_is_told_and_begins_with_a_list(api, observe, caplog, fault, sentence):
    caplog.set_level(logging.INFO, "pillion.watch")
    api.strike("watch", fault)

    assert_told_and_recovered(observe(replace(TIMING, retry=(0.5, 0.5)), chance=at_once), caplog, sentence)
    assert 2 <= len(api.lists(CONFIGMAPS))


@pytest.mark.parametrize(("fault", "sentence"), IN_A_WATCH.values(), ids=IN_A_WATCH)
def test_any_doubt_in_the_middle_of_a_watch_makes_a_new_list(api, observe, caplog, fault, sentence):
    caplog.set_level(logging.INFO, "pillion.watch")
    observer = observe()
    observer.catch_up()

    api.interrupt(fault)
    assert eventually(lambda: len(api.lists(CONFIGMAPS)) == 2)
    put(api, "b")

    assert_told_and_recovered(observer, caplog, sentence)


def test_what_was_known_stays_while_the_server_is_away_and_what_it_missed_comes_after(api, observe):
    put(api, "a", "b")
    observer = observe()
    observer.catch_up()
    known = dict(observer.watch.view)

    api.stop()
    assert eventually(lambda: "no answer from" in observer.watch.failure)
    assert known == dict(observer.watch.view)
    api.delete(CONFIGMAPS, "a")
    api.restart()

    observer.catch_up()
    assert "pillion-system/a" not in observer.watch.view


def test_a_connection_that_is_dead_without_a_word_is_noticed(api, observe):
    observer = observe(replace(TIMING, silence=0.2))
    api.interrupt(api_servers.silence)
    put(api, "a")

    assert eventually(lambda: len(api.lists(CONFIGMAPS)) >= 2)
    observer.until(lambda: "pillion-system/a" in observer.watch.view)


def test_a_version_that_is_gone_between_list_and_watch_makes_a_new_list(api, observe):
    put(api, "a")
    api.strike("watch", lambda handler: (api.compact(), handler.watch(CONFIGMAPS, {"resourceVersion": "1"})))

    observer = observe()
    observer.catch_up()

    assert 2 == len(api.lists(CONFIGMAPS))


def test_a_list_that_is_gone_between_two_pages_begins_anew(api, observe):
    put(api, *(f"t-{number:04}" for number in range(700)))

    def first_page(handler):
        handler.list(CONFIGMAPS, {"limit": "500", "labelSelector": SELECTOR})
        api.compact()

    api.strike("list", first_page)
    observer = observe()
    observer.catch_up()

    assert 701 == len(observer.watch.view)
    assert 4 == len(api.lists(CONFIGMAPS))


def test_a_failure_that_lasts_is_told_once_and_tried_less_and_less(api, observe, caplog):
    caplog.set_level(logging.INFO, "pillion.watch")
    api.strike("list", *[api_servers.forbidden] * 12)
    pauses = []
    observer = observe(chance=lambda *limits: pauses.append(limits) or at_once(*limits))
    observer.catch_up()

    told = [message for message in caplog.messages if "not watched" in message]
    assert 1 == len(told)
    assert 12 == observer.watch.failures
    assert [(0.5, 1.0)] * 12 == pauses[:12]


def test_each_pause_is_twice_the_one_before_up_to_the_longest(api, observe):
    api.strike("list", *[api_servers.forbidden] * 6)
    observer = observe()
    observer.catch_up()

    assert [0.001, 0.002, 0.004, 0.008, 0.01, 0.01] == observer.pauses


def test_after_a_watch_that_had_news_the_first_pause_is_short_again(api, observe):
    api.strike("list", *[api_servers.forbidden] * 6)
    observer = observe()
    observer.catch_up()
    api.interrupt(api_servers.drop)

    assert eventually(lambda: len(observer.pauses) == 7)
    assert 0.001 == observer.pauses[6]


def test_a_bug_ends_no_watch(api, observe, caplog):
    strange = b'{"type": "ADDED", "object": {"metadata": {"name": "without-namespace", "resourceVersion": "1"}}}'
    api.strike("watch", api_servers.instead_of_a_watch(api_servers.line(strange)))
    observer = observe()

    assert eventually(lambda: "watching configmaps failed" in caplog.messages)
    observer.catch_up()
    assert not observer.watch.died


# -- the end -----------------------------------------------------------------------------------------------------------


def test_a_watch_that_is_stopped_ends_at_once_though_nothing_happens(observe):
    observer = observe()
    observer.catch_up()

    observer.watch.stop()

    assert not observer.watch._thread.is_alive()
    assert not observer.watch.died
    assert 0 == observer.watch.failures


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_watch_whose_thread_has_ended_says_so(observe):
    observer = observe()
    observer.catch_up()
    assert not observer.watch.died

    def end(*_):
        raise SystemExit

    observer.watch._chance = end
    observer.api.interrupt(api_servers.drop)

    assert eventually(lambda: observer.watch.died)
