"""Scoring of encrypted profiles by a partner who cannot read them."""
