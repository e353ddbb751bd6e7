"""The channels between papermill and a kernel, over zmq's own sockets."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
import zmq
import zmq.asyncio
from jupyter_client.session import Session

from assay.execution import kernel as kernels
from assay.execution.kernel import Meter, MeteredChannel


def test_what_comes_while_something_is_sent_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """zmq says once that a reply is there: to who sends just then, if that is another socket."""
    monkeypatch.setattr(kernels, "_when_hung_up", lambda monitor, _: monitor.close())
    assert asyncio.run(_heard(tmp_path)) == "execute_reply"


async def _heard(folder: Path) -> str:
    session, address = Session(key=b"key"), f"ipc://{folder}/shell"
    context = zmq.asyncio.Context()

    class Channel(MeteredChannel):
        kernel, sockets = Meter(folder), context

    kernel = zmq.Context.shadow(context.underlying).socket(zmq.ROUTER)
    kernel.bind(address)
    socket = context.socket(zmq.DEALER)
    socket.connect(address)
    channel = Channel(socket, session, asyncio.get_running_loop())
    channel.send(session.msg("execute_request"))
    [client, *_] = kernel.recv_multipart()
    waiting = asyncio.create_task(channel.get_msg())
    await asyncio.sleep(0.1)  # nothing is there yet: it waits to be told

    reply: dict[str, Any] = session.msg("execute_reply")
    kernel.send_multipart([client, *session.serialize(reply)])
    time.sleep(0.1)  # it has come, and the loop has not looked yet
    channel.send(session.msg("comm_msg"))
    try:
        return str((await asyncio.wait_for(waiting, 60))["msg_type"])
    finally:
        for one in (kernel, socket):
            one.close(linger=0)
        context.destroy()
