"""Where files are kept, and how they get there: cache folders, mirrors, verified downloads."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from toolkit.utils.archives import ArchiveError, extract_member
from toolkit.utils.disk import atomic_write, make_parent
from toolkit.utils.downloads import Policy, SourceError, download, shown
from toolkit.utils.hashes import Digest, HashedWriter, HashMismatchError, check_digest
from toolkit.utils.locks import locked
from toolkit.utils.partial import Partial
from toolkit.utils.sources import candidates, is_local, mirrors, offline

__all__ = [
    "FetchError",
    "HashMismatchError",
    "OfflineError",
    "Policy",
    "atomic_write",
    "cache_dir",
    "check_digest",
    "fetch",
    "locked",
    "mirrors",
]

PATIENCE = Policy()
_REMEDY = "change that, or set TOOLKIT_HOME to another folder"
_log = logging.getLogger(__name__)


class FetchError(OSError):
    """No mirror gave the file; the message lists each place tried and why it failed."""


class OfflineError(FetchError):
    """The file is not on this machine, and ``TOOLKIT_OFFLINE`` forbids the network."""


@dataclass(frozen=True)
class _Order:
    """One file as it was ordered."""

    destination: Path
    digest: Digest
    size: int | None
    member: str | None
    progress: bool
    policy: Policy

    @property
    def content(self) -> str:
        """Names what a download holds, so that no other one's bytes are taken for its start."""
        return f"{self.digest} {self.member or ''}".strip()


def cache_dir(root: str | os.PathLike[str] | None = None, kind: str = "models") -> Path:
    """The folder for cached files; it is not created.

    Args:
        root: taken as it is where given (``~`` is expanded).
        kind: subfolder of ``$TOOLKIT_HOME``, else ``$MXNET_HOME``, else ``~/.mxnet``.
    """
    if root is not None:
        return Path(root).expanduser()
    home = os.environ.get("TOOLKIT_HOME") or os.environ.get("MXNET_HOME") or "~/.mxnet"
    return Path(home).expanduser() / kind


def fetch(
    url_path: str,
    destination: Path,
    *,
    digest: str,
    size: int | None = None,
    member: str | None = None,
    repos: Sequence[str] | None = None,
    progress: bool = True,
    policy: Policy = PATIENCE,
) -> Path:
    """Makes sure that ``destination`` holds a file with the given hash, and returns it.

    A file that is there and has the hash is left untouched. Otherwise the mirrors are tried in
    order: the download goes to ``<destination>.part``, goes on where an earlier one was cut off,
    is verified, and is moved into place in one step, under a lock that lets one process work
    while others wait for its result. Nothing but the destination remains, except a ``.part`` (and
    its ``.part.json``) after a network failure or an interrupt, if the server can resume it.

    Args:
        url_path: path below each mirror, or a full ``https://``, ``http://`` or ``file://`` URL.
        destination: where the file is to be; its folder is created.
        digest: ``"sha1:<hex>"`` or ``"sha256:<hex>"`` of the file, 8 digits or more.
        size: bytes of the file, where known.
        member: the file's name inside the zip file that the URL gives; ``digest`` and ``size``
            are the member's.
        repos: base URLs in place of `mirrors`.
        progress: shows a bar on stderr if that is a terminal.
        policy: timeouts and attempts.

    Raises:
        HashMismatchError: where a mirror gave another file, and no mirror the right one.
        OfflineError: where ``TOOLKIT_OFFLINE=1`` and no local place has the file.
        FetchError: where no mirror gave the file.
        OSError: where the folder is read-only, the disk full or the destination a folder.
        TimeoutError: where another process has held the lock for too long.
        ValueError: where ``digest`` is malformed.
    """
    order = _Order(Path(destination), Digest.parse(digest), size, member, progress, policy)
    if _flaw(order) is None:
        return order.destination
    urls = candidates(url_path, mirrors() if repos is None else repos)
    no_network = offline()
    allowed = [url for url in urls if not no_network or is_local(url)]
    failures: dict[str, Exception] = {}
    if allowed:
        make_parent(order.destination, _REMEDY)
        with locked(order.destination, policy.lock_timeout, remedy=_REMEDY):
            # Another process may have brought it while this one waited.
            if _flaw(order) is None or _bring(order, allowed, failures):
                return order.destination
    raise _failure(order, urls, failures, no_network)


def _flaw(order: _Order) -> str | None:
    """Why the destination is not yet the file that was ordered; None where it is."""
    path = order.destination
    if not path.is_file():
        return "is a folder" if path.is_dir() else "not there"
    got = order.digest.of(path)
    if got.digits.startswith(order.digest.digits):
        return None
    return f"there, but with the hash {got}"


def _bring(order: _Order, urls: list[str], failures: dict[str, Exception]) -> bool:
    """Tries the URLs in order; notes in ``failures`` why one did not give the file."""
    partial = Partial(order.destination, order.content, _REMEDY)
    try:
        for url in urls:
            try:
                _bring_from(url, order, partial)
            except (SourceError, ArchiveError, HashMismatchError) as err:
                # A failure is told if no mirror helps; a lying mirror is told in any case.
                level = logging.WARNING if isinstance(err, HashMismatchError) else logging.INFO
                _log.log(level, "no %s from %s: %s", order.destination.name, shown(url), err)
                failures[url] = err
            else:
                return True
    except OSError:  # the disk failed, not the network: leave no debris on it
        with suppress(OSError):
            partial.discard()
        raise
    except BaseException:
        partial.settle()
        raise
    partial.settle()
    return False


def _bring_from(url: str, order: _Order, partial: Partial) -> None:
    """Downloads, verifies and installs the file from one URL.

    Where bytes of several answers do not make up the right file, one fresh download follows: the
    file may have changed on the server in between.
    """
    _log.info("downloading %s from %s", order.destination.name, shown(url))
    size = None if order.member else order.size
    for again in (True, False):
        pieced = download(url, partial, size=size, progress=order.progress, policy=order.policy)
        try:
            _install(order, partial)
            return
        except (ArchiveError, HashMismatchError):
            partial.discard()
            if not (pieced and again):
                raise


def _install(order: _Order, partial: Partial) -> None:
    """Verifies a whole download and puts its content at the destination."""
    if order.member is None:
        order.digest.demand(order.digest.of(partial.path), "the file")
        partial.move()
        return
    with atomic_write(order.destination, remedy=_REMEDY) as handle:
        sink = HashedWriter(handle, order.digest)
        extract_member(partial.path, order.member, sink, size=order.size)
        order.digest.demand(sink.digest, f"member {order.member!r}")
    partial.discard()


def _failure(
    order: _Order, urls: list[str], failures: dict[str, Exception], no_network: bool
) -> OSError:
    """The error that lists every place and what became of it."""
    lines = [f"  {order.destination}: {_flaw(order)}"]
    for url in urls:
        lines.append(f"  {shown(url)}: {failures.get(url, 'not asked, TOOLKIT_OFFLINE is set')}")
    if not urls:
        lines.append("  no mirror is named")
    name, places = order.destination.name, "\n".join(lines)
    wrong = any(isinstance(err, HashMismatchError) for err in failures.values())
    if no_network and not wrong:
        return OfflineError(
            f"{name} is not on this machine and TOOLKIT_OFFLINE forbids the network;"
            f" looked at:\n{places}\n"
            f"copy it to {order.destination}, set TOOLKIT_REPO=file:///... to a folder that"
            " has it, or unset TOOLKIT_OFFLINE"
        )
    message = (
        f"no place gave {name}; tried:\n{places}\n"
        "set TOOLKIT_REPO=https://... or TOOLKIT_REPO=file:///... to a mirror that has it,"
        f" or copy it to {order.destination}"
    )
    return HashMismatchError(message) if wrong else FetchError(message)
