"""`eyeshot compare`: which design sees, uses, costs what? With --train: which pays?"""
