"""`/metrics` on the internal port: our metrics, and those that listeners made with prometheus_client or OTel."""

from __future__ import annotations

from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response


async def metrics_page(request: Request) -> Response:
    """Answers with all metrics, in the format that the scraper asks for."""
    encoder, content_type = choose_encoder(request.headers.get("accept", ""))
    # OpenTelemetry's reader is registered there too (meters.py): it collects now.
    return Response(encoder(REGISTRY), media_type=None, headers={"content-type": content_type})
