// Which positions of every tensor does a unit depend on, and which units depend on a point? Exactly.
//
// A mark is a list of products, one factor per axis of the tensor; what is marked is their union. Parallel 1×3 and 3×1
// give two products, a cross; dilation gives factors with holes; a reshape that mixes axes gives several products.
// pull sends marks from outputs to inputs, push from inputs to outputs; one rule per relation kind, as in
// eyeshot/analyse/footprint.py, whose answers these must equal.

import { asFactor, flatten, holds, isEqual, meets, positions, tidy, unflatten, uniteFactors, written } from "./sets.js";

/** @typedef {import("./sets.js").Factor} Factor */
/** @typedef {import("./sets.js").Positions} Positions */
/** @typedef {Factor[]} Product one factor per axis of the tensor */
/** @typedef {Product[]} Mark */
/** @typedef {{kernel: number, stride: number, dilation: number, before: number, after: number, base: number}} Slide */
/** @typedef {{kind: string, axes?: number[], slides?: Slide[], groups?: number | null, reads?: Positions[][],
 *   runs?: boolean, axis?: number, offset?: number, order?: number[], keep?: boolean}} Relation */
/** @typedef {{source: number, relation: Relation, gate: boolean}} Read */
/** @typedef {{shape: number[], reads: Read[]}} Node */

/**
 * Input positions in low … high that a set of outputs reads: (i·stride − before + t·dilation) / base, where whole.
 * @param {Positions} outputs @param {Slide} slide @param {number} low @param {number} high @returns {Positions}
 */
export function readBy(outputs, slide, low, high) {
  const { kernel: k, stride: s, dilation: d, before: p, base: b } = slide;
  const ranges = [];
  for (let i = 0; i < outputs.length; i += 2) {
    const [x, y] = [outputs[i], outputs[i + 1]];
    if (isOneRun(slide, x, y)) ranges.push(x * s - p, y * s - p + (k - 1) * d);
    else if (s === 1) for (let t = 0; t < k; t++) ranges.push(x - p + t * d, y - p + t * d);
    else if (d === 1 || k === 1) for (let n = x; n <= y; n++) ranges.push(n * s - p, n * s - p + k - 1);
    else for (let n = x; n <= y; n++) for (let t = 0; t < k; t++) ranges.push(n * s - p + t * d, n * s - p + t * d);
  }
  if (b === 1) return tidy(ranges, low, high);
  const whole = [];
  for (let i = 0; i < ranges.length; i += 2) {
    const first = Math.ceil(ranges[i] / b);
    const last = Math.floor(ranges[i + 1] / b);
    if (first <= last) whole.push(first, last);
  }
  return tidy(whole, low, high);
}

/**
 * Whether outputs first … last read one run of positions of the dilated base, none left out between.
 * @param {Slide} slide @param {number} first @param {number} last
 */
function isOneRun({ kernel, stride, dilation }, first, last) {
  if (dilation === 1 || kernel === 1) return kernel >= stride || first === last;
  return stride === 1 && last - first + 1 >= dilation;
}

/**
 * What a factor of a window's outputs reads of m positions, of which it has n: most are one run that reads one run, and
 * the same factor where a window moves nothing, by which marks that stay are known again.
 * @param {Factor} factor @param {Slide} slide @param {number} n outputs @param {number} m @returns {Factor}
 */
function readThrough(factor, slide, n, m) {
  const [x, y] = factor ?? [0, n - 1];
  if (slide.base > 1 || (factor && factor.length !== 2) || !isOneRun(slide, x, y) || x > y) {
    return asFactor(readBy(written(factor, n), slide, 0, m - 1), m);
  }
  const { kernel: k, stride: s, dilation: d, before: p } = slide;
  const first = Math.max(x * s - p, 0);
  const last = Math.min(y * s - p + (k - 1) * d, m - 1);
  if (first > last) return [];
  if (first === 0 && last === m - 1) return null;
  return factor && first === x && last === y ? factor : [first, last];
}

/**
 * Outputs in 0 … high that read any of a set of inputs.
 * @param {Positions} inputs @param {Slide} slide @param {number} high @returns {Positions}
 */
export function readersOf(inputs, slide, high) {
  const { kernel: k, stride: s, dilation: d, before: p, base: b } = slide;
  /** @type {number[]} */
  const ranges = [];
  /** @param {number} from @param {number} to */
  const add = (from, to) => {
    const first = Math.ceil(from / s);
    const last = Math.floor(to / s);
    if (first <= last) ranges.push(first, last);
  };
  for (let i = 0; i < inputs.length; i += 2) {
    if (b > 1) {
      for (let at = inputs[i]; at <= inputs[i + 1]; at++)
        for (let t = 0; t < k; t++) add(at * b + p - t * d, at * b + p - t * d);
    } else if (d === 1) add(inputs[i] + p - k + 1, inputs[i + 1] + p);
    else for (let t = 0; t < k; t++) add(inputs[i] + p - t * d, inputs[i + 1] + p - t * d);
  }
  return tidy(ranges, 0, high);
}

/**
 * What a group of channels of one side reads of the other.
 * @param {Factor} set @param {number} groups @param {number} from @param {number} to @returns {Factor}
 */
function acrossGroups(set, groups, from, to) {
  if (groups === 1 || set === null) return null;
  const a = from / groups;
  const b = to / groups;
  const ranges = [];
  for (let i = 0; i < set.length; i += 2) {
    ranges.push(Math.floor(set[i] / a) * b, Math.floor(set[i + 1] / a) * b + b - 1);
  }
  return asFactor(tidy(ranges, 0, to - 1), to);
}

/** What a reduction reads along an axis: all, or a group's channels. @param {number | null | undefined} groups
 *  @param {number} axis @param {Product} product @param {number[]} from @param {number[]} to @returns {Factor} */
function ofGroup(groups, axis, product, from, to) {
  return groups && axis === 1 ? acrossGroups(product[1], groups, from[1], to[1]) : null;
}

/** One factor changed along some axes; null where nothing is left. @param {Product} product @param {number[]} axes
 *  @param {(factor: Factor, i: number, axis: number) => Factor} change @returns {Product | null} */
function along(product, axes, change) {
  let result = product;
  for (let i = 0; i < axes.length; i++) {
    const factor = change(product[axes[i]], i, axes[i]);
    if (factor !== null && !factor.length) return null;
    if (factor !== product[axes[i]]) result = result.with(axes[i], factor);
  }
  return result;
}

/**
 * @typedef {(relation: Relation, product: Product, before: number[], after: number[]) => Array<Product | null>} Rule
 */

/** @type {Record<string, Rule>} From outputs to inputs. */
const backward = {
  window: ({ axes = [], slides = [], groups }, product, before, after) => {
    const isMixed = groups == null || product[1] === null;
    const mixed = isMixed ? product : product.with(1, acrossGroups(product[1], groups, after[1], before[1]));
    return [along(mixed, axes, (f, i, a) => readThrough(f, slides[i], after[a], before[a]))];
  },
  taps: (relation, product, before, after) => {
    const { axes = [], reads = [] } = relation;
    return [
      along(product, axes, (f, i, a) => {
        const ranges = [];
        for (const at of positions(written(f, after[a]))) for (const end of reads[i][at]) ranges.push(end);
        return asFactor(tidy(ranges, 0, before[a] - 1), before[a]);
      }),
    ];
  },
  elementwise: (_, product, before, after) => {
    if (before === after) return [product];
    const extra = after.length - before.length;
    if (!extra && before.every((n, axis) => n === after[axis])) return [product];
    return [before.map((n, axis) => (n === 1 && after[axis + extra] > 1 ? null : product[axis + extra]))];
  },
  concat: ({ axis = 0, offset = 0 }, product, before) => [
    along(product, [axis], (f) =>
      f === null
        ? null
        : asFactor(
            tidy(
              f.map((at) => at - offset),
              0,
              before[axis] - 1,
            ),
            before[axis],
          ),
    ),
  ],
  reshape: (_, product, before, after) => reshaped(product, after, before),
  permute: ({ order = [] }, product, before) => [before.map((_n, axis) => product[order.indexOf(axis)])],
  reduce: ({ axes = [], keep, groups }, product, before, after) => {
    const result = product.slice();
    for (const axis of axes) result.splice(axis, keep ? 1 : 0, ofGroup(groups, axis, product, after, before));
    return [result];
  },
  opaque: (_, product, before) => [before.map(() => null)],
};

/** @type {Record<string, Rule>} From inputs to outputs. */
const forward = {
  window: (relation, product, before, after) => {
    const { axes = [], slides = [], groups } = relation;
    const mixed = groups == null ? product : product.with(1, acrossGroups(product[1], groups, before[1], after[1]));
    return [
      along(mixed, axes, (f, i, a) => asFactor(readersOf(written(f, before[a]), slides[i], after[a] - 1), after[a])),
    ];
  },
  taps: (relation, product, before, after) => {
    const { axes = [], reads = [] } = relation;
    return [
      along(product, axes, (f, i, a) => {
        const set = written(f, before[a]);
        const ranges = [];
        for (let at = 0; at < after[a]; at++) if (meets(reads[i][at], set)) ranges.push(at, at);
        return asFactor(tidy(ranges, 0, after[a] - 1), after[a]);
      }),
    ];
  },
  elementwise: (_, product, before, after) => {
    if (before === after) return [product];
    const extra = after.length - before.length;
    return [
      after.map((m, axis) => (axis < extra || (before[axis - extra] === 1 && m > 1) ? null : product[axis - extra])),
    ];
  },
  concat: ({ axis = 0, offset = 0 }, product, before, after) => [
    along(product, [axis], (f) =>
      asFactor(
        tidy(
          written(f, before[axis]).map((at) => at + offset),
          0,
          after[axis] - 1,
        ),
        after[axis],
      ),
    ),
  ],
  reshape: (_, product, before, after) => reshaped(product, before, after),
  permute: ({ order = [] }, product) => [order.map((axis) => product[axis])],
  reduce: ({ axes = [], keep, groups }, product, before, after) => [
    keep
      ? product.map((f, axis) => (axes.includes(axis) ? ofGroup(groups, axis, product, before, after) : f))
      : product.filter((_f, axis) => !axes.includes(axis)),
  ],
  opaque: (_, product, before, after) => [after.map(() => null)],
};

/**
 * The same elements in row-major order under another shape.
 * @param {Product} product @param {number[]} from @param {number[]} to @returns {Product[]}
 */
function reshaped(product, from, to) {
  /** @type {Product[]} */
  let products = [[]];
  for (const [a, b] of matchingAxes(from, to)) {
    const factors = a.map((axis) => product[axis]);
    /** @type {Factor[][]} */
    let turned;
    if (factors.every((f) => f === null)) turned = [b.map(() => null)];
    else {
      const sizes = b.map((axis) => to[axis]);
      turned = unflatten(
        flatten(
          factors,
          a.map((axis) => from[axis]),
        ),
        sizes,
      );
    }
    products = products.flatMap((head) => turned.map((tail) => [...head, ...tail]));
  }
  return products;
}

/** @type {Map<string, Array<[number[], number[]]>>} */
const knownRuns = new Map();

/**
 * The smallest runs of axes whose elements stay together in a reshape.
 * @param {number[]} before @param {number[]} after @returns {Array<[number[], number[]]>}
 */
export function matchingAxes(before, after) {
  const key = `${before}>${after}`;
  const known = knownRuns.get(key);
  if (known) return known;
  /** @type {Array<[number[], number[]]>} */
  const runs = [];
  let i = 0;
  let j = 0;
  /** @param {number} from @param {number} to */
  const range = (from, to) => Array.from({ length: to - from }, (_, n) => from + n);
  while (i < before.length || j < after.length) {
    const [fromI, fromJ] = [i, j];
    let a = i < before.length ? before[i++] : 1;
    let b = j < after.length ? after[j++] : 1;
    while (a !== b) {
      if ((a < b && i < before.length) || j >= after.length) a *= before[i++];
      else b *= after[j++];
    }
    runs.push([range(fromI, i), range(fromJ, j)]);
  }
  knownRuns.set(key, runs);
  return runs;
}

/** The union of two marks, in as few products as are found quickly. @param {Mark} a @param {Mark} b @returns {Mark} */
export function unite(a, b) {
  return simplified([...a, ...b]);
}

/** @param {Mark} mark @returns {Mark} */
function simplified(mark) {
  /** @type {Mark} */
  const kept = [];
  const waiting = mark.slice().reverse();
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    let isKept = true;
    for (let i = kept.length - 1; i >= 0; i--) {
      const joined = together(kept[i], next);
      if (!joined) continue;
      if (joined === kept[i]) {
        isKept = false;
        break;
      }
      kept.splice(i, 1);
      if (joined !== next) {
        waiting.push(joined);
        isKept = false;
        break;
      }
    }
    if (isKept) kept.push(next);
  }
  return kept;
}

/** Two products as one, where their union is a product: one holds the other, or one factor alone differs.
 *  @param {Product} a @param {Product} b @returns {Product | null} */
function together(a, b) {
  let differing = -1;
  let aHolds = true;
  let bHolds = true;
  let count = 0;
  for (let axis = 0; axis < a.length; axis++) {
    if (isEqual(a[axis], b[axis])) continue;
    differing = axis;
    count++;
    aHolds = aHolds && holds(a[axis], b[axis]);
    bHolds = bHolds && holds(b[axis], a[axis]);
    if (count > 1 && !aHolds && !bHolds) return null;
  }
  if (aHolds) return a;
  if (bHolds) return b;
  return count === 1 ? a.with(differing, uniteFactors(a[differing], b[differing])) : null;
}

/**
 * @param {Rule} rule @param {Relation} relation @param {Mark} mark @param {number[]} before @param {number[]} after
 * @returns {Mark}
 */
function sent(rule, relation, mark, before, after) {
  if (mark.length === 1) {
    const products = rule(relation, mark[0], before, after);
    if (products.length === 1) return products[0] === mark[0] ? mark : products[0] ? [products[0]] : [];
  }
  const products = mark.flatMap((product) => rule(relation, product, before, after).filter((each) => each !== null));
  return products.length > 1 ? simplified(products) : products;
}

/**
 * The marks on all nodes that a mark on one node depends on, by index; undefined where none.
 * @param {Node[]} nodes @param {number} start @param {Mark} mark @param {boolean} gates follow gates and statistics too
 * @returns {Array<Mark | undefined>}
 */
export function pull(nodes, start, mark, gates) {
  /** @type {Array<Mark | undefined>} */
  const marks = new Array(nodes.length);
  marks[start] = mark;
  for (let i = start; i >= 0; i--) {
    const held = marks[i];
    if (!held || !held.length) continue;
    for (const { source, relation, gate } of nodes[i].reads) {
      if (gate && !gates) continue;
      const part = sent(backward[relation.kind], relation, held, nodes[source].shape, nodes[i].shape);
      const known = marks[source];
      marks[source] = known ? unite(known, part) : part;
    }
  }
  return marks;
}

/**
 * The marks on all nodes that depend on a mark on one node, by index; undefined where none.
 * @param {Node[]} nodes @param {number} start @param {Mark} mark @param {boolean} gates follow gates and statistics too
 * @returns {Array<Mark | undefined>}
 */
export function push(nodes, start, mark, gates) {
  /** @type {Array<Mark | undefined>} */
  const marks = new Array(nodes.length);
  marks[start] = mark;
  for (let i = start + 1; i < nodes.length; i++) {
    for (const { source, relation, gate } of nodes[i].reads) {
      const held = marks[source];
      if (!held || !held.length || (gate && !gates)) continue;
      const part = sent(forward[relation.kind], relation, held, nodes[source].shape, nodes[i].shape);
      const known = marks[i];
      marks[i] = known ? unite(known, part) : part;
    }
  }
  return marks;
}
