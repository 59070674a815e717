"""Combine datacards: read, several merged as one, written. `datacard` holds the format."""
