// How far does a map of weights spread along an axis? As eyeshot/analyse/spread.py; both read tests/vectors/spread.json.

/** @typedef {import("./density.js").Mass} Mass */

/** Shares less apart than this are one: sums of floats differ in their last bits. */
export const NEARLY = 1e-9;

/** The map summed over all axes but one. @param {Mass} mass @param {number} axis @returns {Float64Array} */
export function profile(mass, axis) {
  if (mass.lines) return mass.lines[axis];
  const inner = mass.size.slice(axis + 1).reduce((a, b) => a * b, 1);
  const n = mass.size[axis];
  const result = new Float64Array(n);
  for (let i = 0, at = 0; i < mass.data.length; at = (at + 1) % n) {
    for (const end = i + inner; i < end; i++) result[at] += mass.data[i];
  }
  return result;
}

/** Length of the shortest interval that holds a share of a profile, each pixel's weight lying evenly in it.
 *  @param {Float64Array} values @param {number} share @returns {number} */
export function width(values, share) {
  return Math.min(fromBorders(values, share), fromBorders(values.toReversed(), share));
}

/**
 * Length of the shortest of the intervals that begin at a border between pixels.
 * @param {Float64Array} values @param {number} share @returns {number}
 */
function fromBorders(values, share) {
  const total = values.reduce((a, b) => a + b, 0);
  const held = new Float64Array(values.length + 1);
  values.forEach((value, i) => (held[i + 1] = held[i] + value / total));
  let best = values.length;
  for (let low = 0, high = 1; low < values.length && held[low] + share <= 1 + NEARLY; low++) {
    const goal = held[low] + share;
    while (high < values.length && held[high] < goal - NEARLY) high++;
    best = Math.min(best, high - low - Math.max(held[high] - goal, 0) / (held[high] - held[high - 1]));
  }
  return best;
}

/** Standard deviation of the pixels' centres. @param {Float64Array} values @returns {number} */
export function sigma(values) {
  let total = 0;
  let first = 0;
  let second = 0;
  values.forEach((value, i) => {
    total += value;
    first += value * i;
    second += value * i * i;
  });
  return Math.sqrt(Math.max(second / total - (first / total) ** 2, 0));
}

/** A map of more than two axes summed to its last two. @param {Mass} mass @returns {Mass} */
export function flat(mass) {
  if (mass.size.length <= 2) return mass;
  const [h, w] = mass.size.slice(-2);
  const low = mass.low.slice(-2);
  const data = new Float64Array(h * w);
  mass.data.forEach((value, i) => (data[i % (h * w)] += value));
  return { low, size: [h, w], data, lines: null };
}
