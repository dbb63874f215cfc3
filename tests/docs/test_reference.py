"""The reference says what the commands say."""

from tests.docs import states
from tests.docs.reference import PAGE, page


def test_the_page_of_commands_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run: python -m tests.docs.reference"


def test_the_page_of_states_is_up_to_date() -> None:
    assert states.PAGE.read_text() == states.page(), "run: python -m tests.docs.reference"
