"""Our own kernel for papermill: ipc sockets, the sandbox's command line, every byte counted.

Over TCP about one parallel start in twenty loses a race for its ports (papermill #511); ipc has
no ports. The notebook's own kernel name is never honoured.
"""

import json
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import zmq
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Type
from zmq.utils.monitor import recv_monitor_message

from assay.execution.clock import ASKING, RAN, TOLD, Clock
from assay.execution.process import Child
from assay.execution.sockets import PORTS, Sockets
from assay.sandbox.workdirs import Took
from assay.units import MB

if TYPE_CHECKING:  # the module is not needed beside a kernel
    from assay.sandbox.sandbox import Start

CELL_OUTPUT = 8 * MB
RUN_OUTPUT = 32 * MB
STARTING = 300.0
"""Seconds that a kernel may take to its first answer, on a machine that has much else to do."""
NEVER = 24 * 3_600_000
"""Milliseconds to a second attempt to connect: sockets listen before they are connected to."""
AGAIN = 2_000
"""Milliseconds in which zmq says that it would connect again: it says so from its own thread."""
DYING = 2.0
"""Seconds, computed or waited, that a dying kernel may take from closing its sockets to its end."""
RAN_AT_MOST = 40
"""Times that a kernel may say that something runs which was not handed in."""
Message = dict[str, Any]
"""As the messaging protocol has it: header, parent header, metadata, content, buffers."""
OF_EXAM = "assay_exam"
"""A message in which the exam says what it asks, or has written down: for us, and no notebook."""


class Instant(NamedTuple):
    """A time on the wall clock, and in seconds of a processor."""

    wall: float
    computed: float


@dataclass
class Meter:
    """What a kernel has sent; over a limit it is killed, and `message` says why."""

    workdir: Path
    processes: "list[subprocess.Popen[bytes] | Child]" = field(default_factory=list)
    """Every kernel started; nbclient lets go of them before their wait status can be read."""
    cell: int = 0
    run: int = 0
    cut: bool = False
    broken: bool = False
    """It closed a connection to us, and lived on."""
    hanging_up: bool = False
    """A connection is gone, and it is not known yet which end closed it."""
    message: str = ""

    is_at_work: bool = False
    """It has said that it has begun the cell that it was sent last."""

    asking: str = ""
    """The number and the name of the question that is put now, '' between two of them."""

    begun: str = ""
    """The question that was begun last: only to it an answer can be given."""

    questions: frozenset[str] = frozenset()
    """Those that were handed out: no other one can be begun."""

    clock: Clock = field(default_factory=lambda: Clock(os.getpid()))

    asked: dict[str, Took] = field(default_factory=dict)
    """What each question took, from when it was heard of to its answer, or to the kernel's end."""

    _ran: int = 0
    """How often it has said that something runs which was not handed in."""

    _question_began: "Instant" = field(default_factory=lambda: Instant(0.0, 0.0))

    def hear(self, said: Mapping[str, object]) -> None:
        """The exam has begun a question, or has written an answer down, which ends it.

        Or the kernel says that something runs which was not handed in.
        """
        if "asking" in said:
            asking = str(said["asking"])[:1000]
            if (question := asking.partition(" ")[2]) in self.questions:
                self._now_asking(asking)
                self.begun, self._question_began = question, self.instant()
        elif "ran" in said:
            if self._ran < RAN_AT_MOST:
                self._ran += 1
                what, digest = str(said["ran"])[:300], str(said.get("digest"))[:64]
                with (self.workdir / RAN).open("a", encoding="ascii") as notes:
                    notes.write(f"{json.dumps([what, digest])}\n")
        elif self.begun and said.get("question") == self.begun:  # again, where its time was up
            digest = str(said.get("digest"))[:128]
            with (self.workdir / TOLD).open("a", encoding="ascii") as notes:
                notes.write(f"{json.dumps([self.begun, digest])}\n")
            self.time_question()
            self._now_asking("")

    def time_question(self) -> None:
        """Note what the question took that was begun last."""
        self.asked[self.begun] = self.since(self._question_began)

    def instant(self) -> "Instant":
        """Return the time by both clocks."""
        return Instant(time.monotonic(), self.clock.computed)

    def since(self, begun: "Instant") -> Took:
        """What has passed by both clocks."""
        now = self.instant()
        return {
            "seconds": round(now.wall - begun.wall, 3),
            "cpu_seconds": round(now.computed - begun.computed, 3),
        }

    def note_state(self, content: object) -> None:
        """It says of itself that it is busy: it has begun what it was sent."""
        self.is_at_work |= isinstance(content, dict) and content.get("execution_state") == "busy"

    def _now_asking(self, asking: str) -> None:
        """Leave it in a file too: this process may end before it can report."""
        self.asking = asking
        (self.workdir / ASKING).write_text(asking, encoding="utf-8", errors="replace")

    def next_cell(self) -> None:
        """Another cell is about to be sent."""
        self.cell, self.is_at_work = 0, False

    def count(self, size: int) -> None:
        """Another message of this many bytes has arrived."""
        self.cell += size
        self.run += size
        if self.cell > CELL_OUTPUT:
            self.cut_off(f"sent more than {CELL_OUTPUT // MB} MB of output")
        elif self.run > RUN_OUTPUT:
            self.cut_off(f"brought the output of the run above {RUN_OUTPUT // MB} MB")

    def note(self, error: Exception) -> None:
        """Reading a message went wrong."""
        self.message = self.message or f"{type(error).__name__}: {error}"[:300].replace("\n", " ")

    def cut_off(self, why: str) -> None:
        self.message = self.message if self.cut else why
        self.cut = True
        self.kill()

    def hung_up(self, *, by_kernel: bool) -> None:
        """A connection is gone: a kernel that dies closes it, and zmq does on a long message."""
        clock = Clock(os.getpid())
        begun = now = clock.tick()
        while max(now.computed - begun.computed, now.waited - begun.waited) < DYING:
            if self.processes[-1].poll() is not None:
                return
            time.sleep(0.05)
            now = clock.tick()  # one that spins on what it shut does not wait: it computes
        if by_kernel:
            self.message = self.message or "it closed its connection"
            self.broken = True
            self.kill()
        else:
            self.cut_off(f"sent a message of more than {CELL_OUTPUT // MB} MB")

    def kill(self) -> None:
        """End every kernel."""
        for process in self.processes:
            process.kill()


def manager_for(
    workdir: Path, meter: Meter, bound: Sockets, forked: Child | None = None
) -> type[AsyncKernelManager]:
    """A kernel manager class whose kernels work at this workdir, listen there and are metered.

    A kernel that was forked for it waits already, and is let begin.
    """
    context = zmq.asyncio.Context()
    context.maxmsgsize = CELL_OUTPUT
    context.reconnect_ivl = NEVER
    context.rcvhwm = 0  # zmq drops messages above a high-water mark; ours are counted instead

    class Channel(MeteredChannel):
        kernel, sockets = meter, context

    class Client(MeteredClient):
        iopub_channel_class = Type(Channel)  # type: ignore[assignment]
        shell_channel_class = Type(Channel)  # type: ignore[assignment]

    class Manager(SandboxKernelManager):
        client_factory = Type(Client)
        at, kernel, waiting, sockets, listening = workdir, meter, forked, context, bound
        how = json.loads((workdir / "kernel.json").read_text(encoding="utf-8"))

    return Manager


class MeteredChannel(AsyncZMQSocketChannel):
    """Counts what a kernel sends before it is read."""

    kernel: ClassVar[Meter]
    sockets: ClassVar[zmq.asyncio.Context]

    def __init__(self, socket: zmq.asyncio.Socket, *arguments: Any) -> None:
        super().__init__(socket, *arguments)
        address = f"inproc://monitor-{id(self)}"
        socket.monitor(address, zmq.EVENT_DISCONNECTED | zmq.EVENT_CONNECT_RETRIED)
        monitor: zmq.Socket[bytes] = zmq.Context.shadow(self.sockets.underlying).socket(zmq.PAIR)
        monitor.connect(address)
        Thread(target=_when_hung_up, args=(monitor, self.kernel), daemon=True).start()

    def send(self, message: Message) -> None:
        """Send by the very socket that is waited on; stock sends past it.

        zmq says only once that something has come, and a sender may be notified: a reply that
        came while a widget's message left was then waited for without end.
        """
        assert isinstance(self.socket, zmq.asyncio.Socket)
        frames = [*self.session.serialize(message), *message.get("buffers", [])]
        self.socket.send_multipart(frames)

    async def _recv(self, **options: Any) -> Message:  # type: ignore[override]
        assert self.socket is not None
        while True:
            frames = await self.socket.recv_multipart(**options)
            self.kernel.count(sum(map(len, frames)))
            if self.kernel.cut:
                continue  # its kernel is killed: what still waits in the queue is not kept
            _, packed = self.session.feed_identities(frames)
            message = self.session.deserialize(packed)
            if message["msg_type"] != OF_EXAM:
                self.kernel.note_state(message["content"])
                return message
            self.kernel.hear(message["content"])


class MeteredClient(AsyncKernelClient):
    """Waits for a kernel no longer than it takes, and listens for no heartbeat."""

    def start_channels(self, **channels: bool) -> None:  # type: ignore[override]
        super().start_channels(**{"hb": False, **channels})

    async def _async_wait_for_ready(self, timeout: float | None = None) -> None:
        """As soon as one question is answered on both channels; stock waits for silence."""
        until = time.monotonic() + (timeout or STARTING)
        while not await _answers(self):
            if not await self._async_is_alive():
                raise RuntimeError("the kernel died before it replied")
            if time.monotonic() > until:
                raise RuntimeError("the kernel does not reply")

    wait_for_ready = _async_wait_for_ready


class SandboxKernelManager(AsyncKernelManager):
    """Starts the kernel of a workdir as `kernel.json` there says, or lets one that waits begin."""

    at: ClassVar[Path]
    kernel: ClassVar[Meter]
    waiting: ClassVar[Child | None]
    sockets: ClassVar[zmq.asyncio.Context]
    listening: ClassVar[Sockets]
    how: ClassVar["Start"]

    def __init__(self, **traits: Any) -> None:
        super().__init__(context=self.sockets, **traits)
        self.transport = "ipc"
        self.connection_file = str(self.at / "ipc" / "kernel.json")
        self.ip = str(self.at / "ipc" / "kernel")
        self.session.key = self.listening.key.encode()
        for name, port in PORTS.items():
            setattr(self, name, port)
        self._kernel_spec = KernelSpec(
            argv=self.format_kernel_cmd(),
            display_name="assay",
            language="python",
            interrupt_mode="message",  # a signal would end the sandbox around the kernel
        )

    def client(self, **options: Any) -> AsyncKernelClient:  # type: ignore[override]
        return super().client(context=self.sockets, **options)

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        return list(self.how.get("command", ["forked"]))  # braces in it are braces

    async def _async_launch_kernel(self, kernel_cmd: list[str], **options: Any) -> None:
        assert isinstance(self.provisioner, LocalProvisioner)
        if self.waiting is not None:
            self.provisioner.process = self.waiting  # type: ignore[assignment]
            self.provisioner.pid = self.waiting.pid
            self.kernel.processes.append(self.waiting)
            self.listening.close()
            self.waiting.begin()
            return
        with (self.at / "kernel.log").open("wb") as log:
            options |= {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            environment = self.how["environment"] | self.listening.environment
            options |= {"env": environment, "cwd": "/", "pass_fds": self.listening.descriptors}
            await super()._async_launch_kernel(kernel_cmd, **options)
        self.listening.close()
        assert self.provisioner.process is not None
        self.kernel.processes.append(self.provisioner.process)

    _launch_kernel = _async_launch_kernel

    async def _async_wait(self, pollinterval: float = 0.1) -> None:
        """It has been killed: there is nothing to poll for."""
        for process in self.kernel.processes:
            process.wait(timeout=60)


async def _answers(client: AsyncKernelClient) -> bool:
    """Whether a kernel answers one question, and is heard on both channels."""
    asked = client.kernel_info()
    try:
        reply = await client.shell_channel.get_msg(timeout=1)
        while reply["parent_header"].get("msg_id") != asked:  # to an earlier one
            reply = await client.shell_channel.get_msg(timeout=1)
        while True:
            said = await client.iopub_channel.get_msg(timeout=0.05)
            ours = said["parent_header"].get("msg_id") == asked
            if ours and said["content"].get("execution_state") == "idle":
                client._handle_kernel_info_reply(reply)
                return True
    except Empty:
        return False


def _when_hung_up(monitor: "zmq.Socket[bytes]", meter: Meter) -> None:
    """zmq would connect again where the other end closed the connection, and not where it did."""
    recv_monitor_message(monitor)
    meter.hanging_up = True
    try:
        meter.hung_up(by_kernel=bool(monitor.poll(AGAIN)))
    except BaseException:
        meter.kill()  # until its end is known, no limit of a cell acts
        raise
