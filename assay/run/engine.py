"""papermill's engine, which saves the notebook before and after every cell, saving less often."""

import time
from collections.abc import Callable
from typing import Any

from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines

NAME = "assay"
SHARE = 0.02
"""Of the time a run takes, what may go into saving it; all of it was a second for 40 cells."""


class Engine(NBClientEngine):  # type: ignore[misc]  # papermill has no annotations
    """As much of the notebook is saved as bears looking at when the run is cut off."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, **options: Any
    ) -> None:
        save = nb_man.save
        took = (nb_man.last_save_time - nb_man.start_time).total_seconds()  # at its start just now
        nb_man.save = _seldom(save, due=time.monotonic() + took / SHARE)
        try:
            super().execute_managed_notebook(nb_man, kernel_name, **options)
        except BaseException:
            nb_man.save = save  # what ends here is saved now, or never
            raise
        nb_man.save = _not_at_all  # papermill saves once more when it returns


def _not_at_all(**options: Any) -> None:
    pass


def _seldom(save: Callable[..., None], due: float) -> Callable[..., None]:
    """Skip calls before the first is due, and those that would take more than their share."""

    def save_if_due(**options: Any) -> None:
        nonlocal due
        before = time.monotonic()
        if before >= due:
            save(**options)
            due = before + (time.monotonic() - before) / SHARE

    return save_if_due


papermill_engines.register(NAME, Engine)
