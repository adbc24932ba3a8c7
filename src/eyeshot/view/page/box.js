// In what box does a share of a map of weights lie? Whole pixels, as many axes as the map has: of each axis the
// shortest run that holds a share s of what the map has along it, the same s for all axes, and the least s for which
// the box holds what is asked for. As eyeshot/analyse/box.py; both read tests/vectors/spread.json.

import { NEARLY, profile } from "./spread.js";

/** @typedef {import("./density.js").Mass} Mass */
/** @typedef {[number, number]} Range first and last pixel */

const HALVINGS = 40;

/**
 * For each share the box that holds it of a map, in pixels of the image.
 * @param {Mass} mass @param {number[]} asked @returns {Range[][]}
 */
export function boxesHolding(mass, asked) {
  const profiles = mass.size.map((_, axis) => runsOf(shares(profile(mass, axis))));
  const sums = mass.lines ? null : summed(mass);
  /** @param {Range[]} box */
  const held = (box) =>
    sums ? inside(sums, mass.size, box) : box.reduce((n, range, axis) => n * profiles[axis].held(range), 1);
  return asked.map((share) =>
    least(profiles, (box) => held(box) >= share - NEARLY).map(([first, last], axis) => [
      first + mass.low[axis],
      last + mass.low[axis],
    ]),
  );
}

/** The same for one share. @param {Mass} mass @param {number} share @returns {Range[]} */
export const boxHolding = (mass, share) => boxesHolding(mass, [share])[0];

/**
 * The box of the least common share along all axes that does.
 * @param {Runs[]} profiles @param {(box: Range[]) => boolean} isEnough @returns {Range[]}
 */
function least(profiles, isEnough) {
  let best = profiles.map(({ shortest }) => shortest(1));
  for (let step = 0, low = 0, high = 1; step < HALVINGS; step++) {
    const middle = (low + high) / 2;
    const box = profiles.map(({ shortest }) => shortest(middle));
    if (isEnough(box)) {
      best = box;
      high = middle;
    } else low = middle;
  }
  return best;
}

/** Pixels in a box. @param {Range[]} box @returns {number} */
export const pixelsIn = (box) => box.reduce((n, [first, last]) => n * (last - first + 1), 1);

/** How long a box is along each axis. @param {Range[]} box @returns {number[]} */
export const sizeOf = (box) => box.map(([first, last]) => last - first + 1);

/** @param {Float64Array} values @returns {Float64Array} of sum 1 */
function shares(values) {
  let total = 0;
  for (const value of values) total += value;
  return total === 1 ? values : values.map((value) => value / total);
}

/** The shortest run of a profile of sum 1 that holds a share. @param {Float64Array} values @param {number} share */
export const shortest = (values, share) => runsOf(values).shortest(share);

/** @typedef {{shortest: (share: number) => Range, held: (run: Range) => number}} Runs */

/**
 * Runs of a profile of sum 1: what one holds, and the shortest that holds a share; of those as long the one that holds
 * most, then the one nearest the middle.
 * @param {Float64Array} values @returns {Runs}
 */
function runsOf(values) {
  const n = values.length;
  const sums = new Float64Array(n + 1);
  for (let i = 0; i < n; i++) sums[i + 1] = sums[i] + values[i];
  const ends = values.findIndex((value) => value > 0) + values.findLastIndex((value) => value > 0);
  /** Runs are known by their length. @type {Map<number, Range>} */
  const known = new Map();
  /** @param {number} length @returns {Range} */
  function best(length) {
    let most = 0;
    for (let low = 0; low + length <= n; low++) most = Math.max(most, sums[low + length] - sums[low]);
    let [at, distance] = [-1, Infinity];
    for (let low = 0; low + length <= n; low++) {
      const off = Math.abs(2 * low + length - 1 - ends);
      if (off < distance && sums[low + length] - sums[low] >= most - NEARLY) [at, distance] = [low, off];
    }
    return [at, at + length - 1];
  }
  return {
    held: ([first, last]) => sums[last + 1] - sums[first],
    shortest: (share) => {
      let length = n;
      for (let low = 0, high = 0; low < n; low++) {
        while (high <= n && (high <= low || sums[high] < sums[low] + share - NEARLY)) high++;
        if (high > n) break;
        length = Math.min(length, high - low);
      }
      const run = known.get(length) ?? best(length);
      known.set(length, run);
      return run;
    },
  };
}

/** At each corner between pixels the share of the map before it. @param {Mass} mass @returns {Float64Array} */
function summed({ size, data }) {
  let total = 0;
  for (const value of data) total += value;
  const sizes = size.map((n) => n + 1);
  const result = new Float64Array(sizes.reduce((a, b) => a * b, 1));
  const last = size.length - 1;
  for (let line = 0, i = 0; i < data.length; line++) {
    let at = 1;
    let block = sizes[last];
    for (let axis = last - 1, rest = line; axis >= 0; block *= sizes[axis--]) {
      at += ((rest % size[axis]) + 1) * block;
      rest = Math.floor(rest / size[axis]);
    }
    for (let held = 0, end = at + size[last]; at < end; at++) result[at] = (held += data[i++]) / total;
  }
  for (let axis = last - 1, block = sizes[last]; axis >= 0; block *= sizes[axis--])
    accumulate(result, block, sizes[axis]);
  return result;
}

/** Running sums along an axis of n. @param {Float64Array} values @param {number} block its stride @param {number} n */
function accumulate(values, block, n) {
  for (let start = 0; start < values.length; start += block * n) {
    for (let i = start + block; i < start + block * n; i++) values[i] += values[i - block];
  }
}

/**
 * What a box has, from the sums at its corners.
 * @param {Float64Array} sums @param {number[]} size @param {Range[]} box @returns {number}
 */
function inside(sums, size, box) {
  let total = 0;
  for (let corner = 0; corner < 2 ** box.length; corner++) {
    let at = 0;
    let sign = 1;
    box.forEach(([first, last], axis) => {
      const isEnd = Boolean((corner >> axis) & 1);
      at = at * (size[axis] + 1) + (isEnd ? last + 1 : first);
      sign *= isEnd ? 1 : -1;
    });
    total += sign * sums[at];
  }
  return total;
}
