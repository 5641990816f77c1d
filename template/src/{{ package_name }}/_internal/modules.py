"""What a plugin is, how it is imported, and how its options are checked."""

import contextlib
import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import PluginError

__all__ = ["Broken", "Plugin", "first_line", "forget", "guarded", "printable"]

_PREFIX = f"{__package__.partition('.')[0]}_plugin_"
_loaded: set[str] = set()


@dataclass(frozen=True)
class Plugin:
    """A transform with its options, and where it comes from; it is imported when it is called.

    `module` is what to import, with a colon before the function if that is not ``transform``;
    without one `file` is run. `help`, `signature` and `whole_table` (it needs all rows at once)
    are known once it was `described`.
    """

    name: str
    file: Path
    source: str
    sha256: str
    module: str = ""
    help: str = ""
    signature: str = ""
    whole_table: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    @functools.cached_property
    def transform(self) -> Callable[..., Any]:
        """Import the function."""
        name = self.module.partition(":")[2] or "transform"
        made: Callable[..., Any] | None = getattr(_import(self), name, None)
        if not callable(made):
            msg = f"it must define a function {name}(frame)"
            raise PluginError(msg)
        return made

    def __call__(self, frame: Any) -> Any:
        """Apply the transform."""
        return self.transform(frame, **self.options)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the function behind."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def described(self) -> "Plugin":
        """Import it and add what it says of itself."""
        module, transform = _import(self), self.transform
        signature = inspect.signature(transform)
        options = [*signature.parameters.values()][1:]
        if not signature.parameters or any(
            option.kind is not option.KEYWORD_ONLY for option in options
        ):
            msg = f"transform must take (frame, *, option=…), got {signature}"
            raise PluginError(msg)
        text = getattr(transform, "func", transform).__doc__ or module.__doc__ or ""
        return replace(
            self,
            help=text.strip().partition("\n")[0],
            signature=f"({', '.join(map(str, options))})" if options else "",
            whole_table=getattr(module, "WHOLE_TABLE", False) is True,
        )

    def with_options(self, given: Mapping[str, Any]) -> "Plugin":
        """Check options by their types; one that is not given keeps its default.

        Raises
        ------
        PluginError
            If an option is unknown, missing or of a wrong type; the message names all.
        """
        from pydantic import TypeAdapter, ValidationError

        parameters = inspect.signature(self.transform).parameters
        known = {name: parameters[name] for name in [*parameters][1:]}
        inner = inspect.unwrap(getattr(self.transform, "func", self.transform))
        names = vars(sys.modules[inner.__module__])
        options, mistakes = {}, []
        for name, value in given.items():
            try:
                kind = known[name].annotation
                kind = eval(kind, names) if isinstance(kind, str) else kind  # noqa: S307
                kind = Any if kind is inspect.Parameter.empty else kind
                options[name] = TypeAdapter(kind).validate_python(value)
            except KeyError:
                there = ", ".join(known) or "none"
                mistakes.append(f"unknown option {name!r}; its options are {there}")
            except ValidationError as error:
                for item in error.errors():
                    place = ".".join(map(str, [name, *item["loc"]]))
                    mistakes.append(f"option {place} = {item['input']!r}: {item['msg']}")
        for name, option in known.items():
            if name not in given and option.default is option.empty:
                mistakes.append(f"option {name!r} is missing")
        if mistakes:
            raise PluginError("; ".join(mistakes))
        return replace(self, options=options)


@dataclass(frozen=True)
class Broken:
    """A plugin that cannot be used, and why."""

    name: str
    file: Path
    source: str
    error: str

    def __str__(self) -> str:
        """Write two lines; what a terminal would obey is escaped, e.g. a line break."""
        lines = f"! {self.name}: {self.error}", f"    {self.source}, {self.file}"
        return "\n".join(map(printable, lines))


class _Loader(SourceFileLoader):
    """Reads the source each time, so that no byte code is left in a plugin folder."""

    def path_stats(self, path: Any) -> Any:
        raise OSError


def _import(plugin: Plugin) -> ModuleType:
    """Import a module, or run a file as a module whose name nothing else has."""
    name = plugin.module.partition(":")[0] or f"{_PREFIX}{plugin.name}_{plugin.sha256[:12]}"
    _loaded.add(name)
    if plugin.module or name in sys.modules:
        return importlib.import_module(name)
    loader = _Loader(name, str(plugin.file))
    module = module_from_spec(spec_from_loader(name, loader))  # type: ignore[arg-type]
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def forget() -> None:
    """Drop the modules of all plugins, so that the next use imports them anew."""
    for name in [*sys.modules]:
        if any(name == each or name.startswith(f"{each}.") for each in _loaded):
            del sys.modules[name]
    importlib.invalidate_caches()


@contextlib.contextmanager
def guarded(what: str) -> Iterator[None]:
    """Turn whatever a plugin raises into PluginError.

    Raises
    ------
    PluginError
        With `what` failed, and the first line of an error, SystemExit included.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        msg = f"{what}: {first_line(error)}"
        raise PluginError(msg) from error


def printable(text: str) -> str:
    """Escape what a terminal would obey or could not show, e.g. a line break."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def first_line(error: BaseException) -> str:
    """Give the first line of an error, with its type unless it is one of this package."""
    names = [] if isinstance(error, PluginError) else [type(error).__name__]
    return ": ".join([*names, *str(error).strip().splitlines()[:1]])
