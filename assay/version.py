"""The version, apart from the package's front door: what is inside does not import that."""

__version__ = "0.1.0"
