"""A kernel of ours for papermill: ipc sockets, one thread, an environment we chose.

Over TCP about one parallel start in twenty loses a race for its ports (papermill #511); ipc has
no ports. The notebook's own kernel name is never honoured.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from assay.run import numerics

PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH")


def environment(desk: Path) -> dict[str, str]:
    """All that a kernel may know: nothing of ours but where its desk stands."""
    home = str(desk / "home")
    return {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        **numerics.environment(),
        "HOME": home,
        "TMPDIR": home,
        "IPYTHONDIR": f"{home}/.ipython",
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "PYTHONPATH": str(desk / "submission"),
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "ASSAY_KIT": str(desk / "kit"),
    }


def manager_for(desk: Path) -> type[AsyncKernelManager]:
    """A kernel manager class whose kernels work at this desk."""

    class DeskKernelManager(AsyncKernelManager):
        processes: ClassVar[list["subprocess.Popen[bytes]"]] = []
        """Every kernel started; nbclient lets go of them before their wait status can be read."""

        def __init__(self, **traits: Any) -> None:
            super().__init__(**traits)
            self.transport = "ipc"
            self.connection_file = str(desk / "ipc" / "kernel.json")
            self.ip = str(desk / "ipc" / "kernel")
            argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            argv.append("--HistoryManager.enabled=False")
            self._kernel_spec = KernelSpec(argv=argv, display_name="assay", language="python")

        async def _async_launch_kernel(self, kernel_cmd: list[str], **options: Any) -> None:
            options |= {"env": environment(desk), "stdin": subprocess.DEVNULL}
            await super()._async_launch_kernel(kernel_cmd, **options)
            assert isinstance(self.provisioner, LocalProvisioner)
            assert self.provisioner.process is not None
            self.processes.append(self.provisioner.process)

        _launch_kernel = _async_launch_kernel

    return DeskKernelManager
