// In what box does a share of a map of weights lie? Whole pixels, as many axes as the map has: of each axis the
// shortest run that holds a share s of what the map has along it, the same s for all axes, and the least s for which
// the box holds what is asked for. As eyeshot/analyse/box.py; both read tests/vectors/spread.json.

import { NEARLY, profile } from "./spread.js";

/** @typedef {import("./density.js").Mass} Mass */
/** @typedef {[number, number]} Range first and last pixel */

const HALVINGS = 40;

/**
 * The box that holds a share of a map, in pixels of the image.
 * @param {Mass} mass @param {number} share @returns {Range[]}
 */
export function boxHolding(mass, share) {
  const profiles = mass.size.map((_, axis) => shares(profile(mass, axis)));
  const sums = summed(mass);
  let best = profiles.map((values) => shortest(values, 1));
  for (let step = 0, low = 0, high = 1; step < HALVINGS; step++) {
    const middle = (low + high) / 2;
    const box = profiles.map((values) => shortest(values, middle));
    if (inside(sums, mass.size, box) >= share - NEARLY) {
      best = box;
      high = middle;
    } else low = middle;
  }
  return best.map(([first, last], axis) => [first + mass.low[axis], last + mass.low[axis]]);
}

/** Pixels in a box. @param {Range[]} box @returns {number} */
export const pixelsIn = (box) => box.reduce((n, [first, last]) => n * (last - first + 1), 1);

/** How long a box is along each axis. @param {Range[]} box @returns {number[]} */
export const sizeOf = (box) => box.map(([first, last]) => last - first + 1);

/** @param {Float64Array} values @returns {Float64Array} of sum 1 */
function shares(values) {
  const total = values.reduce((a, b) => a + b, 0);
  return values.map((value) => value / total);
}

/** The shortest run of a profile of sum 1 that holds a share; of those as long the one that holds most, then the one
 *  nearest the middle. @param {Float64Array} values @param {number} share @returns {Range} */
export function shortest(values, share) {
  const n = values.length;
  const held = new Float64Array(n + 1);
  values.forEach((value, i) => (held[i + 1] = held[i] + value));
  let length = n;
  for (let low = 0, high = 0; low < n; low++) {
    while (high <= n && (high <= low || held[high] < held[low] + share - NEARLY)) high++;
    if (high > n) break;
    length = Math.min(length, high - low);
  }
  let most = 0;
  for (let low = 0; low + length <= n; low++) most = Math.max(most, held[low + length] - held[low]);
  const ends = values.findIndex((value) => value > 0) + values.findLastIndex((value) => value > 0);
  let best = -1;
  let distance = Infinity;
  for (let low = 0; low + length <= n; low++) {
    const off = Math.abs(2 * low + length - 1 - ends);
    if (held[low + length] - held[low] >= most - NEARLY && off < distance) [best, distance] = [low, off];
  }
  return [best, best + length - 1];
}

/** At each corner between pixels the share of the map before it. @param {Mass} mass @returns {Float64Array} */
function summed({ size, data }) {
  const total = data.reduce((a, b) => a + b, 0);
  const sizes = size.map((n) => n + 1);
  const result = new Float64Array(sizes.reduce((a, b) => a * b, 1));
  data.forEach((value, i) => {
    let at = 0;
    let block = 1;
    let rest = i;
    for (let axis = size.length - 1; axis >= 0; block *= sizes[axis--]) {
      at += ((rest % size[axis]) + 1) * block;
      rest = Math.floor(rest / size[axis]);
    }
    result[at] = value / total;
  });
  for (let axis = size.length - 1, block = 1; axis >= 0; block *= sizes[axis--]) {
    for (let i = block; i < result.length; i++) if (Math.floor(i / block) % sizes[axis]) result[i] += result[i - block];
  }
  return result;
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
