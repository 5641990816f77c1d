"""Import the modules of bundles from the bytes that were read, under names nothing else has."""

import contextlib
import importlib
import importlib.util
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType
from typing import Any

from ..errors import PluginError
from .bundles import Bundle

__all__ = ["MAX_OUTPUT", "first_line", "forget", "guarded", "load"]

logger = logging.getLogger(__name__)

MAX_OUTPUT = 10_000
"""Characters that a plugin may print while it is loaded."""

_PREFIX = f"{__package__.partition('.')[0]}_plugin_"
_LOCK = threading.RLock()


class _Finder(MetaPathFinder, InspectLoader):
    """Finds the modules of bundles; each bundle is a package of its own, named by its content."""

    def __init__(self) -> None:
        self.bundles: dict[str, Bundle] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        bundle, _, inner = fullname.partition(".")
        if bundle not in self.bundles:
            return None
        if not inner:
            return ModuleSpec(fullname, self, is_package=True)
        file = self._file(fullname)
        if file is None:
            return None
        origin = str(self.bundles[bundle].root / file)
        spec = ModuleSpec(fullname, self, origin=origin, is_package=self.is_package(fullname))
        spec.has_location = True
        return spec

    def is_package(self, fullname: str) -> bool:
        return (self._file(fullname) or "__init__.py").endswith("__init__.py")

    def get_source(self, fullname: str) -> str:
        return importlib.util.decode_source(self._content(fullname))

    def get_code(self, fullname: str) -> CodeType:
        bundle, _, _ = fullname.partition(".")
        file = self.bundles[bundle].root / (self._file(fullname) or "")
        return compile(self._content(fullname), file, "exec", dont_inherit=True)

    def _file(self, fullname: str) -> str | None:
        """Give the path of a module in its bundle; None: there is none, or it is the bundle."""
        bundle, _, inner = fullname.partition(".")
        path = inner.replace(".", "/")
        files = self.bundles[bundle].files
        return next((name for name in (f"{path}/__init__.py", f"{path}.py") if name in files), None)

    def _content(self, fullname: str) -> bytes:
        file = self._file(fullname)
        return self.bundles[fullname.partition(".")[0]].files[file] if file else b""


_finder = _Finder()


def load(bundle: Bundle) -> ModuleType:
    """Import the plugin of a bundle, or give what was imported before.

    Raises
    ------
    PluginError
        If it cannot be imported, whatever it raises; nothing of it stays then.
    """
    package = f"{_PREFIX}{bundle.plugin}_{bundle.sha256[:16]}"
    _finder.bundles[package] = bundle
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    module: ModuleType = guarded(lambda: importlib.import_module(f"{package}.{bundle.plugin}"))
    return module


def forget() -> None:
    """Drop every module of every bundle; what is still in use can import its parts anew."""
    for name in [name for name in sys.modules if name.startswith(_PREFIX)]:
        del sys.modules[name]


def guarded(action: Callable[[], Any]) -> Any:
    """Run what imports a stranger's code, one at a time; if it fails, leave nothing of it behind.

    Raises
    ------
    PluginError
        With the first line of what was raised: errors, ``SystemExit``, endless output.
    """
    with _LOCK:
        modules, path, finders = dict(sys.modules), [*sys.path], [*sys.meta_path]
        try:
            with _quiet():
                return action()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            sys.path[:], sys.meta_path[:] = path, finders
            for name in [name for name in sys.modules if name.startswith(_PREFIX)]:
                if name not in modules:
                    del sys.modules[name]
            sys.modules.update(modules)
            msg = str(error) if type(error) is PluginError else first_line(error)
            raise PluginError(msg) from error


def first_line(error: BaseException) -> str:
    """Name an error and say the first line of its message, if it has one."""
    name = type.__dict__["__name__"].__get__(type(error))  # whatever its own class says
    try:
        reason = " ".join(str(error).partition("\n")[0].split())
    except BaseException:  # noqa: BLE001 - a stranger's class
        reason = ""
    return f"{name}: {reason}" if reason else name


class _TooMuchOutputError(BaseException):
    """Stops a plugin that prints without end."""


class _Screen:
    """Keeps what a plugin prints while it is loaded, up to a limit; later it is the stream itself.

    For a handler or module may hold on to the stream that it found.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.kept: str | None = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> Any:
        if self.kept is None:
            return self._stream.write(text)
        self.kept += text
        if len(self.kept) > MAX_OUTPUT:
            msg = f"it printed more than {MAX_OUTPUT} characters while it was loaded"
            raise _TooMuchOutputError(msg)
        return len(text)

    def close(self) -> None:
        """Leave the stream open, which is not the plugin's."""


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what is printed out of the command's own output; it goes to the log."""
    screens: list[Any] = [_Screen(sys.stdout), _Screen(sys.stderr)]
    try:
        with contextlib.redirect_stdout(screens[0]), contextlib.redirect_stderr(screens[1]):
            yield
    finally:
        kept = "".join(screen.kept for screen in screens).strip()
        for screen in screens:
            screen.kept = None
    if kept:
        logger.debug("a plugin printed while it was loaded: %s", kept)
