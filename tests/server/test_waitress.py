"""What we use of waitress beyond its documentation is still there: an upgrade without it turns red here first."""

from __future__ import annotations

import inspect

import pytest
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.buffers import ReadOnlyFileBasedBuffer
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.receiver import ChunkedReceiver
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, Task, ThreadedTaskDispatcher, WSGITask
from waitress.trigger import trigger

from injector.shell import channels, listeners, parsers, tasks, tls_channels
from injector.shell.limits import Limits

METHODS = {
    HTTPChannel: "received readable writable handle_read handle_write handle_close write_soon send_continue service "
    "cancel send recv _flush_some _flush_some_if_lockable _flush_exception _flush_outbufs_below_high_watermark",
    TcpWSGIServer: "readable accept handle_accept handle_close maintenance pull_trigger set_socket_options fix_addr",
    HTTPRequestParser: "received parse_header close",
    Task: "service write build_response_header set_close_on_finish",
    WSGITask: "execute get_environment",
    ErrorTask: "execute",
    ThreadedTaskDispatcher: "add_task set_thread_count shutdown",
    ReadOnlyFileBasedBuffer: "get close",
    trigger: "pull_trigger close",
}
"""Methods that we call or override."""

CLASS_ATTRIBUTES = {
    HTTPChannel: "task_class error_task_class parser_class logger request last_activity will_close close_when_flushed "
    "sent_continue total_outbufs_len current_outbuf_count connected",
    TcpWSGIServer: "channel_class logger accepting",
    HTTPRequestParser: "completed chunked expect_continue error version body_rcv headers_finished",
    ChunkedReceiver: "control_line trailer",
    ErrorTask: "complete close_on_finish wrote_header content_length",
}

INSTANCE_ATTRIBUTES = {
    HTTPChannel: "requests requests_lock outbufs outbuf_lock server adj addr",
    TcpWSGIServer: "trigger active_channels task_dispatcher adj effective_port",
    ThreadedTaskDispatcher: "queue lock queue_cv",
    Task: "channel request response_headers",
}
"""Attributes that the constructor sets."""


@pytest.mark.parametrize(("owner", "names"), METHODS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_the_methods_that_we_call_or_override_exist(owner, names):
    assert [] == [name for name in names.split() if not callable(getattr(owner, name, None))]


@pytest.mark.parametrize(("owner", "names"), CLASS_ATTRIBUTES.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_the_class_attributes_that_we_use_exist(owner, names):
    assert [] == [name for name in names.split() if not hasattr(owner, name)]


@pytest.mark.parametrize(
    ("owner", "names"), INSTANCE_ATTRIBUTES.items(), ids=lambda value: getattr(value, "__name__", "")
)
def test_the_attributes_that_we_use_are_set_by_the_constructor(owner, names):
    source = "".join(
        inspect.getsource(base.__init__) for base in owner.__mro__ if "__init__" in vars(base) and base is not object
    )

    assert [] == [name for name in names.split() if f"self.{name}" not in source]


def test_the_settings_that_we_set_exist():
    adjustments = listeners.Listener._adjustments(Limits())

    assert [] == [name for name in vars(adjustments) if not hasattr(Adjustments, name)]


def test_the_event_loop_hands_events_over_as_we_do():
    assert ["obj", "flags"] == [*inspect.signature(wasyncore.readwrite).parameters]
    assert "readwrite(obj, flags)" in inspect.getsource(wasyncore.poll2)


def test_waitress_wakes_the_loop_only_where_our_channels_do():
    callers = {
        f"{owner.__name__}.{name}"
        for owner in (*HTTPChannel.__mro__, *WSGITask.__mro__, ErrorTask, ThreadedTaskDispatcher, HTTPRequestParser)
        for name, method in vars(owner).items()
        if inspect.isfunction(method) and ".pull_trigger(" in inspect.getsource(method)
    }

    ours = {"write_soon", "_flush_outbufs_below_high_watermark", "service"}
    assert {f"HTTPChannel.{name}" for name in ours} == callers


@pytest.mark.parametrize("module", [channels, listeners, parsers, tasks, tls_channels])
def test_the_modules_that_use_internals_say_so(module):
    assert "waitress" in module.__doc__
