"""Texts as vectors: titles of items, and what people write."""
