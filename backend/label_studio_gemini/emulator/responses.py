"""JSON on its way out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from label_studio_gemini.emulator.api import JsonObject


def json_response(
    body: JsonObject, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer in ASCII: a lone surrogate, which a model can write, travels escaped."""
    return Response(
        json.dumps(body), status_code=status, headers=headers, media_type="application/json"
    )
