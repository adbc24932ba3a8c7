"""Training one design on one set of images: a Recipe goes in, a Record comes out.

`eyeshot.train.data.load` reads images, `eyeshot.train.loop.run` trains. Only `loop` and its neighbours
import torch.
"""
