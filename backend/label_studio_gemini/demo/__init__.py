"""The demo: bundled photos, an answer key, and pictures of what comes of them."""
