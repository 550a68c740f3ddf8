"""What we use of FastAPI, with the models of its OpenAPI documents built when they are first used.

We serve no such document, and to build these models takes 1.3 MiB of a pod and 70 ms of its start. A team's own FastAPI
application (ROUTES) may serve one: pydantic then builds what it needs.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

_config = BaseModel.model_config
BaseModel.model_config = ConfigDict(defer_build=True)  # every model inherits it that is defined meanwhile
try:
    from fastapi import APIRouter, FastAPI
    from fastapi.routing import iter_route_contexts
finally:
    BaseModel.model_config = _config

__all__ = ["APIRouter", "FastAPI", "iter_route_contexts"]
