"""Writes what PyTorch and NumPy save, small: pip install torch==2.13.0 numpy && python make_files.py"""

import pickle

import numpy as np
import torch


class Network(torch.nn.Module):
    def forward(self, x):
        return x * 2


state = {"weight": torch.zeros(2)}
torch.save(state, "checkpoint.pt")
torch.save(state, "checkpoint-old.pth", _use_new_zipfile_serialization=False)
torch.jit.script(Network()).save("script.pt")
with open("object.pkl", "wb") as file:
    pickle.dump({"a": [1, 2, 3]}, file)
np.save("array.npy", np.zeros((2, 2), np.float32))
np.savez("arrays.npz", a=np.zeros(2, np.float32))
