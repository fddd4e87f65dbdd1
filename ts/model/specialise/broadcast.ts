/** Broadcasting, as NumPy and ONNX have it: shapes align at the last axis, and a size of 1 repeats. */

/** The shape to which two broadcast together; undefined if they do not. */
export function broadcastShapes(a: readonly number[], b: readonly number[]): readonly number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) return undefined;
    shape.push(left === 1 ? right : left);
  }
  return shape;
}

/** Whether `shape` can be repeated to `target`, and changes nothing of it. */
export function broadcastsTo(shape: readonly number[], target: readonly number[]): boolean {
  const behind = target.length - shape.length;
  return behind >= 0 && shape.every((size, axis) => size === 1 || size === target[axis + behind]);
}

/** Distances between neighbours along each axis of a row-major tensor. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides: number[] = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis] ?? 1;
  }
  return strides;
}

/** Distances in a tensor of `shape` along each axis of `target`, to which it broadcasts: 0 where it repeats. */
export function broadcastStrides(shape: readonly number[], target: readonly number[]): number[] {
  const behind = target.length - shape.length;
  const strides = stridesOf(shape);
  return target.map((_, axis) => (shape[axis - behind] === 1 ? 0 : (strides[axis - behind] ?? 0)));
}
