"""Writes expected.json: what the native ONNX Runtime gives for the networks of demo/models.

Needs: numpy, onnxruntime.    Run: python make.py target/models demo/models   (after `node ts/test/models/fetch.ts`)

Inputs are ((floor(i / run) * 7919) % 255) / 127.5 - 1 at flat index i, so that they need not be stored. Of each output are
kept the largest magnitude, the largest difference between the runtime's own results with and without its optimisations,
the values at some 400 evenly spread places, and the mean of all, each times (i * 7919 % 255) / 255.
"""
import json
import sys

import numpy as np
import onnxruntime as ort

# Runs of equal numbers, as long as given, look like edges to a network that finds text.
RUNS = {"ppocr-det": 37}

SHAPES = {
    "efficientnet-lite0": [1, 3, 224, 224],
    "blazeface-front": [1, 128, 128, 3],
    "blazeface-back": [1, 256, 256, 3],
    "mlsd-tiny": [1, 320, 320, 4],
    "ppocr-det": [1, 3, 160, 224],
    "ppocr-rec": [2, 3, 48, 200],
    "ppocr-cls": [1, 3, 48, 192],
}


def run(path, x, level):
    options = ort.SessionOptions()
    options.graph_optimization_level = level
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return name, [o.name for o in session.get_outputs()], session.run(None, {name: x})


def main(fetched, bundled):
    cases = []
    for model, shape in SHAPES.items():
        path = f"{bundled if model == 'efficientnet-lite0' else fetched}/{model}.onnx"
        i = np.arange(np.prod(shape), dtype=np.int64)
        length = RUNS.get(model, 1)
        x = ((i // length * 7919 % 255) / 127.5 - 1).astype(np.float32).reshape(shape)
        name, names, values = run(path, x, ort.GraphOptimizationLevel.ORT_ENABLE_ALL)
        _, _, plain = run(path, x, ort.GraphOptimizationLevel.ORT_DISABLE_ALL)
        outputs = []
        for output, value, other in zip(names, values, plain):
            flat = value.reshape(-1).astype(np.float64)
            step = max(1, len(flat) // 400)
            outputs.append({
                "name": output,
                "shape": list(value.shape),
                "maxAbs": float(np.abs(flat).max()),
                "noise": float(np.abs(flat - other.reshape(-1)).max()),
                "mean": float((flat * (np.arange(len(flat)) * 7919 % 255) / 255).mean()),
                "step": step,
                "values": [float(f"{v:.9g}") for v in flat[::step]],
            })
        cases.append({"model": model, "input": name, "shape": shape, "run": length, "outputs": outputs})
    with open("ts/test/models/expected.json", "w") as file:
        text = json.dumps({"runtime": f"onnxruntime {ort.__version__}", "cases": cases}, separators=(",", ":"))
        file.write(text + "\n")


main(*sys.argv[1:])
