"""What a scrape shows, read with the parser of the client library."""

from collections.abc import Mapping
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

Labels = tuple[tuple[str, str], ...]


class Scrape:
    """The samples of one scrape, by full name."""

    def __init__(self, text: bytes) -> None:
        self.families: Final = {
            family.name: family for family in text_string_to_metric_families(text.decode())
        }
        self.samples: Final = [sample for family in self.families.values() for sample in family.samples]

    @property
    def names(self) -> set[str]:
        """The names of all families, those without samples included, as chapter 6 writes them."""
        return {
            f"{name}_total" if family.type == "counter" else name for name, family in self.families.items()
        }

    def values(self, name: str) -> Mapping[Labels, float]:
        """The values of the samples with this name, by their labels in order."""
        return {
            tuple(sorted(sample.labels.items())): sample.value
            for sample in self.samples
            if sample.name == name
        }

    def value(self, name: str, **labels: str) -> float:
        """The value of one sample; 0 if it is not there."""
        return self.values(name).get(tuple(sorted(labels.items())), 0.0)
