"""The version that pdm-backend takes from git."""

from pdm.backend.hooks.version.scm import default_version_formatter

__all__ = ["version"]


def version(scm, context):
    """Give the version of this repository's newest tag, never a parent repository's."""
    return default_version_formatter(scm) if (context.root / ".git").exists() else "0.0.0"
