"""Sequences of acts: loading, histories, batches, items that go together."""
