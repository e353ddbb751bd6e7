"""Figures that would open a window are drawn in the notebook: there is no screen in the sandbox.

`%matplotlib qt`, `%matplotlib widget` and `matplotlib.use("TkAgg")` are right on a student's own
machine. matplotlib raises here, and the figures of every later cell would be lost.
Standard library only until a figure is drawn: this file is copied into the sandbox.
"""

import importlib
import sys
from types import ModuleType
from typing import Any

WITHOUT_SCREEN = {None, "", "inline", "agg", "cairo", "pdf", "pgf", "ps", "svg", "template", "auto"}
"""What `%matplotlib` takes that needs no window."""
TOOLKITS = ("gtk3", "gtk4", "qt", "qt5", "tk", "wx")
WITH_SCREEN = (
    *(f"backend_{support}{canvas}" for support in TOOLKITS for canvas in ("agg", "cairo")),
    *("backend_macosx", "backend_nbagg", "backend_webagg", "backend_wx"),
)
"""matplotlib's modules that open a window, or a page of a server of their own."""


def draw_inline(shell: Any) -> None:
    """Let this kernel draw inline whatever asks for a window, and say so in the cell."""
    enable, enable_gui = shell.enable_matplotlib, shell.enable_gui

    def enable_matplotlib(gui: str | None = None) -> Any:
        if gui not in WITHOUT_SCREEN:
            _say(f"%matplotlib {gui}")
            gui = "inline"
        return enable(gui)

    def without_window(gui: str | None = None) -> None:
        if gui in WITHOUT_SCREEN or gui == "asyncio":
            enable_gui(gui)
        else:
            _say(f"%gui {gui}")

    shell.enable_matplotlib, shell.enable_gui = enable_matplotlib, without_window
    for name in WITH_SCREEN:
        sys.modules.setdefault(f"matplotlib.backends.{name}", _Inline(name, shell))


class _Inline(ModuleType):
    """Stands for a backend that needs a screen; it becomes the inline one when it is first used."""

    def __init__(self, name: str, shell: Any) -> None:
        super().__init__(f"matplotlib.backends.{name}")
        self.__dict__["_shell"] = shell

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_shell" not in self.__dict__:
            raise AttributeError(name)
        shell = self.__dict__.pop("_shell")
        _say(f"matplotlib's {self.__name__.rpartition('.')[2]}")
        inline = importlib.import_module("matplotlib_inline.backend_inline")
        inline.configure_inline_support(shell, "inline")
        self.__dict__.update({k: v for k, v in vars(inline).items() if not k.startswith("__")})
        return getattr(self, name)


def _say(asked: str) -> None:
    sys.stderr.write(f"{asked}: there is no screen here, figures are drawn inline\n")
