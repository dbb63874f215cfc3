"""What stories share: a machine without the package, and with a service to restart."""

from tests.stories.test_real_operations import service, without_hello

__all__ = ["service", "without_hello"]
