"""The encoder and decoder against docs/poles-protocol-vectors.json."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.stranger import wire

VECTORS = json.loads((Path(__file__).parents[2] / "docs" / "poles-protocol-vectors.json").read_text("utf-8"))


def on_paper(value: Any) -> Any:
    """The value as JSON has it: bytes as base64."""
    if isinstance(value, dict):
        return {name: on_paper(item) for name, item in value.items()}
    if isinstance(value, list):
        return [on_paper(item) for item in value]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


@pytest.mark.parametrize("vector", VECTORS, ids=[f"{v['direction']}: {v['name']}" for v in VECTORS])
def test_vector(vector: dict[str, Any]) -> None:
    """A body is taken, dropped or refused as the file says, and said again in the same bytes."""
    body = bytes.fromhex(vector["hex"])
    if vector["then"] == "dropped":
        with pytest.raises(wire.Malformed):
            wire.decode(body)
    elif vector["then"] == "refused":
        with pytest.raises(wire.UnknownType):
            wire.decode(body)
    else:
        message = wire.decode(body)
        if message["type"] == "hello":
            assert (vector["then"] == "refused-version") == (message["version"] != 1)
        if "message" in vector:
            assert on_paper(message) == vector["message"]
            assert wire.encode(message) == body
