"""Every process of the tests computes on one thread: more would wait for each other."""

import threadpoolctl
import torch


def test_a_test_process_has_one_numeric_thread():
    """Whatever the environment says that the tests were started in."""
    pools = {pool["filepath"]: pool["num_threads"] for pool in threadpoolctl.threadpool_info()}

    assert set(pools.values()) <= {1}, pools
    assert torch.get_num_threads() == 1
