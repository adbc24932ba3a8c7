"""Training and measuring start soon: neither imports PyTorch's compiler, and who waits for trials not even PyTorch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from eyeshot.train.descent import Descent

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "code",
    [
        "import tempfile; from pathlib import Path; from eyeshot.train import loop; from tests.train import small\n"
        "data = small.dataset(); loop.run(small.recipe(data), small.net, data, Path(tempfile.mkdtemp()))",
        "import eyeshot; eyeshot.effective('C3-4 C3-4', input_shape=(1, 9, 9), source='init', seeds=1)",
    ],
    ids=["train", "measure"],
)
def test_the_compiler_is_not_imported(code: str) -> None:
    code += "\nimport sys; assert not {'torch._dynamo', 'torch._inductor'} & set(sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False,
                          env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PATH": ""})  # fmt: skip

    assert done.returncode == 0, done.stderr


def test_its_steps_are_those_of_pytorch_to_the_last_bit() -> None:
    torch.manual_seed(0)
    ours = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3))
    theirs = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3))
    theirs.load_state_dict(ours.state_dict())
    settings = {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}
    pairs = [(ours, Descent(ours.parameters(), **settings)), (theirs, torch.optim.SGD(theirs.parameters(), **settings))]

    for _ in range(5):
        x = torch.randn(6, 1, 8, 8)
        for module, optimiser in pairs:
            optimiser.zero_grad(set_to_none=True)
            module(x).square().mean().backward()
            optimiser.step()

    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_the_process_that_waits_for_trials_does_without_pytorch(tmp_path: Path) -> None:
    code = f"""
if __name__ == "__main__":
    import sys
    from pathlib import Path
    from eyeshot.studies.study import planned
    study = planned(["C3s4-4", "C5s4-4"], seeds=1, budget="64img", directory=Path({str(tmp_path)!r}) / "run")
    study.run()
    assert len(study.records) == 2
    assert "torch" not in sys.modules
"""
    (tmp_path / "study.py").write_text(code)

    done = subprocess.run([sys.executable, "study.py"], cwd=tmp_path, capture_output=True, text=True, check=False,
                          env={"PYTHONPATH": str(ROOT / "src"), "PATH": ""})  # fmt: skip

    assert done.returncode == 0, done.stderr
