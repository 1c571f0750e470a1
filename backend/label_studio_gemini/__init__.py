"""A Label Studio ML backend that pre-labels images with Gemini."""

__version__ = "0.1.0"
