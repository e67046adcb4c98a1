from __future__ import annotations

import socket
from pathlib import Path

import pytest

from toolkit.utils.launch.hosts import LOOPBACK, Host, free_port, own_address, place, read_hosts


def test_a_hostfile_names_machines_ports_and_slots(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text("# the cluster\nnode1\n\nnode2:2222 slots=4  # the large one\n10.0.0.7\n")
    assert read_hosts(path) == [Host("node1"), Host("node2", 2222, 4), Host("10.0.0.7")]


@pytest.mark.parametrize("line", ["node1 node2", "node1:ssh", "node1 slots=0", "node1 slots=x"])
def test_a_malformed_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "hosts"
    path.write_text(f"node0\n{line}\n")
    with pytest.raises(ValueError, match=r"hosts, line 2: .* is not name\[:port\] \[slots=N\]"):
        read_hosts(path)


def test_an_empty_hostfile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text("# nobody\n")
    with pytest.raises(ValueError, match="names no host"):
        read_hosts(path)


def test_processes_fill_slots_in_turn() -> None:
    first, second = Host("a", slots=2), Host("b")
    assert place(5, [first, second]) == [first, first, second, first, first]


def test_this_machine_is_known() -> None:
    assert Host().local
    assert Host(socket.gethostname()).local
    assert not Host("node1").local


def test_the_own_address_is_loopback_for_local_jobs() -> None:
    assert own_address([Host(), Host(LOOPBACK)]) == LOOPBACK


def test_an_unknown_machine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(self: socket.socket, address: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("socket.socket.connect", connect)
    with pytest.raises(OSError, match="no way to node1 is known: Name or service not known"):
        own_address([Host("node1")])


def test_a_free_port_can_be_listened_on() -> None:
    with socket.socket() as server:
        server.bind(("", free_port()))
        server.listen()
