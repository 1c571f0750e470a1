"""The YAML file: strict models of it, and errors that say where it is wrong and what is right."""

from __future__ import annotations

from label_studio_gemini.config.models import (
    DEFAULT_MODEL,
    MAX_OBJECTS,
    NO_OPTIONS,
    POINT_WIDTH,
    BudgetConfig,
    CacheConfig,
    Config,
    DrawingConfig,
    ExampleConfig,
    ImagesConfig,
    OptionsConfig,
    PolygonConfig,
    PricesConfig,
    RecipeConfig,
    VertexConfig,
    WantedConfig,
)
from label_studio_gemini.config.reader import build_json_schema, read_config

__all__ = [
    "DEFAULT_MODEL",
    "MAX_OBJECTS",
    "NO_OPTIONS",
    "POINT_WIDTH",
    "BudgetConfig",
    "CacheConfig",
    "Config",
    "DrawingConfig",
    "ExampleConfig",
    "ImagesConfig",
    "OptionsConfig",
    "PolygonConfig",
    "PricesConfig",
    "RecipeConfig",
    "VertexConfig",
    "WantedConfig",
    "build_json_schema",
    "read_config",
]
