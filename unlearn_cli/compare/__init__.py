"""Finished runs side by side: statistics, tables, a page."""
