"""Keeps what the listeners tell: a small server in a pod of its own, on a node that no test takes away."""

from __future__ import annotations

import time
from typing import Any

import uvicorn
from fastapi import FastAPI, Request

app = FastAPI()
lines: list[dict[str, Any]] = []


@app.post("/")
async def tell(request: Request) -> dict[str, int]:
    """Takes one line and stamps it with this clock, the only one that all pods share."""
    line = await request.json()
    lines.append(line | {"recorded_at": time.time()})
    return {"lines": len(lines)}


@app.get("/healthz")
async def healthz() -> dict[str, int]:
    """Whether it listens; how many lines it has is for people."""
    return {"lines": len(lines)}


@app.get("/lines")
async def told() -> list[dict[str, Any]]:
    """Every line so far, in the order of arrival."""
    return lines


if __name__ == "__main__":
    uvicorn.run(app, host="0.0.0.0", port=8000, log_level="warning", access_log=False)
