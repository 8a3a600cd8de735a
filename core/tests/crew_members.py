"""Processes for a crew: each the main of one."""

import time
from pathlib import Path

from hilt.ipc.messages import StatusState
from hilt.ipc.process import Mailbox


def lives(run_dir: Path) -> None:
    mailbox = Mailbox(run_dir, "member")
    mailbox.tell(StatusState.READY)
    while not mailbox.orphaned:
        mailbox.receive()
        time.sleep(0.005)


def hangs_and_fails(run_dir: Path) -> None:
    """As a recorder whose disk stalls, and then is full."""
    mailbox = Mailbox(run_dir, "member")
    mailbox.receive()
    mailbox.tell(StatusState.READY)
    time.sleep(1.0)
    mailbox.tell(StatusState.FAILED, detail="the disk is full")
    time.sleep(1.0)


def cannot(run_dir: Path) -> None:
    Mailbox(run_dir, "member").tell(StatusState.FAILED, detail="no such device")


def dies(run_dir: Path) -> None:
    raise SystemExit(3)


def loses_a_camera_before_the_other_is_ready(run_dir: Path) -> None:
    mailbox = Mailbox(run_dir, "cameras")
    mailbox.tell(StatusState.READY, device="front")
    mailbox.tell(StatusState.LOST, device="front", detail="unplugged")
    mailbox.tell(StatusState.READY, device="wrist")
    while not mailbox.orphaned:
        mailbox.receive()
        time.sleep(0.005)


def is_done(run_dir: Path) -> None:
    """As a recorder that has written everything."""
    Mailbox(run_dir, "recorder").tell(StatusState.DONE)
