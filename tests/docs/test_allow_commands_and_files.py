"""The page about policy.toml is tried as it stands."""

import re
from pathlib import Path

from mcoflow.agent.catalogue import LoadedCatalogue
from mcoflow.agent.policy import fits_any, fits_argv
from mcoflow.agent.policy_file import read_policy

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "allow-commands-and-files.md").read_text()


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def test_the_policy_of_the_page_allows_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(block("toml"))
    path.chmod(0o600)

    policy = read_policy(path)

    df, journal, cache = policy.command
    assert fits_argv(df.argv, ["/usr/bin/df", "-h", "/srv/web"])
    assert not fits_argv(df.argv, ["/usr/bin/df", "-h", "/srv/../etc"])
    assert fits_argv(journal.argv, ["/usr/bin/journalctl", "--unit=nginx", "--lines=50"])
    assert fits_argv(cache.argv, ["/opt/shop/bin/cache", "--clear", "x"])
    assert fits_any(policy.file.read, "/var/log/nginx/error.log")
    assert fits_any(policy.process.signal, "php-fpm8.2")


def test_the_agents_of_the_page_can_be_loaded() -> None:
    names = block("ini").partition("agents = ")[2].strip().split(", ")

    assert LoadedCatalogue(names).broken() == ()
