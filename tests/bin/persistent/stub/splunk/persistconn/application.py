"""The base class of persistent handlers."""


class PersistentServerConnectionApplication:
    """splunkd calls `handle` with a request, then `done`."""

    def handle(self, in_string: bytes) -> object:
        """Answer one request."""
        raise NotImplementedError

    def done(self) -> None:
        """Nothing, unless a handler has something to end."""
