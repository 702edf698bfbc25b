"""What watches the nights, and the page that says how a night went."""
