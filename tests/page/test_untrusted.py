"""Names come from models: whatever they say is text. The page sends nothing and runs nothing but its own script."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

import eyeshot
from eyeshot.api.report import Report
from eyeshot.design.named import network_named
from eyeshot.errors import UsageError
from eyeshot.network.graph import Network, Node, Note
from eyeshot.view.export import page as html_page
from tests.page.conftest import Open

HOSTILE = [
    "<script>window.hit=1</script>",
    "</script><script>window.hit=1</script>",
    "<!--<script>",
    '"><img src=x onerror=window.hit=1>',
    "'&amp;\"`${window.hit=1}`",
    "\u202eright to left \u05d0\u05d1\u05d2 \u0627\u0644\u0637\u0628\u0642\u0629",
    "a\u2028b\u2029c\x00d\ud7ff",
    "x" * 10_000,
    "[6,6]~k3*%00#layer=1&unit=2",
]


def renamed(names: list[str]) -> Report:
    """A small network whose name and layers are called so."""
    network = network_named("C3-4 C3-4 P2 C3-4 C3-4", (1, 24, 24))
    nodes: list[Node] = []
    called: dict[str, str] = {}
    for node in network:
        called[node.name] = node.name if not node.inputs else names[len(nodes) % len(names)] + f" {len(nodes)}"
        nodes.append(
            Node(
                name=called[node.name],
                op=node.op,
                inputs=tuple(called[name] for name in node.inputs),
                shape=node.shape,
                params=node.params,
                reads=node.reads,
            )
        )
    return Report(Network(name=names[0], source=names[1], nodes=tuple(nodes), notes=(Note(None, "remark", names[2]),)))


def test_names_are_shown_as_text_and_run_nothing(opened: Open) -> None:
    report = renamed(HOSTILE)
    page = opened(report, report)
    for tab in ("field", "effective", "cost", "compare", "why", "graph", "claims", "data"):
        page.tab.click(f"#tab-{tab}")
        page.settle()
    for button in page.tab.query_selector_all(".ledger .row-name"):
        button.click()
        page.settle()

    assert page.tab.evaluate("window.hit") is None
    assert page.complaints == []
    assert len(page.requests) == 1
    assert page.tab.evaluate("document.querySelectorAll('img, main script').length") == 0
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= 1280
    assert "<script>window.hit=1</script>" in page.tab.inner_text(".designs")


def test_a_hostile_layer_can_be_linked_to(opened: Open) -> None:
    report = renamed(HOSTILE)
    page = opened(report)
    page.tab.click(".ledger .row-name >> nth=2")
    fragment, answer = page.fragment, page.answer

    again = opened(report, fragment=fragment)
    assert again.answer == answer
    assert again.complaints == []


def test_names_do_nothing_without_scripts_either(opened: Open) -> None:
    page = opened(renamed(HOSTILE), java_script_enabled=False)

    assert page.tab.locator("body img").count() == 0
    assert "onerror=window.hit=1" in page.tab.inner_text("body")


def test_the_policy_lets_nothing_in_or_out() -> None:
    text = html_page([eyeshot.inspect("alexnet")])
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert found is not None
    policy = found[1].replace("&#x27;", "'")

    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert "unsafe" not in policy
    assert re.search(r"script-src 'sha256-[^']+'(;|$)", policy)
    assert not re.search(r"""(src|href)=["'](?!data:,)""", re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL))


def test_an_injected_script_does_not_run(opened: Open, tmp_path: Path) -> None:
    page = opened("alexnet")
    page.tab.evaluate(
        "() => { const own = document.createElement('script'); own.textContent = 'window.hit = 1';"
        " document.body.append(own); }"
    )

    assert page.tab.evaluate("window.hit") is None
    assert any("Content Security Policy" in text for text in page.complaints)


def test_the_same_designs_give_the_same_bytes() -> None:
    texts = {html_page([eyeshot.inspect("alexnet"), eyeshot.inspect("alexnet-alternating")]) for _ in range(2)}

    assert len(texts) == 1


PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def test_a_picture_of_the_users_goes_under_the_field(opened: Open) -> None:
    page = opened("alexnet", image=PIXEL)

    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith("data:")] == page.requests[:1]


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(UsageError, match="none of PNG, JPEG, GIF and WebP"):
        html_page([eyeshot.inspect("alexnet")], image=b"<svg onload=alert(1)>")
