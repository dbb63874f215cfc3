"""policy.toml: a small language in which nothing is allowed that is not written there."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from mcoflow.agent.policy import Policy, fits, fits_argv
from mcoflow.agent.policy_file import MAX_SIZE, PolicyFile, read_policy
from mcoflow.errors import ConfigError

DF = '[[command]]\nargv = ["/bin/df", "-h", "/srv/*"]\n'


def put(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "policy.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("pattern", "text", "does"),
    [
        ("nginx", "nginx", True),
        ("nginx", "nginx2", False),
        ("/srv/*", "/srv/web", True),
        ("/srv/*", "/srv/", True),
        ("/srv/*", "/srv/web/logs", False),
        ("/srv/**", "/srv/web/logs", True),
        ("/srv/*/log", "/srv/web/log", True),
        ("/srv/*/log", "/srv/a/b/log", False),
        ("/srv/**/log", "/srv/a/b/log", True),
        ("/srv/**", "/srv/../etc/shadow", False),
        ("/srv/*", "/srv/..", False),
        ("/srv/**", "/srv/a..b", True),
        ("--directory=*", "--directory=..", False),
        ("--directory=**", "--directory=../etc", False),
        ("host:**", "host:..", False),
        ("*", "-rf", False),
        ("**", "--all", False),
        ("--lines=*", "--lines=5", True),
        ("*", "a\nb", False),
        ("a.c", "abc", False),
        ("*a*", "banana", True),
        ("*.log", "x.log.gz", False),
        ("", "", True),
    ],
)
def test_a_star_stands_for_what_the_page_says(pattern: str, text: str, does: bool) -> None:
    assert fits(pattern, text) is does


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    assert not fits("*a" * 64, "a" * 4096 + "/")


@pytest.mark.parametrize(
    ("argv", "does"),
    [
        (["/bin/df"], True),
        (["/bin/df", "-h", "--output"], True),
        (["/bin/du"], False),
        ([], False),
    ],
)
def test_more_words_may_follow_only_where_it_is_said(argv: list[str], does: bool) -> None:
    assert fits_argv(["/bin/df", "..."], argv) is does
    assert fits_argv(["/bin/df"], argv) is (argv == ["/bin/df"])


def test_without_a_file_the_least_is_allowed(tmp_path: Path) -> None:
    """B-055: nothing is run, read or signalled by default."""
    policy = read_policy(tmp_path / "policy.toml")

    assert (policy.command, policy.file.read, policy.process.signal) == ([], [], [])


def test_a_file_that_the_settings_name_has_to_be_there(tmp_path: Path) -> None:
    """B-051: a wrong value."""
    with pytest.raises(ConfigError, match=r"there is no .*policy\.toml: write it"):
        read_policy(tmp_path / "policy.toml", required=True)


def test_a_rule_is_read_with_its_limits(tmp_path: Path) -> None:
    limits = 'users = ["nobody"]\ncwd = ["/srv/**"]\nenv = ["LANG"]\nstdin = true\n'
    text = f'{DF}{limits}[file]\nread = ["/var/log/**"]\n'

    policy = read_policy(put(tmp_path, text))

    (rule,) = policy.command
    assert (rule.users, rule.cwd, rule.env, rule.stdin) == (["nobody"], ["/srv/**"], ["LANG"], True)
    assert policy.file.read == ["/var/log/**"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[[command]]\nargv = ["df"]\n', "command 1 argv: the first word is the program"),
        ('[[command]]\nargv = ["/bin/*"]\n', "without stars"),
        ("[[command]]\nargv = []\n", "command 1 argv"),
        ('[[command]]\nargv = ["/bin/df", "...", "x"]\n', "only the last word"),
        ('[[command]]\nargv = ["/bin/df"]\nenv = ["LD_PRELOAD"]\n', "decide which program"),
        ('[[command]]\nargv = ["/bin/df"]\nuser = "x"\n', "command 1 user"),
        ('[[command]]\nargv = ["/bin/df"]\ncwd = ["srv"]\n', "absolute path"),
        ('[[command]]\nargv = ["/bin/df"]\nusers = ["Root!"]\n', "users"),
        ('[file]\nread = ["/srv/../etc/*"]\n', "absolute path without"),
        ("[files]\n", "files"),
        ("command = 5\n", "command"),
        ("[[command]\n", "is no TOML"),
        ("x" * (MAX_SIZE + 1), "over 64 KiB"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, text: str, why: str) -> None:
    """B-051: a wrong value stops the start."""
    with pytest.raises(ConfigError) as refused:
        read_policy(put(tmp_path, text))

    assert why in str(refused.value)
    assert "policy.toml" in str(refused.value)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_not_believed(tmp_path: Path, mode: int) -> None:
    """B-051: a bad file mode stops the start, with the way out."""
    with pytest.raises(ConfigError, match="chmod go-w"):
        read_policy(put(tmp_path, DF, mode))


@pytest.mark.parametrize(
    "name",
    [
        *("LD_PRELOAD", "PATH", "HOME", "BASH_ENV", "PERL5OPT", "PERL5LIB", "PYTHONHOME", "PYTHONSTARTUP"),
        *(
            "RUBYOPT",
            "NODE_OPTIONS",
            "GIT_SSH_COMMAND",
            "GCONV_PATH",
            "LESSOPEN",
            "PAGER",
            "JAVA_TOOL_OPTIONS",
        ),
    ],
)
def test_a_variable_that_chooses_code_cannot_be_allowed(name: str) -> None:
    """B-051: a wrong value."""
    with pytest.raises(ValidationError, match=f"{name} would decide which program runs"):
        Policy.model_validate({"command": [{"argv": ["/bin/df"], "env": [name]}]})


@pytest.mark.parametrize("name", ["LANG", "LC_TIME", "TZ", "SHOP_MODE", "TMPDIR", "HTTP_PROXY"])
def test_a_variable_that_is_only_a_value_can_be_allowed(name: str) -> None:
    (rule,) = Policy.model_validate({"command": [{"argv": ["/bin/df"], "env": [name]}]}).command

    assert rule.env == [name]


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="is no file"):
        read_policy(tmp_path / "pipe")


def test_a_policy_changes_on_reload_and_a_bad_one_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """B-048: HUP."""
    path = put(tmp_path, "")
    file = PolicyFile(path)
    assert file.current == Policy()

    put(tmp_path, DF)
    file.reload()
    assert len(file.current.command) == 1

    put(tmp_path, "nonsense")
    file.reload()
    assert len(file.current.command) == 1
    assert "policy.refused" in caplog.text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (DF + 'user = ["root"]\n', "command 1 user: there is no such key: did you mean users?"),
        ("[file]\nwrite = []\n", "file write: there is no such key: there are checksum, read"),
        ("[process]\nx = []\n", "process x: there is no such key: there are signal"),
        ("[[comand]]\n", "comand: there is no such key: did you mean command?"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_known_ones(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_policy(put(tmp_path, text))
    assert why in str(caught.value)
