"""Published networks at the sizes they are meant for are told nothing, and three are told what is so."""

from __future__ import annotations

import pytest

import eyeshot
from eyeshot.report.advice import says

SOUND = {
    "torchvision": {
        (3, 224, 224): "convnext_small mnasnet0_5 regnet_y_400mf shufflenet_v2_x1_0",
        (3, 320, 320): "ssdlite320_mobilenet_v3_large",
        (3, 384, 384): "efficientnet_v2_s",
        (3, 520, 520): "fcn_resnet50 lraspp_mobilenet_v3_large",
        (3, 640, 640): "fcos_resnet50_fpn keypointrcnn_resnet50_fpn",
        (3, 16, 112, 112): "mc3_18 r3d_18",
        (3, 16, 224, 224): "s3d",
    },
    "timm": {
        (3, 224, 224): "convnextv2_atto dla34 efficientnetv2_rw_t ese_vovnet19b_dw gernet_s ghostnet_050"
        " inception_next_atto legacy_senet154 nf_resnet26 repvgg_a0 res2net50_14w_8s resnet26d resnetblur50 rexnet_100"
        " selecsls42b tf_efficientnet_lite0",
        (3, 256, 256): "cspdarknet53 darknet53 edgenext_xx_small mobilenetv4_conv_small_050",
        (3, 299, 299): "xception41",
    },
}
TOLD = {
    # maps that were enlarged and are stepped over again look ever further to one side
    "timm:hrnet_w18_small": ((3, 224, 224), "off-centre", "stage4.0.fuse_layers.2.0.1.0 by −15.5×−15.5 pixels"),
    # one convolution of each block's two has a stride of 2 and a dilation of 2
    "timm:skresnet18": ((3, 224, 224), "dropped-pixels", "Nothing reads 28×28 of the rows and columns"),
    "torchvision:ssd300_vgg16": ((3, 300, 300), "wasted-tail", "sees the whole 300×300 image; they take 6.4 %"),
}


@pytest.mark.slow  # two networks a second
@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (f"{library}:{name}", shape)
        for library, by_shape in SOUND.items()
        for shape, names in by_shape.items()
        for name in names.split()
    ],
    ids=str,
)
def test_a_published_network_at_its_own_size_is_told_nothing(model: str, shape: tuple[int, ...]) -> None:
    assert [finding.kind for finding in eyeshot.advise(model, shape)] == []


@pytest.mark.slow
@pytest.mark.parametrize("model", TOLD)
def test_what_others_are_told_is_so(model: str) -> None:
    shape, kind, sentence = TOLD[model]
    findings = list(eyeshot.advise(model, shape))

    assert {finding.kind for finding in findings} == {kind}
    assert sentence in says(findings[0])
