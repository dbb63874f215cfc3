"""Targets: what each form means, what is refused and where, and that text and JSON say the same."""

import json

import pytest
from hypothesis import given

from mcoflow.domain.target import Key, Target, one_of, replace_groups
from mcoflow.domain.target_json import filter_of, target_of
from mcoflow.domain.target_match import fact_at, matches
from mcoflow.domain.target_text import MAX_TEXT, parse_target
from mcoflow.errors import TargetError, TargetInvalidError
from tests.unit.domain.targets import MACHINES, TARGETS, UNGROUPED, Machine

HOST = Machine(
    "web1.example.org",
    ("main", "lab"),
    {
        "os": {"family": "debian", "version": "12.10"},
        "cpu": {"count": 8},
        "role": ["web", "cache"],
        "virtual": True,
        "disk": {"/": {"total": 5 * 10**9}, "/srv.d": {"total": 7}},
        "mcoflow": {"agents": ["host", "package"], "broken_agents": ["agent package: no such module"]},
        "text": "a" * 300,
    },
)


@pytest.mark.parametrize(
    "text",
    [
        "all",
        "web1.example.org",
        "WEB1.Example.org",
        "db1,web1.example.org",
        "web*",
        "web?.*",
        "web[0-9].*,db*",
        "web[!2]*",
        r"/web\d\.example\.(org|com)/",
        "identity:web1.example.org",
        "agent:host",
        "collective:lab",
        "os.family=debian",
        "os.family==debian",
        "os.family!=fedora",
        "os.family = 'debian'",
        "os.version=12.1",  # numbers as numbers, also where the host tells them as text
        "os.version='12.10'",
        "os.version>=9",
        "cpu.count>=8 and cpu.count<=8 and cpu.count>7 and cpu.count<9.5",
        "cpu.count='8'",
        "role=cache",  # of a list, one element is enough
        "role in (db, web)",
        "virtual=true",
        "virtual exists",
        "os exists",
        '"disk./.total">=5000000000',
        '"disk./srv.d.total"=7',
        "os.family =~ /deb.*/",
        "not db*",
        "web* and not web2*",
        "db* or web*",
        "(db* or web*) and (cpu.count=4 or cpu.count=8)",
        "not (db* or os.family=fedora)",
        "all and not db1",
        "nope.is=1 or all",
        "not nobody",
    ],
)
def test_a_target_means_a_host(text: str) -> None:
    """B-057: each key, AND and OR, not, all."""
    assert matches(parse_target(text), HOST)
    assert not matches(parse_target(f"not ({text})"), HOST)


@pytest.mark.parametrize(
    "text",
    [
        "nobody",
        "web1",
        "web*.com",
        "/web/",
        "agent:package",  # named, but it could not be loaded
        "agent:command",
        "collective:other",
        "os.family=fedora",
        "os.family!=debian",
        "role!=web",
        "nope!=1",  # a comparison is about a fact that is there
        "not nope!=1 and nobody",
        "os.version='12.1'",
        "cpu.count>=8.5",
        "cpu.count>='7'",  # text is in no order with a number
        "os.family>5",
        "virtual=1",
        "cpu.count=true",
        "role in (db, mail)",
        "os.nope exists",
        "os.family.debian exists",
        "text =~ /a*/",  # too long to be looked at
        "web* and not web1*",
        "db* or web2*",
    ],
)
def test_a_target_does_not_mean_a_host(text: str) -> None:
    """B-057"""
    assert not matches(parse_target(text), HOST)


@pytest.mark.parametrize(
    ("before", "is_found"),
    [
        (["x" * 64] * 999, True),
        (["x"] * 1_000, False),
        (["x" * 256] * 15, True),
        (["x" * 256] * 16, False),
        (["x" * 257] * 900, True),  # too long to be looked at, so they cost nothing
    ],
)
def test_a_regex_is_tried_on_so_much_of_a_list_that_it_ends_soon(before: list[str], is_found: bool) -> None:
    host = Machine("web1", (), {"names": [*before, "me"]})

    assert matches(parse_target("names =~ /m.*/"), host) is is_found


@pytest.mark.parametrize(
    ("given", "means"),
    [
        ({}, False),
        ({"identity": ["web1.example.org"], "glob": ["web*"]}, True),
        ({"identity": ["web1.example.org"], "glob": ["db*"]}, False),  # keys are ANDed
        ({"identity": ["db", "web1.example.org"]}, True),  # values of a key are ORed
        ({"facts": [{"path": "cpu.count", "op": ">", "value": 4}, {"path": "nope", "op": "exists"}]}, False),
        ({"all": True, "exclude": ["web1.example.org"]}, False),
        ({"all": True, "exclude": ["db*", "web2"]}, True),
        ({"any": [{"glob": ["db*"]}, {"collective": ["lab"]}], "not": {"agents": ["command"]}}, True),
        ({"every": [{"glob": ["web*"]}, {"glob": ["*.org"]}]}, True),
    ],
)
def test_keys_of_a_filter_are_anded_and_their_values_ored_and_an_empty_one_is_nobody(
    given: dict[str, object], means: bool
) -> None:
    """B-057"""
    assert matches(target_of(given), HOST) is means


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        {"unheard": 1},
        {"all": False},
        {"exclude": ["web1"]},
        {"identity": []},
        {"identity": "web1"},
        {"identity": [1]},
        {"identity": ["web 1"]},
        {"glob": ["web*;"]},
        {"regex": ["(a+)+"]},
        {"groups": ["No Group"]},
        {"facts": {"os": "debian"}},
        {"facts": [{"path": "os"}]},
        {"facts": [{"path": "os", "op": "like", "value": "x"}]},
        {"facts": [{"path": "os", "op": ["=="], "value": "x"}]},
        {"facts": [{"path": "os", "op": "=="}]},
        {"facts": [{"path": "os", "op": "==", "value": {}}]},
        {"facts": [{"path": "os", "op": "==", "value": 1e300}]},
        {"facts": [{"path": "os", "op": "exists", "value": 1}]},
        {"facts": [{"path": "os", "op": "in", "value": []}]},
        {"facts": [{"path": "", "op": "exists"}]},
        {"facts": [{"path": "os", "op": "=~", "value": 4}]},
        {"any": []},
        {"not": []},
    ],
)
def test_what_is_no_filter_is_refused_whole(given: object) -> None:
    with pytest.raises(TargetInvalidError):
        target_of(given)


def test_a_filter_nested_beyond_measure_is_refused() -> None:
    nested: dict[str, object] = {"all": True}
    for _ in range(500):
        nested = {"not": {"any": [nested, {"identity": ["a"]}]}}
    with pytest.raises(TargetInvalidError, match="deep"):
        target_of(nested)


@pytest.mark.parametrize(
    ("text", "position", "said"),
    [
        ("os.family=debian andd web*", 17, "'andd' at character 18; expected: or, and, the end"),
        ("os.family=", 10, "the end at character 11; expected: text in quotes, a value"),
        ("(web1", 5, "expected: )"),
        ("web1 web2", 5, "or, and"),
        ("web1 and", 8, "a host or fact"),
        ("web1)", 4, "the end"),
        ("role in (a", 10, "a comma"),
        ("web1 or role =~ /(a+)+/", 16, "may take for ever"),
        ("web1,web_2", 5, "no pattern of host names"),
        ("web1 or group:Old", 14, "no such name"),
        ('a=1 and b="\\x"', 10, "single quotes"),
        ("~", 0, "not, all"),
        ('web1 or "web2', 8, 'a " is not closed'),
        ("os.id='debian", 6, "a ' is not closed"),
        ("/web[1/", 0, "the [ at character 4 is not closed"),
        ("and", 0, "a host or fact"),
        ("web1 and " * 100 + "?=3", 900, "no name of a fact"),
        ("not " * 300 + "web1", 0, "nested too deep"),
        ("(a or (b and " * 20 + "c" + "))" * 20, 0, "deep"),
    ],
)
def test_a_fault_in_the_text_is_shown_with_a_caret(text: str, position: int, said: str) -> None:
    with pytest.raises(TargetInvalidError) as refused:
        parse_target(text)

    assert refused.value.position == position
    assert said in str(refused.value)
    why, line, caret = str(refused.value).splitlines()
    shown = line.removesuffix("…") + " "
    if position < len(text):
        assert shown[caret.index("^")] == text[position]
    assert len(line) < 90
    assert len(why) < 400


@pytest.mark.parametrize("text", ["", "  \n "])
def test_an_empty_text_is_no_target(text: str) -> None:
    with pytest.raises(TargetInvalidError, match="an empty target means nobody: name hosts, or say all"):
        parse_target(text)


def test_a_target_of_a_mebibyte_is_refused_before_it_is_read() -> None:
    with pytest.raises(TargetInvalidError, match=f"1048576 characters is too long, {MAX_TEXT} at most"):
        parse_target("a" * 2**20)


@given(TARGETS)
def test_text_made_of_a_target_reads_as_the_same_target(target: Target) -> None:
    """B-057: text → target → text → target."""
    assert parse_target(str(target)) == target
    assert str(parse_target(str(target))) == str(target)


@given(TARGETS)
def test_json_made_of_a_target_reads_as_the_same_target(target: Target) -> None:
    sent = json.loads(json.dumps(filter_of(target)))
    assert target_of(sent) == target
    assert filter_of(target_of(sent)) == sent


@given(UNGROUPED, MACHINES)
def test_server_and_agent_agree_on_whom_a_target_means(target: Target, machine: Machine) -> None:
    """B-057: the server reads people's text, the agent the JSON that it is sent."""
    at_the_server = matches(parse_target(str(target)), machine)
    at_the_agent = matches(target_of(json.loads(json.dumps(filter_of(target)))), machine)
    assert at_the_server is at_the_agent


def test_what_means_the_same_is_equal_however_it_is_written() -> None:
    assert parse_target("b, a ,a") == parse_target("a or b") == parse_target("(b) or (a or a)")
    assert parse_target("not a and x* and not b") == parse_target("x* and not (a or b)")
    assert parse_target("not not a") == parse_target("a")
    assert filter_of(parse_target("x* and role=web and not a,b*")) == {
        "glob": ["x*"],
        "facts": [{"path": "role", "op": "==", "value": "web"}],
        "exclude": ["a", "b*"],
    }


def test_groups_are_replaced_by_what_they_stand_for_wherever_they_stand() -> None:
    known = {
        "web": parse_target("web*"),
        "old": parse_target("group:web and not web3"),
        "db": parse_target("db1"),
    }
    known["old"] = replace_groups(known["old"], known)

    replaced = replace_groups(parse_target("all and not (group:old,db or x)"), known)

    assert replaced == parse_target("all and not ((web* and not web3) or db1 or x)")


def test_who_does_not_know_the_groups_says_so() -> None:
    with pytest.raises(TargetError, match="only the server knows"):
        matches(one_of(Key.GROUPS, ["old"]), HOST)


def test_facts_are_found_by_paths_whose_words_may_have_dots() -> None:
    facts = {"a.b": {"c": 1}, "a": {"b.c": 2, "d": None}}
    assert [fact_at(facts, path) for path in ("a.b.c", "a.d", "a.x", "a.b")] == [2, None, None, {"c": 1}]
