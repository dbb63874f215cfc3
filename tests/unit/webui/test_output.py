"""What hosts print, on pages: bounded, harmless, searchable, and whole as a download."""

import json
import re
from dataclasses import replace
from html import unescape
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient

from mcoflow.domain.output import HostChunk, OutputEnd
from mcoflow.domain.requests import RequestRecord
from mcoflow.domain.states import PlanState
from mcoflow.ports.store import Changes
from mcoflow.testing.contracts.samples import draft, request
from tests.servers.house import House

PAGE = 256 * 1024


def printed(house: House, *texts: str, **told: object) -> RequestRecord:
    """Store a task that has ended, whose first host has printed these chunks."""
    plan = draft(2, plan_id=uuid4(), label="printing", args="{}")
    plan.plan.state = PlanState.STOPPED
    house.store.commit(Changes(new_plans=[plan]))
    sent = request(plan.plan.id)
    house.store.commit(Changes(new_requests=[sent]))
    say(house, sent, *texts)
    size = sum(len(text.encode()) for text in texts)
    end = OutputEnd(sent.plan_id, sent.id, len(texts), size, truncated=False)
    house.store.commit(Changes(output_ends=[replace(end, **told)]))  # type: ignore[arg-type]
    return sent


def say(house: House, sent: RequestRecord, *texts: str, stream: str = "stdout", first: int = 0) -> None:
    offset, chunks = 0, []
    for seq, text in enumerate(texts, first):
        chunks.append(HostChunk(sent.plan_id, sent.id, seq, stream, offset, text, 1_700_000_000.0 + seq))
        offset += len(text.encode())
    house.store.commit(Changes(host_chunks=chunks))


def page_of(client: FlaskClient, plan_id: UUID, query: str = "") -> str:
    answer = client.get(f"/tasks/{plan_id}/hosts/web1{query}")
    assert answer.status_code == 200
    assert len(answer.data) <= PAGE
    return answer.text


def lines(page: str) -> list[str]:
    """The texts of the rows, without times and tags."""
    found = re.findall(r'<span class="o-text">(.*?)</span></div>', page, re.DOTALL)
    return [unescape(re.sub(r"<[^>]*>", "", text)) for text in found]


def test_a_page_shows_the_newest_lines_and_leads_to_the_older_ones(client: FlaskClient, house: House) -> None:
    """W-036: page ≤ 256 KiB, newest lines first reached; all pages together have every line once."""
    sent = printed(house, *("".join(f"line {100 * n + k:05d}\n" for k in range(100)) for n in range(400)))
    page = page_of(client, sent.plan_id)
    seen: list[str] = []
    assert "line 39999" in page
    assert "line 00000" not in page
    while True:
        seen[:0] = re.findall(r"line (\d{5})", "\n".join(lines(page)))
        older = re.search(r'href="([^"]+before=[^"]+)">Older', page)
        if older is None:
            break
        answer = client.get(unescape(older[1]))
        assert len(answer.data) <= PAGE
        page = answer.text
    assert seen == [f"{n:05d}" for n in range(40_000)]


def test_a_cut_is_named_with_the_true_size(client: FlaskClient, house: House) -> None:
    """W-036: output of 1 GiB, of which the host sent its beginning and its end."""
    sent = printed(house, "head\n", size=2**30, truncated=True)

    page = page_of(client, sent.plan_id)

    assert "5 B of 1.0 GiB are kept, its beginning and its end" in page
    assert "5 B of 1.0 GiB" in client.get(f"/tasks/{sent.plan_id}/steps/2").text


def test_the_download_has_all_of_it_as_it_was_printed(client: FlaskClient, house: House) -> None:
    """W-036: as attachment, text/plain."""
    texts = [f"{n} \x1b[31mé\x07\n" for n in range(2500)]
    sent = printed(house, *texts)
    address = re.search(r'href="([^"]+)">Download', page_of(client, sent.plan_id))
    assert address is not None

    answer = client.get(unescape(address[1]))

    assert answer.text == "".join(texts)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_colours_show_and_other_control_characters_are_symbols(client: FlaskClient, house: House) -> None:
    """W-037, W-007: also when a colour is torn between two chunks; markup of a host is text."""
    sent = printed(house, "\x1b[3", "1mred\x1b[0m\x07\n", "<script>alert(1)</script>\x1b]0;x\x07\n")

    page = page_of(client, sent.plan_id)

    assert '<span class="ansi-red">red</span>␇' in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;␛]0;x␇" in page
    assert "<script>alert" not in page
    assert "\x1b" not in page


def test_a_colour_goes_on_in_the_next_line_of_its_stream(client: FlaskClient, house: House) -> None:
    """W-037"""
    sent = printed(house, "\x1b[32mone\n", "two\n")

    assert '<span class="ansi-green">two</span>' in page_of(client, sent.plan_id)


@pytest.mark.parametrize("char", ["x", '"', "é", "\x1b"])
def test_a_line_of_1_mb_is_broken_into_rows(client: FlaskClient, house: House, char: str) -> None:
    """W-037: no row is long, and the page stays within its size whatever the characters become in HTML."""
    sent = printed(house, *(char * 16_000 for _ in range(64)))

    shown = lines(page_of(client, sent.plan_id))

    assert shown
    assert max(map(len, shown)) <= 2 * 16_000
    answer = client.get(f"/tasks/{sent.plan_id}/steps/2")
    assert len(answer.data) <= PAGE


def test_streams_can_be_left_out_and_lines_searched_for(client: FlaskClient, house: House) -> None:
    sent = printed(house, "apple\npear\n", "Appl", "e pie\n", chunks=5)
    say(house, sent, "bad apple\n", "fine\n", stream="stderr", first=3)

    assert lines(page_of(client, sent.plan_id, "?stream=stderr")) == ["stderr bad apple", "stderr fine"]
    assert lines(page_of(client, sent.plan_id, "?stream=nonsense&stream=stdout"))[0] == "apple\npear"
    found = page_of(client, sent.plan_id, "?q=APPLE")
    assert sorted(lines(found)) == ["Apple pie", "apple", "stderr bad apple"]
    assert "3 lines contain" in found
    assert lines(page_of(client, sent.plan_id, "?q=apple&stream=stdout")) == ["apple", "Apple pie"]
    assert "Nothing matches" in page_of(client, sent.plan_id, "?q=%3Cb%3E")


def test_what_never_came_is_told_in_its_place(client: FlaskClient, house: House) -> None:
    """B-046: with its size."""
    sent = printed(house)
    end = OutputEnd(sent.plan_id, sent.id, 6, 70, truncated=False)
    chunks = [HostChunk(sent.plan_id, sent.id, 5, "stdout", 60, "after\n", 1.0)]
    house.store.commit(Changes(host_chunks=chunks, output_ends=[end]))
    page = page_of(client, sent.plan_id)
    assert lines(page) == []
    assert "was asked for again" in page
    tries = [house.store.claim_gaps(at * 1e10).given_up for at in range(1, 8)]
    assert [sent.plan_id] in tries

    page = page_of(client, sent.plan_id)

    assert '<p class="o-gap">5 chunks did not arrive, 60 B left out</p>' in page
    assert lines(page) == ["after"]


def test_what_is_not_there_is_404_and_a_bad_cursor_400(client: FlaskClient, house: House) -> None:
    sent = printed(house, "x")
    place = f"/tasks/{sent.plan_id}"
    assert client.get(f"/tasks/{uuid4()}/hosts/web1").status_code == 404
    assert client.get(f"{place}/hosts/web9").status_code == 404
    assert client.get(f"{place}/hosts/web2").status_code == 200
    assert client.get(f"{place}/hosts/web1?before=../..").status_code == 400
    assert client.get(f"{place}/output.txt?host=web9").status_code == 404
    assert client.get(f"{place}/steps/2?plan_id=1&_external=1&q=%27").status_code == 200


def test_a_page_that_is_looked_at_again_gets_only_the_part(client: FlaskClient, house: House) -> None:
    """W-036: the rows keep their keys, so that what is new can wait behind a button."""
    sent = printed(house, "one\n", "two\n", chunks=4)
    before = client.get(f"/tasks/{sent.plan_id}/hosts/web1?part=output").text
    say(house, sent, "three\nfour\n", first=2)
    after = client.get(f"/tasks/{sent.plan_id}/hosts/web1?part=output").text

    keys = [re.findall(r'data-key="([^"]+)"', part) for part in (before, after)]
    assert keys[1][: len(keys[0])] == keys[0]
    assert 'data-hold-new="line"' in after
    assert after.count('data-lines="2"') == 1
    assert "data-hold-new" not in client.get(f"/tasks/{sent.plan_id}/hosts/web1?part=output&follow=1").text


def test_what_a_step_printed_is_not_shown_as_its_log_again(client: FlaskClient, house: House) -> None:
    page = {}
    for log in ("two\nthree\n", "another text\n"):
        plan = draft(1, plan_id=uuid4(), label="printing", args="{}")
        plan.plan.state = PlanState.STOPPED
        for action in plan.actions:
            action.output = json.dumps({"exit_code": 0, "log": log})
        house.store.commit(Changes(new_plans=[plan]))
        sent = request(plan.plan.id)
        house.store.commit(Changes(new_requests=[sent]))
        say(house, sent, "one\ntwo\n", "three\n")
        page[log] = client.get(f"/tasks/{sent.plan_id}/steps/2").text

    assert ["log-heading" in text for text in page.values()] == [False, True]
    assert all("printed-heading" in text for text in page.values())
