"""Processes for a crew: each the main of one."""

import time
from pathlib import Path

from hilt.ipc.process import Mailbox


def lives(run_dir: Path) -> None:
    mailbox = Mailbox(run_dir, "member")
    mailbox.tell("ready")
    while not mailbox.orphaned:
        mailbox.receive()
        time.sleep(0.005)


def hangs_and_fails(run_dir: Path) -> None:
    """As a recorder whose disk stalls, and then is full."""
    mailbox = Mailbox(run_dir, "member")
    mailbox.receive()
    mailbox.tell("ready")
    time.sleep(1.0)
    mailbox.tell("failed", detail="the disk is full")
    time.sleep(1.0)


def cannot(run_dir: Path) -> None:
    Mailbox(run_dir, "member").tell("failed", detail="no such device")


def dies(run_dir: Path) -> None:
    raise SystemExit(3)
