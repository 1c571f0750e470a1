"""How strict an emulator is, and how much it remembers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorSettings:
    """What may differ between emulators.

    Attributes:
        keys: The API keys, and tokens on Vertex AI, that are valid; None for any that is not in
            `refused_keys`.
        refused_keys: API keys and tokens that are not valid.
        model_prefixes: What the names of the models that exist begin with.
        largest_body: The greatest number of bytes of a request.
        keep_requests: How many requests are recorded.
        keep_bytes: How many bytes of their bodies.
    """

    keys: frozenset[str] | None = None
    refused_keys: frozenset[str] = frozenset({"wrong-key"})
    model_prefixes: tuple[str, ...] = ("gemini-",)
    largest_body: int = 100 * 2**20
    keep_requests: int = 10_000
    keep_bytes: int = 128 * 2**20

    def key_is_valid(self, key: str) -> bool:
        """Return whether requests with this key or token are answered."""
        return key not in self.refused_keys and (self.keys is None or key in self.keys)


DEFAULT_SETTINGS = EmulatorSettings()
