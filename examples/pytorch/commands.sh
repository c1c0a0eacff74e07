# What was the file taken to mean, and what does it draw? Without the normalisation, something else than in PyTorch:
npx onnx-asma inspect circles.onnx scene.png
# The same with it; seen.png shows what the model draws:
npx onnx-asma inspect circles.onnx scene.png --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 -o seen.png
# Make the circle vanish:
npx onnx-asma attack circles.onnx scene.png --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 --hide 1 -o result
# Work the figures out again in Python:
python3 read_result.py result
