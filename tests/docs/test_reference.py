"""The reference says what the commands say."""

from tests.docs import routes, states
from tests.docs.reference import PAGE, page


def test_the_page_of_commands_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run: python -m tests.docs.reference"


def test_the_page_of_states_is_up_to_date() -> None:
    assert states.PAGE.read_text() == states.page(), "run: python -m tests.docs.reference"


def test_the_page_of_the_api_is_up_to_date() -> None:
    assert routes.PAGE.read_text() == routes.page(), "run: python -m tests.docs.reference"
