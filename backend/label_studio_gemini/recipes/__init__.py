"""Recipes: what to ask for, and which label of which control tag each answer becomes."""

from __future__ import annotations

from label_studio_gemini.recipes.builder import RecipeSet, build_recipes
from label_studio_gemini.recipes.types import (
    AnswerRecipe,
    AnyRecipe,
    Drawing,
    ExampleImage,
    Recipe,
    RegionRecipe,
    RelationWanted,
    Wanted,
    draws_regions,
    takes_answers,
)

__all__ = [
    "AnswerRecipe",
    "AnyRecipe",
    "Drawing",
    "ExampleImage",
    "Recipe",
    "RecipeSet",
    "RegionRecipe",
    "RelationWanted",
    "Wanted",
    "build_recipes",
    "draws_regions",
    "takes_answers",
]
