// Sets of positions along one axis: sorted, disjoint inclusive ranges in one flat array, [first, last, first, last, …].
// Ranges that touch are one range, so that equal sets are equal arrays. null stands for every position of the axis.

/** @typedef {number[]} Positions */
/** @typedef {Positions | null} Factor */

/**
 * Ranges in any order, overlapping or not, as a set of positions in low … high.
 * @param {number[]} ranges @param {number} low @param {number} high @returns {Positions}
 */
export function tidy(ranges, low, high) {
  if (ranges.length === 2) {
    const first = Math.max(ranges[0], low);
    const last = Math.min(ranges[1], high);
    return first <= last ? [first, last] : [];
  }
  const starts = [];
  for (let i = 0; i < ranges.length; i += 2) starts.push(i);
  if (!isSorted(ranges)) starts.sort((i, j) => ranges[i] - ranges[j]);
  /** @type {number[]} */
  const result = [];
  for (const i of starts) {
    const first = Math.max(ranges[i], low);
    const last = Math.min(ranges[i + 1], high);
    const end = result.length - 1;
    if (first > last) continue;
    if (end > 0 && first <= result[end] + 1) result[end] = Math.max(result[end], last);
    else result.push(first, last);
  }
  return result;
}

/** @param {number[]} ranges @returns {boolean} */
function isSorted(ranges) {
  for (let i = 2; i < ranges.length; i += 2) if (ranges[i] < ranges[i - 2]) return false;
  return true;
}

/** @param {Positions} a @param {Positions} b @returns {Positions} */
export function union(a, b) {
  return tidy(a.concat(b), -Infinity, Infinity);
}

/** @param {Factor} a @param {Factor} b @returns {Factor} */
export function uniteFactors(a, b) {
  return a === null || b === null ? null : union(a, b);
}

/** Whether a and b share a position. @param {Positions} a @param {Positions} b @returns {boolean} */
export function meets(a, b) {
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i + 1] < b[j]) i += 2;
    else if (b[j + 1] < a[i]) j += 2;
    else return true;
  }
  return false;
}

/** Whether a holds all of b. @param {Factor} a @param {Factor} b @returns {boolean} */
export function holds(a, b) {
  if (a === b || a === null) return true;
  if (b === null) return false;
  let i = 0;
  for (let j = 0; j < b.length; j += 2) {
    while (i < a.length && a[i + 1] < b[j]) i += 2;
    if (i >= a.length || a[i] > b[j] || a[i + 1] < b[j + 1]) return false;
  }
  return true;
}

/** @param {Factor} a @param {Factor} b @returns {boolean} */
export function isEqual(a, b) {
  if (a === b) return true;
  if (a === null || b === null || a.length !== b.length) return false;
  return a.every((value, i) => value === b[i]);
}

/** Number of positions. @param {Positions} set @returns {number} */
export function count(set) {
  let total = 0;
  for (let i = 0; i < set.length; i += 2) total += set[i + 1] - set[i] + 1;
  return total;
}

/** A factor written out. @param {Factor} factor @param {number} size @returns {Positions} */
export function written(factor, size) {
  return factor === null ? (size > 0 ? [0, size - 1] : []) : factor;
}

/**
 * A set as a factor: null where it is every position of an axis.
 * @param {Positions} set @param {number} size @returns {Factor}
 */
export function asFactor(set, size) {
  return set.length === 2 && set[0] === 0 && set[1] === size - 1 ? null : set;
}

/** Each position in turn. @param {Positions} set @returns {Generator<number>} */
export function* positions(set) {
  for (let i = 0; i < set.length; i += 2) for (let at = set[i]; at <= set[i + 1]; at++) yield at;
}

/**
 * Row-major indices of a product of factors over axes of the given sizes.
 * @param {Factor[]} factors @param {number[]} sizes @returns {Positions}
 */
export function flatten(factors, sizes) {
  /** @type {Positions} */
  let flat = [0, 0];
  let block = 1;
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    const set = written(factors[axis], sizes[axis]);
    const ranges = [];
    if (flat.length === 2 && flat[0] === 0 && flat[1] === block - 1) {
      for (let i = 0; i < set.length; i += 2) ranges.push(set[i] * block, set[i + 1] * block + block - 1);
    } else {
      for (const at of positions(set)) for (const end of flat) ranges.push(end + at * block);
    }
    block *= sizes[axis];
    flat = tidy(ranges, 0, block - 1);
  }
  return flat;
}

/**
 * Row-major indices as products of factors over axes of the given sizes.
 * @param {Positions} flat @param {number[]} sizes @returns {Factor[][]}
 */
export function unflatten(flat, sizes) {
  if (!sizes.length) return flat.length ? [[]] : [];
  const [size, ...rest] = sizes;
  const block = rest.reduce((a, b) => a * b, 1);
  /** @type {Map<string, {at: number[], inner: number[]}>} */
  const alike = new Map();
  /** @param {number} from @param {number} to @param {number[]} inner */
  const add = (from, to, inner) => {
    const key = inner.join();
    const known = alike.get(key);
    if (known) known.at.push(from, to);
    else alike.set(key, { at: [from, to], inner });
  };
  for (const [from, to, inner] of slices(flat, block)) add(from, to, inner);
  return [...alike.values()].flatMap(({ at, inner }) => {
    const factor = asFactor(tidy(at, 0, size - 1), size);
    return unflatten(inner, rest).map((factors) => [factor, ...factors]);
  });
}

/**
 * Runs of blocks with what each holds.
 * @param {Positions} flat @param {number} block @returns {Array<[number, number, number[]]>}
 */
function slices(flat, block) {
  /** @type {Map<number, number[]>} */
  const partial = new Map();
  /** @type {Array<[number, number, number[]]>} */
  const result = [];
  /** @param {number} at @param {number} from @param {number} to */
  const put = (at, from, to) => {
    const held = partial.get(at);
    if (held) held.push(from, to);
    else partial.set(at, [from, to]);
  };
  for (let i = 0; i < flat.length; i += 2) {
    let first = Math.floor(flat[i] / block);
    let last = Math.floor(flat[i + 1] / block);
    const from = flat[i] - first * block;
    const to = flat[i + 1] - last * block;
    if (first === last) {
      put(first, from, to);
      continue;
    }
    if (from > 0) put(first++, from, block - 1);
    if (to < block - 1) put(last--, 0, to);
    if (first <= last) result.push([first, last, [0, block - 1]]);
  }
  for (const [at, inner] of partial) result.push([at, at, inner]);
  return result;
}
