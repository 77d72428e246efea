"""Where what is kept between runs goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tvmq_diag.toolchains.cache import cache_dir


def test_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("TVMQ_DIAG_CACHE", "/mine")
    assert cache_dir() == Path("/mine")
    monkeypatch.delenv("TVMQ_DIAG_CACHE")
    assert cache_dir() == Path("/xdg/tvmq_diag")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_dir() == Path("/home/me/.cache/tvmq_diag")
