"""wmassfit: from templates to the W mass, and to what it means."""

from wmassfit._version import __version__

__all__ = ["__version__"]
