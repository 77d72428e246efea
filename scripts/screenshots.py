"""Take the pictures of docs/tutorial.md, light and dark, into docs/pictures.

examples:
  %(prog)s                                  make the two runs of the tutorial, then the pictures
  %(prog)s --first runs/first --works runs/works    of runs that are there

The runs are the tutorial's own commands. The browser is the system's Chromium (playwright, of the
extra dev). Pictures are kept small: 64 colours.

exit code: 0 done; 1 a part of a page that a picture is of is not there; 2 bad usage.
"""

from __future__ import annotations

import argparse
import io
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"

FIRST = "--model digits --dtype int4 --no-reference"
WORKS = "--model digits --check-on digits --dtype int4 --search 20 --seconds 5"
SCHEMES = ("light", "dark")
WIDTH = 1000
"""Of the window, in CSS pixels: no wider than a page of the site shows without scaling it down."""
COLOURS = 64


@dataclass(frozen=True)
class Picture:
    """What to take: of which run, with which address, from which part on (None: the top), and how
    much of it, in CSS pixels."""

    name: str
    run: str
    address: str = ""
    part: str | None = None
    height: int = 640


TAKEN = (
    Picture("verdict", "first"),
    Picture("steps", "first", "#int4/QuantizeRealize/9", "section:has(> #viewer-h)"),
    Picture("repro", "first", part="#c0-repro"),
    Picture("bits", "works", part="#bits", height=800),
)


class Missing(Exception):
    """A page has no such part."""


def trace(options: str, out: Path) -> Path:
    """Make a run; returns its folder. Its configuration may work or not."""
    command = [sys.executable, "-m", "tvmq_diag", "trace", *shlex.split(options), "--out", str(out)]
    if subprocess.run(command, cwd=ROOT, check=False).returncode > 1:
        raise Missing(f"no run of {options}")
    return out


def take(browser: Any, page: Path, picture: Picture, scheme: str) -> bytes:
    """The PNG of a picture. Raises Missing."""
    window = {"width": WIDTH, "height": picture.height}
    context = browser.new_context(viewport=window, color_scheme=scheme, offline=True)
    tab = context.new_page()
    tab.goto(page.as_uri() + picture.address)
    tab.wait_for_timeout(1500)  # the viewer comes up to the op that the address names
    try:
        if picture.part is not None:
            part = tab.locator(picture.part)
            if part.count() != 1:
                raise Missing(f"{page} has {part.count()} of {picture.part}, not one")
            part.evaluate(
                "part => part.closest('details') && (part.closest('details').open = true)"
            )
            part.evaluate("part => part.scrollIntoView()")
            tab.wait_for_timeout(300)
        return bytes(tab.screenshot())
    finally:
        context.close()


def small(png: bytes) -> bytes:
    """The same in a few colours."""
    from PIL import Image

    image = Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    kept = io.BytesIO()
    image.save(kept, "PNG", optimize=True)
    return kept.getvalue()


def main() -> int:
    """Take all of them; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--first", type=Path, metavar="RUN", help=f"a run of: {FIRST}")
    parser.add_argument("--works", type=Path, metavar="RUN", help=f"a run of: {WORKS}")
    options = parser.parse_args()
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        parser.error("no chromium on the PATH")
    from playwright.sync_api import sync_playwright

    PICTURES.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
            runs = {
                "first": options.first or trace(FIRST, Path(folder, "first")),
                "works": options.works or trace(WORKS, Path(folder, "works")),
            }
            flags = ["--no-sandbox", "--disable-gpu"]
            browser = driver.chromium.launch(executable_path=program, args=flags)
            for picture in TAKEN:
                page = (runs[picture.run] / "index.html").resolve()
                for scheme in SCHEMES:
                    taken = small(take(browser, page, picture, scheme))
                    file = PICTURES / f"{picture.name}-{scheme}.png"
                    file.write_bytes(taken)
                    print(f"{file.relative_to(ROOT)}  {len(taken) / 1024:.0f} KiB")
            browser.close()
    except Missing as missing:
        print(f"error: {missing}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
