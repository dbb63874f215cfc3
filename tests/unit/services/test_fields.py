"""What people may type into the form, and what becomes of it."""

import pytest

from mcoflow.errors import FormInvalidError
from mcoflow.services import Filled, Order
from mcoflow.services.fields import MAX_NAMES, names_of, read_fields
from mcoflow.services.placing import hosts_of


def faults(**fields: str) -> dict[str, str]:
    """Return the faults of a form that is otherwise right."""
    with pytest.raises(FormInvalidError) as caught:
        read_fields(Filled(**{"hostname": "web1", "action": "install", "param": "vim", **fields}))
    return caught.value.faults


@pytest.mark.parametrize(
    ("action", "param", "arguments"),
    [
        ("install", " vim ", {"package": "vim"}),
        ("UNINSTALL", "libc6:amd64", {"package": "libc6:amd64"}),
        ("Update", "g++", {"package": "g++"}),
        ("restart", "web@1", {"service": "web@1"}),
        ("Install_And_Restart", "a,b;c", {"packages": ["a", "b"], "services": ["c"]}),
        ("ping", "", {}),
    ],
)
def test_each_action_in_any_case_reads_its_param(
    action: str, param: str, arguments: dict[str, object]
) -> None:
    order = read_fields(Filled(hostname="Web1, web2  WEB1", action=action, param=param))
    assert order == Order(action.lower(), {"hosts": ["web1", "web2"], **arguments})


def test_check_only_goes_to_the_action() -> None:
    order = read_fields(Filled(hostname="web1", action="install", param="vim", check=True))
    assert order.arguments["check"] is True


@pytest.mark.parametrize(
    ("param", "packages", "services"),
    [
        (" a , b ; s1,s2 ", ("a", "b"), ("s1", "s2")),
        (";s", (), ("s",)),
        ("a;", ("a",), ()),
        (",a,,a,b,", ("a", "b"), ()),
    ],
)
def test_names_are_cut_dropped_and_kept_once(
    param: str, packages: tuple[str, ...], services: tuple[str, ...]
) -> None:
    """H-060: blanks are cut, empty names dropped, repeats kept once."""
    names = names_of(param)
    assert (names.packages, names.services) == (packages, services)


@pytest.mark.parametrize("param", ["a;b;c", ";", "", " , ; ,", ";;", "a b;c", "-rf;x", "a;b.socket"])
def test_bad_grammar_of_names_is_a_fault(param: str) -> None:
    """H-060: a second `;`, no name at all, or a name with a blank inside."""
    assert set(faults(action="install_and_restart", param=param)) == {"param"}


@pytest.mark.parametrize(
    "name",
    ["-rf", "a;b", "$(id)", "a\nb", "vim\n", "a\x00", "vïm", "a b", "`x`", "../x", "x" * 300, "a,b", "*"],
)
def test_hostile_names_are_faults(name: str) -> None:
    """H-061: a leading dash, separators, shell, newline, NUL, beyond ASCII, too long."""
    assert set(faults(param=name)) == {"param"}
    assert set(faults(action="restart", param=name)) == {"param"}


@pytest.mark.parametrize(
    "name",
    [
        "",
        " , ",
        "-web",
        "web..1",
        "web1\n",
        "web\x001",
        "wëb",
        "\u212aelvin",
        "web_1",
        "x" * 59,
        "a;b",
        "web/1",
    ],
)
def test_malformed_hosts_are_faults(name: str) -> None:
    assert set(faults(hostname=name)) == {"hostname"}


def test_every_fault_is_told_at_once() -> None:
    assert set(faults(hostname="", action="explode", param="")) == {"hostname", "action"}
    assert set(faults(hostname="-", action="", param="-")) == {"hostname", "action"}
    assert set(faults(hostname="-", param="-")) == {"hostname", "param"}


def test_above_twenty_hosts_their_number_has_to_be_typed() -> None:
    many = ",".join(f"web{number}" for number in range(21))
    assert "type 21" in faults(hostname=many)["confirm"]
    assert set(faults(hostname=many, confirm="20")) == {"confirm"}
    order = read_fields(Filled(hostname=many, action="ping", confirm=" 21 "))
    assert len(order.arguments["hosts"]) == 21


def test_lists_have_limits() -> None:
    too_many = ",".join(f"p{number}" for number in range(MAX_NAMES + 1))
    assert "100 at most" in faults(action="install_and_restart", param=too_many)["param"]
    assert "4096 at most" in faults(action="install_and_restart", param="a" * 4097)["param"]
    with pytest.raises(ValueError, match="20000 at most"):
        hosts_of(",".join(f"w{number}" for number in range(20_001)))
