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

from ..errors import PluginError, require
from . import first_line

__all__ = ["Plugin", "guarded", "reload"]

_PREFIX = f"{__package__.partition('.')[0]}_plugin_"
_loaded: set[str] = set()


@dataclass(frozen=True)
class Plugin:
    """A transform with its options, and where it comes from; it is imported when it is called.

    `module` is what to import, with a colon before the function if that is not ``transform``;
    without one `file` is run. `help`, `signature` and `whole_table` (it needs all rows at once)
    are known once it was `described`. `error` says why it cannot be used; empty: it can.
    """

    name: str
    file: Path
    source: str
    sha256: str = ""
    module: str = ""
    help: str = ""
    signature: str = ""
    whole_table: bool = False
    error: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    @functools.cached_property
    def transform(self) -> Callable[..., Any]:
        """Import the function."""
        name = self.module.partition(":")[2] or "transform"
        made: Any = getattr(_import(self), name, None)
        require(callable(made), PluginError, f"it must define a function {name}(frame)")
        return made  # type: ignore[no-any-return]

    def __call__(self, frame: Any) -> Any:
        """Apply the transform."""
        return self.transform(frame, **self.options)

    def __str__(self) -> str:
        """Write two lines; what a terminal would obey is escaped, e.g. a line break."""
        text = f"{self.name}{self.signature}: {self.error or self.help}"
        lines = text, f"    {self.source}, {self.file}"
        escaped = (
            "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line) for line in lines
        )
        return "\n".join(escaped)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the function behind."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def described(self) -> "Plugin":
        """Import it and add what it says of itself."""
        module, transform = _import(self), self.transform
        signature = inspect.signature(transform)
        options = [*signature.parameters.values()][1:]
        by_keyword = all(option.kind is option.KEYWORD_ONLY for option in options)
        msg = f"transform must take (frame, *, option=…), got {signature}"
        require(signature.parameters and by_keyword, PluginError, msg)
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

        known = dict([*inspect.signature(self.transform).parameters.items()][1:])
        needed = [name for name, option in known.items() if option.default is option.empty]
        options, mistakes = {}, []
        for name, value in given.items():
            try:
                kind = TypeAdapter(_kind(known[name], self.transform))
                options[name] = kind.validate_python(value)
            except KeyError:
                there = ", ".join(known) or "none"
                mistakes.append(f"unknown option {name!r}; its options are {there}")
            except ValidationError as error:
                for item in error.errors():
                    place = ".".join(map(str, [name, *item["loc"]]))
                    mistakes.append(f"option {place} = {item['input']!r}: {item['msg']}")
        mistakes += [f"option {name!r} is missing" for name in needed if name not in given]
        require(not mistakes, PluginError, "; ".join(mistakes))
        return replace(self, options=options)


def _kind(option: inspect.Parameter, transform: Any) -> Any:
    """Give the type of an option, evaluated where its function was written if it is a text."""
    kind = option.annotation
    if isinstance(kind, str):
        written = inspect.unwrap(getattr(transform, "func", transform))
        kind = eval(kind, vars(sys.modules[written.__module__]))  # noqa: S307
    return Any if kind is option.empty else kind


class _Loader(SourceFileLoader):
    """Reads the source each time, so that no byte code is left in a plugin folder."""

    def path_stats(self, path: Any) -> Any:
        raise OSError


def _import(plugin: Plugin) -> ModuleType:
    """Import a module, or run a file as a module whose name nothing else has."""
    name = plugin.module.partition(":")[0] or f"{_PREFIX}{plugin.name}_{plugin.sha256[:12]}"
    _loaded.add(name)
    if not plugin.module and name not in sys.modules:
        loader = _Loader(name, str(plugin.file))
        module = module_from_spec(spec_from_loader(name, loader))  # type: ignore[arg-type]
        sys.modules[name] = module
        before, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # of parts of a package
        try:
            loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        finally:
            sys.dont_write_bytecode = before
    return importlib.import_module(name)


def reload() -> None:
    """Forget every plugin that was loaded: the next use reads and runs its file anew."""
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
