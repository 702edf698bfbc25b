"""People as `dim_person_profile` has them, of all sorts."""

from __future__ import annotations

from typing import Any


def person(number: int) -> str:
    return f"p{number:016x}"


def profile(number: int) -> dict[str, Any]:
    return {
        "person_id": person(number),
        "recency_days": None if number % 5 == 0 else number,
        "frequency": number % 7,
        "monetary": 10.0 * number,
        "basket": None,
        "posts": number % 3,
        "weekend_share": (number % 10) / 10,
        "taste_vector": None if number % 4 == 0 else [float(number % 6), 1.0 / (1 + number)],
        "segments": ["even"] if number % 2 == 0 else ["odd", "rare"] if number < 10 else ["odd"],
    }
