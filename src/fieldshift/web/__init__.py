"""The web face: a desk for analysts, in a browser. It calls the public names and shows what they say."""

from fieldshift.web.serving import serve

__all__ = ["serve"]
