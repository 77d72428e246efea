"""What uv takes over of pip's configuration, and where it keeps what it fetched."""

from __future__ import annotations

from pathlib import Path

import pytest

from tvmq_diag.toolchains import uv_settings

PIP = {
    "index-url": "https://mirror.example/simple",
    "extra-index-url": "https://one.example/simple  https://two.example/simple",
    "cert": "/certs/own.pem",
}


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """The variables of somebody who has told uv nothing."""
    return {"XDG_CONFIG_HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path)}


def test_pips_index_is_uvs_where_uv_has_none(bare: dict[str, str]) -> None:
    taken = uv_settings.of_pip(bare, PIP)
    assert taken["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert taken["UV_INDEX"] == "https://one.example/simple https://two.example/simple"
    assert taken["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert taken["SSL_CERT_FILE"] == "/certs/own.pem"


def test_without_a_configuration_nothing_is(bare: dict[str, str]) -> None:
    assert uv_settings.of_pip(bare, {}) == {}
    assert uv_settings.of_pip(bare, {"extra-index-url": "https://one.example/simple"}) == {}


@pytest.mark.parametrize("name", ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX"])
def test_a_variable_of_uvs_goes_before(bare: dict[str, str], name: str) -> None:
    taken = uv_settings.of_pip({**bare, name: "https://own.example/simple"}, PIP)
    assert set(taken) == {"SSL_CERT_FILE"}


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ('index-url = "https://own.example/simple"', True),
        ('[[index]]\nurl = "https://own.example/simple"', True),
        ('[pip]\nindex-url = "https://own.example/simple"', True),
        ('cache-dir = "index-url"', False),
        ("not = [toml", False),
    ],
)
def test_a_file_of_uvs_goes_before(
    bare: dict[str, str], tmp_path: Path, text: str, has: bool
) -> None:
    (tmp_path / "uv").mkdir()
    (tmp_path / "uv" / "uv.toml").write_text(text)
    assert ("UV_DEFAULT_INDEX" not in uv_settings.of_pip(bare, PIP)) == has


def test_certificates_that_are_set_stay(bare: dict[str, str]) -> None:
    taken = uv_settings.of_pip({**bare, "SSL_CERT_FILE": "/mine.pem"}, PIP)
    assert "SSL_CERT_FILE" not in taken


def test_pip_is_asked_as_it_is_configured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bare: dict[str, str]
) -> None:
    """Its own order: a variable, then `install`, then `global`."""
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = https://global.example/simple\ncert = /global.pem\n"
        "[install]\nindex-url = https://install.example/simple\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    for name in ("PIP_CERT", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in bare.items():
        monkeypatch.setenv(name, value)
    made = uv_settings.environment("3.10", tmp_path)
    assert made["UV_DEFAULT_INDEX"] == "https://install.example/simple"
    assert made["SSL_CERT_FILE"] == "/global.pem"
    monkeypatch.setenv("PIP_INDEX_URL", "https://variable.example/simple")
    made = uv_settings.environment("3.10", tmp_path)
    assert made["UV_DEFAULT_INDEX"] == "https://variable.example/simple"


def test_the_cache_is_on_the_disk_of_the_toolchains(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else uv would copy, and nothing be shared."""
    place = tmp_path / "tvmq" / "toolchains"
    place.mkdir(parents=True)
    monkeypatch.delenv("UV_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "none" / "yet"))
    assert "UV_CACHE_DIR" not in uv_settings.environment("3.10", place)
    if Path("/dev/shm").stat().st_dev != tmp_path.stat().st_dev:
        monkeypatch.setenv("XDG_CACHE_HOME", "/dev/shm")
        made = uv_settings.environment("3.10", place)
        assert made["UV_CACHE_DIR"] == str(tmp_path / "tvmq" / "uv")
