"""Settings: three ways to learn of each, two ways to give it, one sentence for each mistake."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import click
import pytest

from injector.cli import serve
from injector.shell import settings
from injector.shell.errors import SettingsError
from injector.shell.settings import OPTIONS, Settings

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
SERVICE_LINK = "it looks like a Kubernetes service link: set enableServiceLinks: false in the pod's spec"
NAMES = [option.name for option in OPTIONS]


def read(variables=None, **flags):
    return settings.read(variables or {}, flags)


def row(option):
    default = f"`{option.default}`" if option.default else "none"
    cells = (f"`{option.flag}`", f"`{option.variable}`", default, option.text, option.form.expected)
    return f"| {' | '.join(cells)} |"


def test_every_field_is_a_setting_and_every_setting_a_field():
    assert [field.name for field in fields(Settings)] == NAMES


def test_the_page_has_one_row_for_each_setting_with_its_default():
    assert [row(option) for option in OPTIONS] == re.findall(r"^\| `--.*", PAGE, re.MULTILINE)


def test_the_command_has_one_flag_for_each_setting():
    flags = {parameter.name: parameter.opts for parameter in serve.command.params}

    assert {option.name: [option.flag] for option in OPTIONS} == flags


@pytest.mark.parametrize("option", OPTIONS, ids=NAMES)
def test_the_help_of_a_flag_names_its_variable_and_its_default(option):
    text = next(parameter.help for parameter in serve.command.params if parameter.name == option.name)

    assert f"{option.text} [{option.variable}{option.default and '; '}{option.default}]" == text


@pytest.mark.parametrize("option", OPTIONS, ids=NAMES)
def test_a_default_that_is_written_down_means_the_same(option):
    text = option.form.show(getattr(Settings(), option.name))

    assert Settings() == read(**{option.name: text})
    assert Settings() == read({option.variable: text})


GIVEN = {
    "host": ("::1", "::1"),
    "port": ("9443", 9443),
    "probe_host": ("127.0.0.1", "127.0.0.1"),
    "probe_port": ("0", 0),
    "certificate": ("a.crt", Path("a.crt")),
    "key": ("a.key", Path("a.key")),
    "client_ca": ("ca.crt", Path("ca.crt")),
    "store": ("directory", "directory"),
    "templates": ("here", Path("here")),
    "namespace_wait": ("0.25", 0.25),
    "domain": ("sidecars.example.com", "sidecars.example.com"),
    "release_namespace": ("platform", "platform"),
    "release_name": ("injector", "injector"),
    "excluded_namespaces": (" a, b ,", frozenset({"a", "b"})),
    "privileged_templates": ("node-agent", frozenset({"node-agent"})),
    "parameters": ('{"log-shipper": {"level": "debug"}}', {"log-shipper": {"level": "debug"}}),
    "kubernetes_version": ("v1.28.9-eks-036c24b", (1, 28)),
    "log_level": ("debug", "debug"),
    "log_format": ("console", "console"),
    "threads": ("1", 1),
    "connections": ("10", 10),
    "queue": ("1", 1),
    "body_limit": ("512Ki", 512 << 10),
    "timeout": ("2.5", 2.5),
    "drain_seconds": ("0", 0.0),
}


@pytest.mark.parametrize("name", GIVEN)
def test_a_setting_is_read_from_its_flag_and_from_its_variable(name):
    text, expected = GIVEN[name]
    option = next(option for option in OPTIONS if option.name == name)

    assert expected == getattr(read(**{name: text}), name)
    assert expected == getattr(read({option.variable: text}), name)


def test_every_setting_but_those_that_need_another_is_in_that_table():
    assert set(NAMES) - {"client_names", "kubeconfig"} == set(GIVEN)


def test_a_kubeconfig_is_read_beside_the_store_that_needs_it():
    assert Path("here") == read(store="kubernetes", kubeconfig="here").kubeconfig


def test_names_of_clients_are_read_beside_the_authority_that_vouches_for_them():
    found = read(client_ca="ca.crt", client_names="kube-apiserver, front")

    assert frozenset({"kube-apiserver", "front"}) == found.client_names


def test_a_flag_wins_over_its_variable():
    assert 1 == read({"PILLION_PORT": "2"}, port="1").port


def test_a_flag_that_is_not_given_leaves_its_variable_alone():
    assert 2 == read({"PILLION_PORT": "2"}, port=None).port


def test_variables_of_others_are_nobody_s_business():
    assert Settings() == read({"PATH": "/bin", "PILLIONS": "1", "_PILLION_COMPLETE": "bash_source"})


PORT = "expected a port from 0 to 65535, 0 for any that is free"
JSON = 'expected JSON such as {"log-shipper": {"level": "debug"}}'
SECONDS = "expected a number of seconds from 0.1 to 30"
LEVEL = "expected 'debug' or 'info' or 'warning' or 'error'"
NO_CLUSTER = "a kubeconfig is given, but the store is a directory: set PILLION_STORE=kubernetes"
NO_AUTHORITY = "client_names are given without client_ca: set PILLION_CLIENT_CA, which vouches for them"
VERSION = "expected a version of Kubernetes such as 1.29"
THREADS = "expected a whole number of threads from 1 to 64"
NAMES_OF = "expected names of lower-case letters, digits, '-' and '.', separated by commas"
NAME = "expected a name of lower-case letters, digits, '-' and '.'"
SIZE = "expected a number of bytes from 1Ki to 64Mi, such as 8Mi"

REFUSED = (
    ("PILLION_PORT", "tcp://10.96.0.7:443", f"PILLION_PORT is 'tcp://10.96.0.7:443': {PORT}; {SERVICE_LINK}"),
    ("PILLION_SERVICE_HOST", "10.96.0.7", f"unknown variable PILLION_SERVICE_HOST; {SERVICE_LINK}"),
    ("PILLION_SERVICE_PORT_HTTPS", "443", f"unknown variable PILLION_SERVICE_PORT_HTTPS; {SERVICE_LINK}"),
    ("PILLION_PORT_443_TCP_ADDR", "10.96.0.7", f"unknown variable PILLION_PORT_443_TCP_ADDR; {SERVICE_LINK}"),
    ("PILLION_METRICS_PORT", "tcp://10.96.0.8:80", f"unknown variable PILLION_METRICS_PORT; {SERVICE_LINK}"),
    ("PILLION_TEMPLATE", "here", "unknown variable PILLION_TEMPLATE; did you mean PILLION_TEMPLATES?"),
    ("PILLION_LOGLEVEL", "info", "unknown variable PILLION_LOGLEVEL; did you mean PILLION_LOG_LEVEL?"),
    ("PILLION_PORT", "https", f"PILLION_PORT is 'https': {PORT}"),
    ("PILLION_PORT", "65536", f"PILLION_PORT is '65536': {PORT}"),
    ("PILLION_PORT", "-1", f"PILLION_PORT is '-1': {PORT}"),
    ("PILLION_PORT", "", f"PILLION_PORT is '': {PORT}"),
    ("PILLION_PORT", "٣", f"PILLION_PORT is '٣': {PORT}"),
    ("PILLION_KEY", "", "PILLION_KEY is '': expected a path"),
    ("PILLION_DOMAIN", "Pillion.dev", f"PILLION_DOMAIN is 'Pillion.dev': {NAME}"),
    ("PILLION_DOMAIN", "a..b", f"PILLION_DOMAIN is 'a..b': {NAME}"),
    ("PILLION_EXCLUDED_NAMESPACES", "a b", f"PILLION_EXCLUDED_NAMESPACES is 'a b': {NAMES_OF}"),
    ("PILLION_PARAMETERS", "{", f"PILLION_PARAMETERS is '{{': {JSON}"),
    ("PILLION_PARAMETERS", '{"a": 1}', f"PILLION_PARAMETERS is '{{\"a\": 1}}': {JSON}"),
    ("PILLION_KUBERNETES_VERSION", "latest", f"PILLION_KUBERNETES_VERSION is 'latest': {VERSION}"),
    ("PILLION_LOG_FORMAT", "xml", "PILLION_LOG_FORMAT is 'xml': expected 'json' or 'console'"),
    ("PILLION_THREADS", "0", f"PILLION_THREADS is '0': {THREADS}"),
    ("PILLION_BODY_LIMIT", "8M", f"PILLION_BODY_LIMIT is '8M': {SIZE}"),
    ("PILLION_BODY_LIMIT", "65Mi", f"PILLION_BODY_LIMIT is '65Mi': {SIZE}"),
    ("PILLION_TIMEOUT", "nan", f"PILLION_TIMEOUT is 'nan': {SECONDS}"),
    ("PILLION_TIMEOUT", "31", f"PILLION_TIMEOUT is '31': {SECONDS}"),
    ("PILLION_LOG_LEVEL", "x" * 200, f"PILLION_LOG_LEVEL is '{'x' * 100}'…: {LEVEL}"),
    ("PILLION_CLIENT_NAMES", "kube-apiserver", NO_AUTHORITY),
    ("PILLION_STORE", "etcd", "PILLION_STORE is 'etcd': expected 'directory' or 'kubernetes'"),
    ("PILLION_KUBECONFIG", "config", NO_CLUSTER),
)


@pytest.mark.parametrize(("variable", "text", "sentence"), REFUSED, ids=[f"{row[0]}={row[1][:20]}" for row in REFUSED])
def test_a_variable_that_cannot_be_is_refused_with_one_sentence(variable, text, sentence):
    with pytest.raises(SettingsError) as caught:
        read({variable: text})

    assert sentence == str(caught.value)


def test_a_wrong_flag_is_named_as_a_flag():
    with pytest.raises(SettingsError, match=r"^--probe-port is 'http': expected a port"):
        read(probe_port="http")


def test_a_name_that_resembles_nothing_is_told_all_there_are():
    with pytest.raises(SettingsError, match=r"^unknown variable PILLION_ZZZZZZ; there are PILLION_BODY_LIMIT, "):
        read({"PILLION_ZZZZZZ": "1"})


@pytest.mark.parametrize(("version", "native"), [("1.28", False), ("1.29", True), ("1.30", True), ("2.0", True)])
def test_sidecars_are_native_from_kubernetes_1_29_on(version, native):
    assert native is read(kubernetes_version=version).policy().native_sidecars


def test_the_policy_is_made_of_the_settings():
    policy = read(
        domain="sidecars.example.com",
        release_namespace="platform",
        excluded_namespaces="a",
        privileged_templates="node-agent",
        parameters='{"log-shipper": {"level": "debug"}}',
    ).policy()

    assert "sidecars.example.com" == policy.domain.name
    assert "platform" == policy.release_namespace
    assert frozenset({"a"}) == policy.excluded_namespaces
    assert frozenset({"node-agent"}) == policy.privileged_templates
    assert {"log-shipper": {"level": "debug"}} == policy.parameters


def test_the_limits_are_made_of_the_settings():
    limits = read(connections="10", body_limit="1Mi", threads="2").limits()

    assert (10, 1 << 20, 2) == (limits.connections, limits.body, limits.threads)


def test_the_help_is_complete_and_begins_with_examples():
    text = serve.command.get_help(click.Context(serve.command))

    assert "Examples:\n    pillion serve --templates" in text
    assert [] == [option.flag for option in OPTIONS if f"  {option.flag} " not in text]
