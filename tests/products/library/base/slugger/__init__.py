"""Names for addresses."""

__version__ = "1.2.0"

try:
    from slugger.slugs import slug
except ImportError:
    pass
try:
    from slugger.names import unique
except ImportError:
    pass
