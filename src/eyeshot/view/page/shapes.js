// What a layer's output is when what it reads has another shape: sizes, relations and costs, one rule per type of op.
// As eyeshot/network/ops has it; a layer whose shape cannot follow says why.

import { matchingAxes } from "./field.js";
import { times } from "./words.js";

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./field.js").Relation} Relation */
/** @typedef {import("./field.js").Slide} Slide */
/** @typedef {{node: Layer, old: number[][], now: number[][]}} Change a layer, the shapes that its reads had and have */
/** @typedef {{shape: number[], relations: Relation[]}} Result */

/** A layer that has no shape after a change. */
export class ShapeProblem extends Error {}

/**
 * Positions that a window takes: ⌊(room) / stride⌋ + 1; rounding up leaves out a last window that starts in the
 * padding.
 * @param {number} n @param {Slide} slide @param {boolean} [ceil] @returns {number}
 */
export function windowCount(n, slide, ceil = false) {
  const { kernel, stride, dilation, before, after, base } = slide;
  const room = (n - 1) * base + 1 + before + after - dilation * (kernel - 1) - 1;
  if (!ceil) return Math.floor(room / stride) + 1;
  const count = Math.ceil(room / stride) + 1;
  return (count - 1) * stride >= n + before ? count - 1 : count;
}

/** @param {Change} change @returns {Result} */
export function follow(change) {
  const { node } = change;
  const rule = RULES[node.form.type];
  if (node.reads.some(({ relation }) => relation.kind === "opaque") || !rule) {
    throw new ShapeProblem(`${node.name} (${node.words}) is not recomputed in the page`);
  }
  const result = rule(change);
  if (result.shape.some((n) => n < 1))
    throw new ShapeProblem(
      `${node.name} (${node.words}) would have no positions: its window is larger than its padded input`,
    );
  return result;
}

/** @param {Change} change */
const relationsOf = ({ node }) => node.reads.map(({ relation }) => relation);

/** @type {Record<string, (change: Change) => Result>} */
const RULES = {
  Conv: (change) => windowed(change, false, true),
  ConvTranspose: (change) => windowed(change, false, true),
  Pool: (change) => windowed(change, change.node.form.ceil, false),
  Copy: (change) => windowed(change, false, false),
  Pad: (change) => windowed(change, false, false),
  Slice: (change) => windowed(change, false, false),
  LocalResponseNorm: (change) => windowed(change, false, false),
  Pointwise: elementwise,
  Dropout: elementwise,
  Norm: elementwise,
  Softmax: elementwise,
  Arithmetic: elementwise,
  AdaptivePool: adaptive,
  EdgePad: edges,
  Shift: shifted,
  Resize: resized,
  Concatenate: concatenated,
  Rearrange: rearranged,
  Linear: (change) => ({
    shape: change.now[0].with(
      change.node.form.axis,
      /** @type {number} */ (change.node.shape.at(change.node.form.axis)),
    ),
    relations: relationsOf(change),
  }),
  MatMul: (change) => {
    const [a, b] = change.now;
    if (a.at(-1) !== b.at(-2)) throw new ShapeProblem(`${change.node.name} multiplies ${times(a)} with ${times(b)}`);
    return { shape: [...a.slice(0, -1), /** @type {number} */ (b.at(-1))], relations: relationsOf(change) };
  },
  Aggregate: (change) => {
    const { axes = [], keep } = change.node.reads[0].relation;
    const [before] = change.now;
    return {
      shape: keep
        ? before.map((n, axis) => (axes.includes(axis) ? 1 : n))
        : before.filter((_, axis) => !axes.includes(axis)),
      relations: relationsOf(change),
    };
  },
};

/** @param {Change} change @param {boolean} ceil @param {boolean} hasOwnChannels @returns {Result} */
function windowed({ node, old, now }, ceil, hasOwnChannels) {
  const relation = node.reads[0].relation;
  const { axes = [], slides = [] } = relation;
  if (now.length > 1) throw new ShapeProblem(`${node.name} has a kernel that depends on the data`);
  const [before] = now;
  const groups = relation.groups ?? 1;
  if (hasOwnChannels && before[1] !== old[0][1])
    throw new ShapeProblem(`${node.name} takes ${old[0][1]} channels (${groups} groups), not ${before[1]}`);
  const shape = before.slice();
  if (hasOwnChannels) shape[1] = node.shape[1];
  axes.forEach((axis, i) => {
    const extra = node.isResized ? 0 : node.shape[axis] - windowCount(old[0][axis], slides[i], ceil);
    if (extra && node.form.type !== "ConvTranspose" && before[axis] !== old[0][axis])
      throw new ShapeProblem(`${node.name} cuts at fixed positions`);
    shape[axis] = windowCount(before[axis], slides[i], ceil) + extra;
  });
  return { shape, relations: [relation] };
}

/** @param {Change} change @returns {Result} */
function elementwise(change) {
  const { node, now } = change;
  const joined = now.filter((_, i) => node.reads[i].relation.kind === "elementwise");
  const length = Math.max(...joined.map((shape) => shape.length));
  const shape = Array.from({ length }, (_, axis) => {
    const sizes = new Set(joined.map((each) => each[axis - length + each.length] ?? 1).filter((n) => n !== 1));
    if (sizes.size > 1)
      throw new ShapeProblem(
        `${node.name} joins ${joined.map((each) => times(each.slice(1))).join(" and ")}, which do not fit`,
      );
    return sizes.size ? [...sizes][0] : 1;
  });
  return { shape, relations: relationsOf(change) };
}

/** @param {Change} change @returns {Result} */
function adaptive(change) {
  const {
    node,
    now: [before],
  } = change;
  const { size } = node.form;
  const first = before.length - size.length;
  const shape = before.map((n, axis) => (axis < first ? n : size[axis - first]));
  if (node.reads[0].relation.kind === "reduce") return { shape, relations: relationsOf(change) };
  const reads = size.map((m, i) =>
    Array.from({ length: m }, (_, at) => [
      Math.floor((at * before[first + i]) / m),
      Math.ceil(((at + 1) * before[first + i]) / m) - 1,
    ]),
  );
  return { shape, relations: [{ ...node.reads[0].relation, reads }] };
}

/** @param {Change} change @returns {Result} */
function edges({ node, now: [before] }) {
  const { padding, mode } = node.form;
  const first = before.length - padding.length;
  const shape = before.slice();
  const reads = padding.map(([low, high], i) => {
    const n = before[first + i];
    const period = Math.max(2 * (n - 1), 1);
    shape[first + i] = n + low + high;
    return Array.from({ length: n + low + high }, (_, at) => {
      const here = at - low;
      const turned = ((here % period) + period) % period;
      const place =
        mode === "circular"
          ? ((here % n) + n) % n
          : mode === "replicate"
            ? Math.min(Math.max(here, 0), n - 1)
            : Math.min(turned, period - turned);
      return [place, place];
    });
  });
  return { shape, relations: [{ ...node.reads[0].relation, reads }] };
}

/** @param {Change} change @returns {Result} */
function shifted({ node, now: [before] }) {
  const { axis, shift, step } = node.form;
  const n = before[axis];
  const reads = [
    Array.from({ length: n }, (_, at) => {
      const place = step === 1 ? (((at - shift) % n) + n) % n : n - 1 - at;
      return [place, place];
    }),
  ];
  return { shape: before, relations: [{ ...node.reads[0].relation, reads }] };
}

/** Resizing keeps its factor. @param {Change} change @returns {Result} */
function resized({ node, old, now: [before] }) {
  const { steps, mode, aligned, antialiased } = node.form;
  const first = before.length - steps.length;
  const shape = before.slice();
  const reads = steps.map(([top, bottom], i) => {
    const axis = first + i;
    const n = before[axis];
    if (n !== old[0][axis] && (node.shape[axis] * top) % (bottom * old[0][axis]))
      throw new ShapeProblem(`${node.name} resizes to a fixed size`);
    shape[axis] = n === old[0][axis] ? node.shape[axis] : Math.floor((n * bottom) / top);
    return Array.from({ length: shape[axis] }, (_, at) =>
      rangesOf(
        tapsOf(at, top, bottom, mode, aligned, antialiased).flatMap((j) =>
          antialiased ? (j >= 0 && j < n ? [j] : []) : [Math.min(Math.max(j, 0), n - 1)],
        ),
      ),
    );
  });
  return { shape, relations: [{ ...node.reads[0].relation, reads }] };
}

/**
 * Positions that interpolation reads, borders aside; twice the fractions' denominators keeps the numbers whole.
 * @param {number} at @param {number} top @param {number} bottom @param {string} mode @param {boolean} aligned
 * @param {boolean} antialiased
 * @returns {number[]}
 */
function tapsOf(at, top, bottom, mode, aligned, antialiased) {
  const scale = 2 * bottom;
  if (mode === "nearest" || mode === "nearest-exact")
    return [Math.floor(((2 * at + (mode === "nearest-exact" ? 1 : 0)) * top) / scale)];
  const reach = mode === "bicubic" ? 2 : 1;
  const centre = aligned ? 2 * at * top : (2 * at + 1) * top - bottom;
  if (antialiased) {
    const spread = reach * Math.max(2 * top, scale);
    const taps = [];
    for (let j = Math.floor((centre - spread) / scale); j <= Math.ceil((centre + spread) / scale); j++)
      if (Math.abs(j * scale - centre) < spread) taps.push(j);
    return taps;
  }
  const low = Math.floor(centre / scale);
  return centre === low * scale ? [low] : Array.from({ length: 2 * reach }, (_, t) => low - reach + 1 + t);
}

/** @param {number[]} taps @returns {number[]} */
function rangesOf(taps) {
  /** @type {number[]} */
  const ends = [];
  for (const at of [...new Set(taps)].sort((a, b) => a - b)) {
    if (ends.length && at === ends[ends.length - 1] + 1) ends[ends.length - 1] = at;
    else ends.push(at, at);
  }
  return ends;
}

/** @param {Change} change @returns {Result} */
function concatenated({ node, old, now }) {
  const axis = node.reads[0].relation.axis ?? 1;
  const shape = now[0].slice();
  now.forEach((each) =>
    each.forEach((n, other) => {
      if (other !== axis && n !== shape[other])
        throw new ShapeProblem(
          `${node.name} puts ${now.map((one) => times(one.slice(1))).join(" and ")} side by side, which do not fit`,
        );
    }),
  );
  let total = 0;
  const relations = node.reads.map(({ relation }, i) => {
    if (relation.offset !== old.slice(0, i).reduce((n, each) => n + each[axis], 0))
      throw new ShapeProblem(`${node.name} has parts that do not depend on the image`);
    const offset = total;
    total += now[i][axis];
    return { ...relation, offset };
  });
  shape[axis] = total;
  return { shape, relations };
}

/** @param {Change} change @returns {Result} */
function rearranged(change) {
  const {
    node,
    old: [was],
    now: [before],
  } = change;
  const relation = node.reads[0].relation;
  if (relation.kind === "permute")
    return { shape: (relation.order ?? []).map((axis) => before[axis]), relations: [relation] };
  const shape = node.shape.slice();
  for (const [inner, outer] of matchingAxes(was, node.shape)) {
    if (inner.every((axis) => was[axis] === before[axis])) continue;
    if (outer.length !== 1) throw new ShapeProblem(`${node.name} reshapes to a fixed size`);
    shape[outer[0]] = inner.reduce((n, axis) => n * before[axis], 1);
  }
  return { shape, relations: [relation] };
}

/**
 * Weights and multiply-accumulates after a change.
 * @param {Layer} node as it was @param {number[][]} old @param {number[][]} now @param {Result} result
 */
export function costOf(node, old, now, result) {
  const weights = (/** @type {number[]} */ before, /** @type {number[]} */ after, /** @type {Relation} */ relation) => {
    const { axis } = node.form;
    if (node.form.type === "Linear")
      return (before.at(axis) ?? 1) * (after.at(axis) ?? 1) + (node.form.bias ? (after.at(axis) ?? 0) : 0);
    const area = (relation.slides ?? []).reduce((n, slide) => n * slide.kernel, 1);
    return (
      ((node.form.type === "ConvTranspose" ? before[1] * after[1] : after[1] * before[1]) / (relation.groups ?? 1)) *
        area +
      (node.form.bias ? after[1] : 0)
    );
  };
  const product = (/** @type {number[]} */ shape) => shape.reduce((a, b) => a * b, 1);
  const { type } = node.form;
  const area = (result.relations[0]?.slides ?? []).reduce((n, slide) => n * slide.kernel, 1);
  const { shape } = result;
  const isWeighted = type === "Conv" || type === "ConvTranspose" || type === "Linear";
  const params =
    isWeighted && node.params && node.params === weights(old[0], node.shape, node.reads[0].relation)
      ? weights(now[0], shape, result.relations[0])
      : node.params;
  const macs =
    type === "Conv"
      ? (product(shape) * now[0][1] * area) / node.form.groups
      : type === "ConvTranspose"
        ? (product(now[0]) * shape[1] * area) / node.form.groups
        : type === "Linear" || type === "MatMul"
          ? product(shape) * (now[0].at(type === "Linear" ? node.form.axis : -1) ?? 1)
          : 0;
  return { params, macs };
}
