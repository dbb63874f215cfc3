"""Which acknowledgements to send for what was settled. Pure: tags in, tags out."""

from collections.abc import Iterable


class AckBook:
    """Delivery tags of one channel: 1, 2, 3 … as they came. To settle a tag twice does nothing."""

    def __init__(self) -> None:
        self._lowest = 1  # everything below is settled
        self._above: set[int] = set()  # settled, while something below is not

    def ack(self, tags: Iterable[int]) -> tuple[int | None, list[int]]:
        """Settle tags; return the tag up to which all can be acknowledged at once, and the single ones above.

        The first is one of `tags`, since the broker refuses to acknowledge what it has forgotten.
        """
        fresh = self._settle(tags)
        up_to: int | None = None
        above = self._above
        while self._lowest in above:
            above.remove(self._lowest)
            if self._lowest in fresh:
                up_to = self._lowest
            self._lowest += 1
        return up_to, sorted(tag for tag in fresh if up_to is None or tag > up_to)

    def reject(self, tags: Iterable[int]) -> list[int]:
        """Settle tags; return those to be rejected one by one."""
        return sorted(self._settle(tags))

    def _settle(self, tags: Iterable[int]) -> set[int]:
        fresh = {tag for tag in tags if tag >= self._lowest and tag not in self._above}
        self._above |= fresh
        return fresh
