"""Pick the plugins that are named, with their options, and apply them."""

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import PluginError
from . import bundles, discovery, installed, modules, options
from .discovery import Broken, Found

__all__ = [
    "Broken",
    "Plugin",
    "apply",
    "find",
    "pick",
    "recall",
    "record",
    "reload",
    "survey",
    "warn_of_changes",
]

logger = logging.getLogger(__name__)

Step = str | Mapping[str, Any]


@dataclass(frozen=True)
class Plugin:
    """A transform with its options, and where it comes from.

    It can be called with a frame, and pickled: one of a folder takes its files with
    it. `whole_table` says that it needs all rows at once, `signature` its options as
    the function has them, `declared` the ``__version__`` of its module.
    """

    name: str
    transform: Callable[..., Any]
    help: str
    file: Path
    sha256: str
    source: str
    signature: str = ""
    declared: str = ""
    whole_table: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    bundle: bundles.Bundle | None = field(default=None, repr=False)
    module: installed.Module | None = field(default=None, repr=False)

    def __call__(self, frame: Any) -> Any:
        """Apply the transform."""
        return self.transform(frame, **self.options)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as a name, options and files, which are checked on arrival."""
        sent = (str(self.bundle.root), self.bundle.files) if self.bundle else None
        made = (self.name, self.source, self.sha256, sent)
        return _arrive, made, {"options": self.options}  # these may be of the plugin's classes

    @property
    def version(self) -> str:
        """Give the ``__version__`` of a file, or distribution and version of what is installed."""
        return self.declared or (self.module.version if self.module else "")


def survey(
    folder: Path | None = None, *, only_built_in: bool = False, strict: bool = False
) -> tuple[list[Plugin], list[Broken]]:
    """Load every plugin there is; one that is broken stops none of the others.

    Parameters
    ----------
    folder
        Where plugins of the user are; None: nowhere.
    only_built_in
        Look at nothing that does not come with the package.
    strict
        Raise if one is broken.

    Raises
    ------
    PluginError
        If the folder is missing or cannot be trusted; with `strict`, of all that is broken.
    """
    found, broken = discovery.find(folder, only_built_in=only_built_in)
    plugins = []
    for candidate in found.values():
        try:
            plugins.append(_load(candidate))
        except PluginError as error:
            broken.append(Broken(candidate.name, candidate.file, candidate.source, str(error)))
    if strict and broken:
        told = (f"plugin {item.file}: {item.error}" for item in broken)
        msg = discovery.printable("; ".join(told))
        raise PluginError(msg)
    return plugins, broken


def find(folder: Path | None = None, *, strict: bool = False) -> dict[str, Plugin]:
    """Load every plugin, by name; a broken one is warned of.

    Raises
    ------
    PluginError
        As `survey`.
    """
    plugins, broken = survey(folder, strict=strict)
    for item in broken:
        logger.warning("plugin %s cannot be loaded: %s", item.file, item.error)
    return {plugin.name: plugin for plugin in plugins}


def pick(
    steps: Sequence[Step], folder: Path | None = None, *, only_built_in: bool = False
) -> list[Plugin]:
    """Give the named plugins with their options, in that order; no other is loaded.

    Parameters
    ----------
    steps
        Each a name, or a table with the name as ``use`` and the options.
    folder, only_built_in
        As in `survey`.

    Raises
    ------
    PluginError
        If there is no plugin of a name, it cannot be loaded, or an option breaks its rule.
    """
    named = [*map(_split, steps)]
    found, broken = discovery.find(folder, only_built_in=only_built_in) if named else ({}, [])
    for name, _ in named:
        if name not in found:
            where = "plugins are off" if only_built_in else f"folder: {folder or 'none named'}"
            msg = f"no plugin {name!r}; there are: {', '.join(found) or 'none'} ({where})"
            for item in broken:
                if item.name == name:
                    msg = f"plugin {item.file} cannot be loaded: {item.error}"
            raise PluginError(msg)
    for item in broken:
        if item.name in {name for name, _ in named}:
            logger.warning("plugin %s is not used: %s", item.file, item.error)
    return [_with_options(_load_named(found[name]), given) for name, given in named]


def apply(plugins: Sequence[Plugin], frame: Any) -> Any:
    """Apply plugins to a frame, one after the other.

    Raises
    ------
    PluginError
        If one fails; the message names it.
    """
    for plugin in plugins:
        try:
            made = plugin(frame)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a stranger's code may raise anything
            msg = f"plugin {plugin.name!r} failed: {modules.first_line(error)}"
            raise PluginError(msg) from error
        if type(made) is not type(frame):
            kinds = [f"{type(it).__module__}.{type(it).__qualname__}" for it in (frame, made)]
            msg = f"plugin {plugin.name!r} must return a {kinds[0]} as it was given, got {kinds[1]}"
            raise PluginError(msg)
        frame = made
    return frame


def record(plugins: Sequence[Plugin]) -> list[dict[str, Any]]:
    """Describe plugins in plain values, fit for JSON."""
    return [
        {"name": plugin.name, "sha256": plugin.sha256}
        | ({"options": options.plain(plugin.options)} if plugin.options else {})
        for plugin in plugins
    ]


def recall(records: Sequence[Mapping[str, Any]]) -> list[Step]:
    """Give the steps that `record` described, to be picked again."""
    return [{**made.get("options", {}), "use": made["name"]} for made in records]


def warn_of_changes(plugins: Sequence[Plugin], records: Sequence[Mapping[str, Any]]) -> None:
    """Warn of plugins whose files are not those that were recorded."""
    for plugin, made in zip(plugins, records, strict=True):
        if plugin.sha256 != made["sha256"]:
            logger.warning("plugin %r has changed since training: %s", plugin.name, plugin.file)


def reload() -> None:
    """Forget every plugin that was loaded: the next use reads and runs its file anew."""
    modules.forget()
    installed.forget()


def _load(found: Found) -> Plugin:
    """Run a plugin's module and look at what it defines, which may run more of it."""
    plugin: Plugin = modules.guarded(lambda: _look(found))
    logger.debug("loaded plugin %s from %s", found.name, found.file)
    return plugin


def _look(found: Found) -> Plugin:
    module = found.load()
    transform: Any = module
    for name in found.attribute.split("."):
        transform = getattr(transform, name, None)
    options.check_signature(transform)
    inner = transform.func if isinstance(transform, functools.partial) else transform
    return Plugin(
        name=found.name,
        transform=transform,
        help=(inner.__doc__ or module.__doc__ or "").strip().partition("\n")[0],
        file=found.file,
        sha256=found.sha256,
        source=found.source,
        signature=options.describe(transform),
        declared=str(getattr(module, "__version__", "")),
        whole_table=getattr(module, "WHOLE_TABLE", False) is True,
        bundle=found.bundle,
        module=found.module,
    )


def _load_named(found: Found) -> Plugin:
    try:
        return _load(found)
    except PluginError as error:
        msg = f"plugin {found.file} cannot be loaded: {error}"
        raise PluginError(msg) from error


def _with_options(plugin: Plugin, given: Mapping[str, Any]) -> Plugin:
    return replace(plugin, options=options.check(plugin.name, plugin.transform, given))


def _split(step: Step) -> tuple[str, dict[str, Any]]:
    """Part a step into its name and its options."""
    given = {"use": step} if isinstance(step, str) else dict(step)
    name = given.pop("use", None)
    if not isinstance(name, str):
        msg = f'a transform is a name, or a table with its name as "use", got {step!r}'
        raise PluginError(msg)
    return name, given


def _arrive(
    name: str, source: str, sha256: str, sent: tuple[str, dict[str, bytes]] | None
) -> Plugin:
    """Build a plugin again where it was sent, if it is the one that was sent."""
    bundle = bundles.Bundle(name, Path(sent[0]), sent[1]) if sent else None
    found = discovery.arrived(name, source, bundle)
    if found is None or found.sha256 != sha256:
        what = "is not here" if found is None else "is another one here"
        msg = f"plugin {name!r} ({source}) {what}: install the same version as where it was sent"
        raise PluginError(msg)
    return _load_named(found)
