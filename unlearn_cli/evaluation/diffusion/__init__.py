"""Drawn images: judged, compared with real ones, and shown."""
